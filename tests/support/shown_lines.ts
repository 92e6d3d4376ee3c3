// A program that goes on printing, and what it has printed so far.

const MAIN = "src/cli/main.ts";
const ROOT = new URL("../../", import.meta.url);

/** Runs the program with `args` until it is disposed of. */
export class ShownLines implements AsyncDisposable {
  readonly #program: Deno.ChildProcess;
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;
  #text = "";

  constructor(...args: readonly string[]) {
    this.#program = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--quiet", MAIN, ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      ...{ stdout: "piped", stderr: "piped" },
    }).spawn();
    this.#errors = new Response(this.#program.stderr).text();
    this.#reader = this.#program.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until what was printed matches `pattern`, and returns it. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`${pattern} is not in: ${this.#text}`);
      this.#text += value;
    }
    return this.#text;
  }

  /** Stops the program as Ctrl+C does; returns its exit code. */
  async stop(): Promise<number> {
    this.#program.kill("SIGINT");
    await this.#reader.cancel();
    return (await this.#program.status).code;
  }

  /** Sends a signal. */
  signal(name: Deno.Signal): void {
    this.#program.kill(name);
  }

  /** Stops the program; returns what it printed on standard error. */
  async errors(): Promise<string> {
    await this.stop();
    return await this.#errors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    // What was printed and not read holds the pipe open.
    await this.#reader.cancel();
    await this.#errors;
  }
}
