// Starts a program that makes credentials, and ends it, with all that it started, when it takes too long or writes too much.

import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import process from "node:process";
import { CREDENTIAL_BYTES_MAX, PLUGIN_MILLISECONDS_MAX } from "../limits.ts";

/** What a program may take. */
export interface PluginLimits {
  readonly milliseconds: number;
  /** Of its output, and of its standard error. */
  readonly bytes: number;
}

/** What every program may take. */
export const PLUGIN_LIMITS: PluginLimits = {
  milliseconds: PLUGIN_MILLISECONDS_MAX,
  bytes: CREDENTIAL_BYTES_MAX,
};

/** The program was ended; the message says why, without what it wrote. */
export class PluginEnded extends Error {
  override readonly name = "PluginEnded";
}

type Start = (command: string, args: readonly string[] | undefined, options: SpawnOptions) => ChildProcess;

/** A `spawn` whose programs have `limits`, and no standard input. One that is ended emits {@link PluginEnded} and `close`. */
export function startBounded({ milliseconds, bytes }: PluginLimits): Start {
  return (command, args, options) => {
    const child = spawn(command, args ?? [], {
      ...options,
      // A group of its own, so that what the program starts is ended with it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const end = (why: string) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      endGroup(child);
      child.emit("error", new PluginEnded(why));
      child.emit("close", null);
    };
    const timer = setTimeout(
      () => end(`the program gave nothing within ${milliseconds / 1000} s`),
      milliseconds,
    );
    child.on("close", () => clearTimeout(timer));
    for (const stream of [child.stdout, child.stderr]) {
      let length = 0;
      stream?.on("data", (data: string | Uint8Array) => {
        length += data.length;
        if (length > bytes) end(`the program wrote more than ${bytes} bytes`);
      });
    }
    return child;
  };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
