// Owns the worker that writes the ledger. Lines and messages go to it in order, and it answers in order. It may be blocked in a
// call of the disk for ever, so nothing here waits for it without a bound, and it is never ended by force.

import type { DiskOptions } from "../ledger/disk_writer.ts";
import { LineRing } from "../ledger/line_ring.ts";
import type {
  FromWorker,
  LoadedFile,
  Posted,
  WorkerReport,
  WorkerRequest,
} from "../ledger/worker_messages.ts";
import { LEDGER_THREAD } from "./ledger_thread.ts";

/** The files of a ledger that was opened, or why it was not. */
export type Opening = WorkerReport & { readonly kind: "opened" | "refused" };

/** Receives what the worker reports by itself. */
export type OnReport = (report: WorkerReport & { readonly kind: "disk" | "restored" | "lost" }) => void;

/** The worker, and the session with it. */
export class LedgerWorker {
  #worker: Worker | undefined;
  #ring = new LineRing();
  /** Whether lines were put into the ring that the worker need not take at once. */
  #waiting = false;
  #session = 0;
  /** The request whose answer is awaited. */
  #asked: PromiseWithResolvers<WorkerReport> | undefined;
  #onReport: OnReport = () => {};

  /** Starts the thread, where there is none. */
  start(): void {
    this.#running();
  }

  /** Begins a new session: closes what is open, and opens the ledger at `path`. Resolves once the disk has answered. */
  async open(path: string, options: DiskOptions): Promise<Opening> {
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

  /** The present session. */
  get session(): number {
    return this.#session;
  }

  /** Sends `request`, unless it belongs to an older session. The worker takes lines that can wait with the next ones, or soon. */
  post(request: WorkerRequest, canWait = false, session = this.#session): void {
    if (session !== this.#session) return;
    const worker = this.#running();
    if (request.kind === "append" && this.#ring.put(request)) {
      this.#waiting = canWait;
      if (this.#ring.wake(canWait)) this.#send(worker, { kind: "look" }, []);
    } else this.#send(worker, request, request.kind === "append" ? [request.lines.buffer] : []);
  }

  /** Has the worker take the lines that can wait. */
  flush(): void {
    if (this.#waiting) this.#ring.wake(false);
    this.#waiting = false;
  }

  #send(worker: Worker, request: WorkerRequest | { readonly kind: "look" }, moved: ArrayBuffer[]): void {
    const message: Posted = { ...request, session: this.#session, after: this.#ring.end };
    this.#ring.announce();
    worker.postMessage(message, moved);
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
    this.#ring = new LineRing();
    worker.postMessage(this.#ring.shared);
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
