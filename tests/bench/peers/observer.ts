// When a change is seen on the node: by the kernel, and by a client that only reads its watch. Each is timed by a process of its own,
// as a proxy is one. The loop that sends the PATCH takes its answer at the same moment, so it would be late.

import type { Lab } from "../../support/lab/lab.ts";

const LATE_MILLISECONDS = 10_000;

/** Milliseconds since 1970, with fractions. Processes of one machine agree on them. */
export function timeOfDay(): number {
  return performance.timeOrigin + performance.now();
}

/** Prints the present time for the {@link Observer} that started this process. */
export function printTime(): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${timeOfDay()}\n`));
}

/** A process on the node that prints the time of each change it sees, and one line before, when it will see the next one. */
export class Observer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(lab: Lab, module: string, args: readonly string[]) {
    const path = new URL(module, import.meta.url).pathname;
    this.#process = lab.inside("node", () =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "--no-check", path, ...args],
        stdin: "null",
        stdout: "piped",
      }).spawn());
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Sees what the kernel of the node commits. */
  static ofCommits(lab: Lab): Promise<Observer> {
    return Observer.#ready(new Observer(lab, "commit_times.ts", []));
  }

  /** Sees the events of a watch. */
  static ofWatch(lab: Lab, kubeconfig: string): Promise<Observer> {
    return Observer.#ready(new Observer(lab, "watch_times.ts", [kubeconfig]));
  }

  static async #ready(observer: Observer): Promise<Observer> {
    await observer.#line();
    return observer;
  }

  /** The {@link timeOfDay} of the first change after `start`. Throws where none comes within 10 seconds. */
  async firstAfter(start: number): Promise<number> {
    const late = setTimeout(() => this.#process.kill(), LATE_MILLISECONDS);
    try {
      for (;;) {
        const time = Number(await this.#line());
        if (time >= start) return time;
      }
    } finally {
      clearTimeout(late);
    }
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const { done, value } = await this.#lines.read();
      if (done) throw new Error("no change was seen in time, or the process that looks for it ended");
      this.#rest += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill();
    } catch {
      // It has ended by itself.
    }
    await this.#lines.cancel();
    await this.#process.status;
  }
}
