// `ledgerproxy run` as it is shipped, in the namespaces of this process, watched from outside: descriptors, memory, and how
// long /livez takes.

import { imageCommand, imageEnvironment } from "./bundle.ts";

const HEALTH = "127.0.0.1:10256";
/** Between two requests to /livez. */
const ASK_MILLISECONDS = 200;
/** A request without an answer for so long counts as that long. */
const LATE_MILLISECONDS = 5000;

/** The program and what is seen of it. Dispose of it to end it. */
export class ObservedProgram implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #stop = new AbortController();
  readonly #asking: Promise<void>;
  #livez: number[] = [];

  /** Starts it with `flags` of run; its log goes to `logFile`. */
  constructor(readonly logFile: string, ...flags: readonly string[]) {
    Deno.writeTextFileSync(logFile, "");
    this.#process = new Deno.Command("sh", {
      args: [
        ...["-c", `exec "$@" >> "$0" 2>&1`, logFile],
        ...imageCommand("run", "--node", "node-a", "--healthz-bind-address", HEALTH, ...flags),
      ],
      env: { ...imageEnvironment(), NO_COLOR: "1" },
      stdin: "null",
    }).spawn();
    this.#asking = this.#ask();
  }

  get log(): string {
    return Deno.readTextFileSync(this.logFile);
  }

  /** Open descriptors. */
  descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.#process.pid}/fd`)].length;
  }

  /**
   * Resident set size in bytes (proc(5)). Why not the proportional one? Every other Deno on the machine takes a share of the
   * runtime's pages, so it also says how many of those run.
   */
  memory(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#process.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  /** Milliseconds for which the loop's thread has run, and for which it has waited for a CPU (proc_pid_schedstat(5)). */
  scheduled(): { readonly ran: number; readonly waited: number } {
    const { pid } = this.#process;
    const [ran, waited] = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`).split(" ").map(Number);
    return { ran: ran! / 1e6, waited: waited! / 1e6 };
  }

  /** What /healthz says. */
  async health(): Promise<{ readonly drift: unknown }> {
    return await (await fetch(`http://${HEALTH}/healthz`)).json();
  }

  /** How long each request to /livez took since the last call, in milliseconds. */
  takeLivez(): number[] {
    const taken = this.#livez;
    this.#livez = [];
    return taken;
  }

  /** Ends it with SIGTERM; returns its exit code. */
  async end(): Promise<number> {
    this.#stop.abort();
    await this.#asking;
    this.#kill("SIGTERM");
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#asking;
    this.#kill("SIGKILL");
    await this.#process.status;
  }

  async #ask(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const start = performance.now();
      try {
        const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LATE_MILLISECONDS)]);
        const response = await fetch(`http://${HEALTH}/livez`, { signal });
        await response.body?.cancel();
        this.#livez.push(performance.now() - start);
      } catch {
        // Before the first rules nothing listens.
        const took = performance.now() - start;
        if (took > LATE_MILLISECONDS - 1) this.#livez.push(took);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_MILLISECONDS));
    }
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It has ended by itself.
    }
  }
}
