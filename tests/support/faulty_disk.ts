// A disk whose calls fail as a test wants: a file system of our own (fuse_server.ts), mounted in a mount namespace of its own.

import assert from "node:assert/strict";
import type { DiskFaults } from "./fuse_server.ts";

const ROOT = new URL("../../", import.meta.url);

/** The disk at `folder`/disk. Dispose of it after the programs that use it. */
export class FaultyDisk implements AsyncDisposable {
  readonly #server: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  private constructor(readonly folder: string) {
    const server = new URL("fuse_server.ts", import.meta.url).pathname;
    const flags = ["--config", "deno.json", "--no-check", "--quiet", "--allow-all"];
    this.#server = new Deno.Command("unshare", {
      args: ["--mount", Deno.execPath(), "run", ...flags, server, `${folder}/disk`],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#server.stdin.getWriter();
    this.#answers = this.#server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async make(folder: string): Promise<FaultyDisk> {
    const disk = new FaultyDisk(folder);
    assert.equal((await disk.#answers.read()).value, "mounted\n");
    return disk;
  }

  /** The arguments of nsenter that lead to the disk. */
  get namespace(): string {
    return `--mount=/proc/${this.#server.pid}/ns/mnt`;
  }

  /** Where other programs see the disk. */
  get path(): string {
    return `/proc/${this.#server.pid}/root${this.folder}/disk`;
  }

  /** Runs a command in the mount namespace of the disk. */
  run(...command: readonly string[]): void {
    const { success, stderr } = new Deno.Command("nsenter", { args: [this.namespace, ...command] })
      .outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  }

  /** From now on calls fail so; without faults all succeed. */
  async fail(faults: DiskFaults): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(faults)));
    assert.equal((await this.#answers.read()).value, "done\n");
  }

  /**
   * From now on every call stands still, for so many milliseconds, or until the result is disposed of. The end comes from another process:
   * this one may wait for the disk itself.
   */
  hang(milliseconds: number): AsyncDisposable {
    const signal = (name: string) => `kill -${name} ${this.#server.pid}`;
    const script = `${signal("STOP")}; trap 'kill $!' TERM; sleep ${milliseconds / 1000} & wait; ${
      signal("CONT")
    }`;
    const process = new Deno.Command("sh", { args: ["-c", script], stdin: "null" }).spawn();
    return {
      async [Symbol.asyncDispose]() {
        try {
          process.kill("SIGTERM");
        } catch {
          // It has ended by itself.
        }
        await process.status;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#answers.cancel();
    await this.#server.status;
  }
}
