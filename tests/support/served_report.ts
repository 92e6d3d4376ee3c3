// A program that serves the report of a ledger, for tests.

import assert from "node:assert/strict";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

/** The program that serves a ledger's report. */
export class ServedReport implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #said: ReadableStreamDefaultReader<string>;

  constructor(ledger: string) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--quiet", MAIN, "report", ledger, "--serve", "0"],
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#said = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The address that it prints. */
  async url(): Promise<string> {
    let text = "";
    for (;;) {
      const found = /http:\/\/127\.0\.0\.1:\d+\/\S+\//.exec(text)?.[0];
      if (found !== undefined) return found;
      const { value, done } = await this.#said.read();
      assert.ok(!done, text);
      text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#said.cancel();
  }
}
