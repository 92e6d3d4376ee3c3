// Owns the worker that writes the ledger. Messages go to it in order, and it answers in order. It may be blocked in a call of
// the disk for ever, so nothing here waits for it without a bound, and it is never ended by force.

import type { DiskOptions } from "../ledger/disk_writer.ts";
import type {
  FromWorker,
  LoadedFile,
  ToWorker,
  WorkerReport,
  WorkerRequest,
} from "../ledger/worker_messages.ts";
import { LEDGER_THREAD } from "./ledger_thread.ts";

/** The files of a ledger that was opened, or why it was not. */
export type Opening = WorkerReport & { readonly kind: "opened" | "refused" };

/** Receives what the worker reports by itself. */
export type OnReport = (report: WorkerReport & { readonly kind: "disk" | "restored" | "lost" }) => void;

/** How long the lines of a commit wait for others, in milliseconds, and how many bytes at most. */
const HELD_MILLISECONDS = 20;
const HELD_BYTES_MAX = 256 * 1024;

/** The worker, and the session with it. */
export class LedgerWorker {
  #worker: Worker | undefined;
  #session = 0;
  /** Lines that go with the next ones. */
  #held: (WorkerRequest & { readonly kind: "append" }) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The request whose answer is awaited. */
  #asked: PromiseWithResolvers<WorkerReport> | undefined;
  #onReport: OnReport = () => {};

  /** Begins a new session: closes what is open, and opens the ledger at `path`. Resolves once the disk has answered. */
  async open(path: string, options: DiskOptions): Promise<Opening> {
    this.flush();
    this.#session++;
    this.#onReport = () => {};
    const report = await this.#ask({ kind: "open", path, options });
    return report.kind === "opened" || report.kind === "refused" ? report : ended(report);
  }

  /** The content of files that {@link open} did not read. */
  async read(names: readonly string[]): Promise<readonly LoadedFile[]> {
    return filesOf(await this.#ask({ kind: "read", names }));
  }

  /** Sets all files aside in a folder `name`; returns those that are left. */
  async setAside(name: string): Promise<readonly LoadedFile[]> {
    return filesOf(await this.#ask({ kind: "set-aside", name }));
  }

  /** Sends what needs no answer. `onReport` receives what the worker reports from now on. */
  begin(request: WorkerRequest & { readonly kind: "begin" }, onReport: OnReport): void {
    this.#onReport = onReport;
    this.post(request);
  }

  /** Sends `request`. Lines that can wait go with the next ones, or after a moment: each message costs 50 us of CPU. */
  post(request: WorkerRequest, canWait = false): void {
    const held = this.#held;
    if (held !== undefined && request.kind === "append") {
      this.#held = undefined;
      const lines = new Uint8Array([held.lines, request.lines].reduce((sum, { length }) => sum + length, 0));
      lines.set(held.lines);
      lines.set(request.lines, held.lines.length);
      return this.post({ ...request, first: held.first, lines }, canWait);
    }
    if (canWait && request.kind === "append" && request.lines.length < HELD_BYTES_MAX) {
      this.#held = request;
      this.#timer ??= setTimeout(() => this.flush(), HELD_MILLISECONDS);
      return;
    }
    this.flush();
    this.#send(request);
  }

  /** Sends the lines that wait. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#send(held);
  }

  /** The lines of records are moved to the worker. */
  #send(request: WorkerRequest): void {
    const message: ToWorker = { ...request, session: this.#session };
    this.#running().postMessage(message, request.kind === "append" ? [request.lines.buffer] : []);
  }

  /** Closes the ledger and ends the worker. Resolves with true, and with false after `milliseconds`: then it is blocked. */
  async close(milliseconds: number): Promise<boolean> {
    if (this.#worker === undefined) return true;
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), milliseconds);
    const closed = await Promise.race([this.#ask({ kind: "close" }), late.promise]);
    clearTimeout(timer);
    // Why not without an answer? The end of a worker is waited for, and one in a call of the disk may never end.
    if (closed !== false) this.#worker?.terminate();
    return closed !== false;
  }

  #ask(request: WorkerRequest): Promise<WorkerReport> {
    this.#asked?.resolve({ kind: "lost", reason: "another request took its place" });
    const asked = this.#asked = Promise.withResolvers<WorkerReport>();
    this.post(request);
    return asked.promise;
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(threadModule(), { type: "module", name: LEDGER_THREAD });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.#worker === worker) this.#died(event.message);
    };
    return this.#worker = worker;
  }

  #take({ session, ...report }: FromWorker): void {
    if (session !== this.#session) return;
    if (report.kind === "disk" || report.kind === "restored") return this.#onReport(report);
    if (report.kind === "lost") this.#onReport(report);
    this.#asked?.resolve(report);
    this.#asked = undefined;
  }

  /** The next message starts another worker. */
  #died(message: string): void {
    this.#worker = undefined;
    const report = { kind: "lost", reason: `the worker of the ledger ended: ${message}` } as const;
    this.#onReport(report);
    this.#asked?.resolve(report);
    this.#asked = undefined;
  }
}

/** What the worker loads: the text that the bundle has for it (.ci/bundle.ts), or else the program itself. */
function threadModule(): string {
  const bundled: unknown = Reflect.get(globalThis, "ledgerThread");
  return typeof bundled === "string" ? bundled : Deno.mainModule;
}

function filesOf(report: WorkerReport): readonly LoadedFile[] {
  if (report.kind === "contents") return report.files;
  throw new Error(
    report.kind === "lost" ? report.reason : `the worker of the ledger answered ${report.kind}`,
  );
}

function ended(report: WorkerReport): Opening {
  return {
    kind: "refused",
    reason: report.kind === "lost" ? report.reason : `the worker answered ${report.kind}`,
  };
}
