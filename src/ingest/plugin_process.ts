// Starts a program that makes credentials. Kills it, with all processes that it started, when it runs too long or writes too
// much.

import type { ChildProcess, SpawnOptions } from "node:child_process";
import process from "node:process";
import { CREDENTIAL_BYTES_MAX, PLUGIN_MILLISECONDS_MAX } from "../limits/input.ts";

/** Bounds of a program. */
export interface PluginLimits {
  readonly milliseconds: number;
  /** Of its standard output, and of its standard error. */
  readonly bytes: number;
}

/** The bounds of every program. */
export const PLUGIN_LIMITS: PluginLimits = {
  milliseconds: PLUGIN_MILLISECONDS_MAX,
  bytes: CREDENTIAL_BYTES_MAX,
};

/** The program was killed. The message says why, and does not quote its output. */
export class PluginKilled extends Error {
  override readonly name = "PluginKilled";
}

type Start = (command: string, args: readonly string[] | undefined, options: SpawnOptions) => ChildProcess;

/** A `spawn` whose programs have `limits`, and no standard input. One that is killed emits {@link PluginKilled} and `close`. */
export function startBounded({ milliseconds, bytes }: PluginLimits): Start {
  return (command, args, options) => {
    // Loaded here and not at the start, which it would delay.
    const { spawn } = process.getBuiltinModule("node:child_process");
    const child = spawn(command, args ?? [], {
      ...options,
      // A group of its own, so that all processes of the program can be killed at once.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const kill = (why: string) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      killGroup(child);
      child.emit("error", new PluginKilled(why));
      child.emit("close", null);
    };
    const timer = setTimeout(
      () => kill(`the program gave nothing within ${milliseconds / 1000} s`),
      milliseconds,
    );
    child.on("close", () => clearTimeout(timer));
    for (const stream of [child.stdout, child.stderr]) {
      let length = 0;
      stream?.on("data", (data: string | Uint8Array) => {
        length += data.length;
        if (length > bytes) kill(`the program wrote more than ${bytes} bytes`);
      });
    }
    return child;
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has already ended by itself.
  }
}
