// The writer of the ledger in a running node. Messages go to it in order, and it answers in order. A call of the disk may never
// end, so nothing here waits for one without a bound.

import { type DiskOptions, GONE } from "../ledger/disk_writer.ts";
import type { DiskReport, DiskRequest, FromDisk, LoadedFile, ToDisk } from "../ledger/disk_messages.ts";
import { KeptLock } from "../ledger/folder_lock.ts";
import { diskFolder, type WholeFile } from "../ledger/disk_folder.ts";
import { DiskSide } from "../ledger/disk_side.ts";
import { call, type DiskWork } from "../ledger/disk_work.ts";
import { FrameCompressor } from "../ledger/compression.ts";
import { joinedChunks } from "../byte_chunks.ts";
import { messageOf } from "../thrown.ts";
import { DiskStrand } from "./disk_strand.ts";
import { WaitableFiles } from "./waitable_file.ts";

/** The disk refuses what was asked for, or the writer was lost. */
export class DiskRefused extends Error {
  override readonly name = "DiskRefused";
}

/** The files of a ledger that was opened, or why it was not. */
export type Opening = DiskReport & { readonly kind: "opened" | "refused" };

/** Receives what the writer reports by itself. */
export type OnReport = (
  report: DiskReport & { readonly kind: "disk" | "restored" | "lost" | "past" },
) => void;

type Append = DiskRequest & { readonly kind: "append" };

/**
 * How long lines that can wait do so, in milliseconds. They wait where others came within that time: then the next ones are near, and
 * one write is that of another thread, which must be woken. Lone ones are written at once. Who looks at the disk sends lines that have
 * waited so long, and so does the strand where it looks by itself, which it does while lines are held. Why no timer of their own? In
 * a series of changes that would wake the loop ten times a second for nothing.
 */
const HELD_MILLISECONDS = 100;

/** How often calls are looked at while the ledger is closed, in milliseconds. */
const END_LOOK_MILLISECONDS = 2;

/** The writer, and the session with it. */
export class LedgerDisk {
  readonly #files = new WaitableFiles();
  readonly #strand = new DiskStrand((error) => this.#failed(error), () => this.#lookAtHeld());
  readonly #beside = new DiskStrand((error) => this.#failed(error));
  readonly #looks = new DiskStrand((error) => this.#failed(error));
  readonly #locks = new KeptLock();
  #side = this.#newSide();
  #session = 0;
  /** Lines that wait for the next ones. */
  #held: Append | undefined;
  /** When the first of them came. */
  #heldSince = 0;
  /** When lines that can wait came last. */
  #lastWaiting = -Infinity;
  /** The request whose answer is awaited. */
  #asked: PromiseWithResolvers<DiskReport> | undefined;
  #onReport: OnReport = () => {};

  /** Begins a new session: closes what is open, and opens the ledger at `path`. Resolves once the disk has answered. */
  async open(path: string, options: DiskOptions): Promise<Opening> {
    this.#sendHeld();
    this.#session++;
    this.#onReport = () => {};
    const report = await this.#ask({ kind: "open", path, options });
    return report.kind === "opened" || report.kind === "refused" ? report : ended(report);
  }

  /** The content of files that {@link open} did not read. Throws {@link DiskRefused}. */
  async read(names: readonly string[]): Promise<readonly LoadedFile[]> {
    return filesOf(await this.#ask({ kind: "read", names }));
  }

  /** Sets all files aside in a folder `name`, and begins a ledger with `first`; returns its files. Throws {@link DiskRefused}. */
  async setAside(name: string, first: WholeFile): Promise<readonly LoadedFile[]> {
    return filesOf(await this.#ask({ kind: "set-aside", name, first }));
  }

  /** Throws {@link DiskRefused} where the disk takes no file. */
  async tryWrite(): Promise<void> {
    filesOf(await this.#ask({ kind: "try-write" }));
  }

  /** Resolves where the folder is that of the ledger, and this program has its lock; throws an error of the disk where it is another one. */
  requireHeld(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const locks = this.#locks;
    this.#looks.push((function* () {
      try {
        if (yield* locks.held()) resolve();
        else reject(Object.assign(new Error(GONE), { code: "ESTALE" }));
      } catch (error) {
        reject(error);
      }
    })());
    return promise;
  }

  /** Sends what needs no answer. `onReport` receives what the writer reports from now on. */
  begin(request: DiskRequest & { readonly kind: "begin" }, onReport: OnReport): void {
    this.#onReport = onReport;
    this.post(request);
  }

  /** The present session. */
  get session(): number {
    return this.#session;
  }

  /**
   * Sends `request`, unless it belongs to an older session. Lines that can wait are written with the next ones, or soon, where they
   * follow each other closely.
   */
  post(request: DiskRequest, canWait = false, session = this.#session): void {
    if (session !== this.#session) return;
    const held = this.#held;
    this.#held = undefined;
    if (request.kind === "append") {
      const append = held === undefined ? request : joined(held, request);
      if (!canWait || !this.#isSeries()) return this.#send(append);
      this.#held = append;
      if (held === undefined) this.#heldSince = this.#lastWaiting;
      return this.#strand.lookLater();
    }
    if (held !== undefined) this.#send(held);
    this.#send(request);
  }

  /** Takes note of calls that are done, and sends lines that have waited long enough. */
  look(): void {
    if (this.#held !== undefined && this.#isDue) this.#sendHeld();
    else this.#strand.goOn();
  }

  /** Blocks until `reached`, at most so many milliseconds; false where it is not reached. */
  wait(reached: () => boolean, milliseconds: number): boolean {
    this.#sendHeld();
    return this.#strand.wait(reached, milliseconds);
  }

  /** Resolves once {@link wait} can wait for the calls that are left; undefined where it can. */
  get away(): Promise<void> | undefined {
    return this.#strand.away;
  }

  /** Whether nothing is left to do for which a commit may have to wait. */
  get isIdle(): boolean {
    return this.#strand.isIdle;
  }

  /** Whether anything is left to do, such as to compress segments. */
  get isAtWork(): boolean {
    return !this.#strand.isIdle || !this.#beside.isIdle;
  }

  /** Closes the ledger. Resolves with true, and with false after `milliseconds`: then the disk hangs. */
  async close(milliseconds: number): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), milliseconds);
    const looks = setInterval(() => this.look(), END_LOOK_MILLISECONDS);
    const closed = await Promise.race([this.#closed(), late.promise]);
    clearTimeout(timer);
    clearInterval(looks);
    if (!closed) return false;
    // The process ends once no timer is left.
    for (const strand of [this.#strand, this.#beside, this.#looks]) strand[Symbol.dispose]();
    this.#files[Symbol.dispose]();
    return true;
  }

  /** Another answer is of a session that was lost meanwhile. */
  async #closed(): Promise<true> {
    while ((await this.#ask({ kind: "close" })).kind !== "closed");
    return true;
  }

  /** Whether lines that can wait came shortly before. */
  #isSeries(): boolean {
    const now = performance.now();
    const since = now - this.#lastWaiting;
    this.#lastWaiting = now;
    return since < HELD_MILLISECONDS;
  }

  #send(request: DiskRequest): void {
    this.#strand.push(this.#handle({ ...request, session: this.#session }));
  }

  #sendHeld(): void {
    if (this.#held !== undefined) this.#send(this.#held);
    this.#held = undefined;
  }

  /** Whether the lines that are held have waited long enough. */
  get #isDue(): boolean {
    return performance.now() - this.#heldSince >= HELD_MILLISECONDS;
  }

  #lookAtHeld(): void {
    if (this.#held === undefined) return;
    if (this.#isDue) this.#sendHeld();
    else this.#strand.lookLater();
  }

  #ask(request: DiskRequest): Promise<DiskReport> {
    this.#asked?.resolve({ kind: "lost", reason: "another request took its place" });
    const asked = this.#asked = Promise.withResolvers<DiskReport>();
    this.post(request);
    return asked.promise;
  }

  #newSide(): DiskSide {
    return new DiskSide({
      folder: (path) => diskFolder(path, true, (path, options) => this.#files.open(path, options)),
      locks: this.#locks,
      send: (message) => this.#take(message),
      snapshot() {
        const compressor = new FrameCompressor();
        return {
          write: (text) => compressor.write(text),
          finish: () => call(() => new Uint8Array(), () => compressor.finish()),
        };
      },
      beside: (work) => this.#beside.push(work),
      besideDone: () => call(() => {}, () => this.#beside.idle()),
    });
  }

  /** The side is read when its turn comes: a fault may have replaced it. */
  *#handle(message: ToDisk): DiskWork<void> {
    yield* this.#side.handle(message);
  }

  #take({ session, ...report }: FromDisk): void {
    if (session !== this.#session) return;
    if (report.kind === "disk" || report.kind === "restored" || report.kind === "past") {
      return this.#onReport(report);
    }
    if (report.kind === "lost") this.#onReport(report);
    this.#asked?.resolve(report);
    this.#asked = undefined;
  }

  /** A fault of this program: another side takes the next messages, once the one that failed has released what it has. */
  #failed(error: unknown): void {
    this.#strand.push(this.#side.abandon());
    this.#side = this.#newSide();
    const reason = `the writer of the ledger failed: ${messageOf(error)}`;
    this.#take({ kind: "lost", reason, session: this.#session });
  }
}

/** Both in one write. */
function joined(a: Append, b: Append): Append {
  return { ...b, first: a.first, lines: joinedChunks([a.lines, b.lines]) };
}

function filesOf(report: DiskReport): readonly LoadedFile[] {
  if (report.kind === "contents") return report.files;
  throw new DiskRefused(reasonOf(report));
}

function ended(report: DiskReport): Opening {
  return { kind: "refused", reason: reasonOf(report) };
}

function reasonOf(report: DiskReport): string {
  return report.kind === "lost" || report.kind === "refused"
    ? report.reason
    : `the writer of the ledger answered ${report.kind}`;
}
