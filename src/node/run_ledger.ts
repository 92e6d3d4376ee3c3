// The ledger of `run`, over all restarts of its loop. The writer opens and writes it (ledger/disk_side.ts). While it cannot be
// opened, or after it was lost, rules are made without it; once it can be opened the loop starts again, and the ledger continues
// with a gap record.

import { countText } from "../count_text.ts";
import { type EngineState, newEngine, stepEngine } from "../engine/engine.ts";
import type { RecordGap } from "../engine/input.ts";
import { Counters } from "../ledger/counters.ts";
import type { LoadedFile } from "../ledger/disk_messages.ts";
import { isLedgerDamage, type LedgerDamage } from "../ledger/damage.ts";
import { LedgerGone, LedgerLocked, type SyncPolicy } from "../ledger/disk_writer.ts";
import type { KeptPast, Retention } from "../ledger/retention.ts";
import { newHandoff } from "../ledger/handoff.ts";
import { MemoryLedger } from "../ledger/memory_ledger.ts";
import type { GapRecord, LedgerRecord } from "../ledger/record.ts";
import { firstSegment } from "../ledger/record_encoder.ts";
import { RemoteLedger } from "../ledger/remote_ledger.ts";
import type { Storage } from "../ledger/storage.ts";
import { recover, type Recovered } from "../ledger/writer.ts";
import {
  LEDGER_CLOSE_MILLISECONDS_MAX,
  LEDGER_OPEN_MILLISECONDS_MAX,
  LEDGER_RETRY_MILLISECONDS,
} from "../limits/ledger.ts";
import { turn, within } from "../pause.ts";
import type { Position } from "../plan/position.ts";
import { type HeldCommit, heldCommit } from "./held_commit.ts";
import { hasHash, type LedgerAhead, openAhead } from "./ledger_ahead.ts";
import { LedgerFiles } from "./ledger_files.ts";
import { DiskRefused, LedgerDisk, type OnReport, type Opening } from "./ledger_disk.ts";
import { isRunning } from "./lock_holder.ts";
import { log } from "./log.ts";
import { type CarriedGap, gapAfter } from "./record_gap.ts";
import { renewal } from "./renew_ledger.ts";
import { NO_RESTARTS, restartedAt, restartPause } from "./restarts.ts";
import {
  type CutLedger,
  type FoldBeginning,
  foldBeginning,
  foldWhole,
  goOnBehind,
  isRenewed,
  replacesRules,
  reportRenewal,
} from "./start.ts";

const SILENT = `the disk does not answer within ${LEDGER_OPEN_MILLISECONDS_MAX / 1000} s`;

/** What one run of the loop begins with. */
export interface LedgerOfLoop {
  readonly engine: EngineState;
  readonly ledger: RemoteLedger | MemoryLedger;
  /** Whether this ledger replaces a damaged one that had committed rules, and no rules were committed since. */
  readonly renewed: boolean;
  /** Records that were folded by an earlier run of the loop, and that are not in this ledger. */
  readonly gap: RecordGap | undefined;
}

/** How the ledger of `run` is opened. */
export interface RunLedgerOptions {
  readonly folder: string;
  readonly policy: SyncPolicy;
  readonly retention: Retention;
  /** Whether the program ends when the ledger cannot be opened, instead of going on without it. */
  readonly required: boolean;
}

/** Opens the ledger for each run of the loop. */
export class RunLedger {
  readonly #disk = new LedgerDisk();
  /** The opening that is under way, or done and not used yet. */
  #opening: Promise<Opening> | undefined;
  /** What {@link look} found, for {@link begin}. */
  #looked: Looked | undefined;
  /** What {@link ahead} has read, for {@link begin}. */
  #ahead: LedgerAhead | undefined;
  #current: LedgerOfLoop | undefined;
  /** What is not in the ledger so far. */
  #carried: CarriedGap | undefined;
  #reopened = new AbortController();
  /** What opens the ledger later, until a run of the loop begins. */
  #retry: AbortController | undefined;
  /** How often the loop has started again to continue the ledger: each time it reads the whole cluster. */
  #restarts = NO_RESTARTS;
  /** Why the ledger cannot be opened, as it is now. */
  #reason = "";
  #ended = false;
  /** How many records of a damaged ledger, which stays in its place, the present run began with. */
  #salvaged = 0;
  /** What is known of a damaged ledger that is being set aside. */
  #known: readonly LedgerRecord[] = [];
  /** Whether the last start could not read the ledger, or set it aside. */
  #mustWrite = false;
  /** Whether less is kept than asked for. */
  #isShort = false;
  /** How far back the ledger reaches, as last reported. */
  kept: KeptPast | undefined;
  /** Receives a record about the ledger itself. */
  onRecord: (record: GapRecord) => void = () => {};

  constructor(readonly options: RunLedgerOptions) {}

  /** Aborts when the loop is to start again, because the ledger can be continued. */
  get reopened(): AbortSignal {
    return this.#reopened.signal;
  }

  /**
   * The first step of the next run of the loop: the last commit of the ledger, where it is what wrote `position` into the kernel.
   * Waits a bounded time for the disk.
   */
  async look(position: Position | undefined): Promise<HeldCommit | undefined> {
    this.#reopened = new AbortController();
    this.onRecord = () => {};
    this.#retry?.abort();
    this.#noteOmission();
    const patience = new Patience();
    this.#looked = { patience, files: undefined };
    this.#ahead = undefined;
    this.#open();
    try {
      const opening = await patience.await(this.#opening!);
      if (opening.kind !== "opened") return undefined;
      const files = this.#filesOf(opening.files, patience);
      this.#looked = { patience, files };
      return position && await files.look((storage) => heldCommit(storage, position));
    } catch (error) {
      // The second step reads on, and says so.
      if (!(error instanceof DiskRefused || error instanceof DiskSilent)) throw error;
      return undefined;
    }
  }

  /** Whether {@link look} has found a ledger without records. */
  get isNew(): boolean {
    return this.#looked?.files?.isEmpty ?? false;
  }

  /**
   * What can be read before {@link begin} makes the state; undefined where there is no snapshot, or where anything is wrong with the
   * ledger.
   */
  async ahead(): Promise<LedgerAhead | undefined> {
    try {
      return this.#ahead = await this.#looked?.files?.look((storage) => openAhead(storage));
    } catch (error) {
      // The next step reads on, and says so.
      if (!(error instanceof DiskRefused || error instanceof DiskSilent)) throw error;
      return undefined;
    }
  }

  /** Continues the ledger that {@link ahead} has read; {@link begin} goes on with it. */
  continueAhead(ahead: LedgerAhead): RemoteLedger {
    if (ahead.ledger !== undefined) return ahead.ledger;
    this.#opening = undefined;
    return ahead.ledger = this.#continue(ahead.recovered);
  }

  /**
   * The second step: the ledger, folded. `first`: no loop has run before. It waits for the disk within the time that {@link look} began.
   * Throws LedgerLocked where another proxy runs on this ledger.
   */
  async begin(first: boolean): Promise<LedgerOfLoop> {
    const { patience, files } = this.#looked!;
    this.#looked = undefined;
    this.#known = [];
    let read: LedgerOfLoop;
    try {
      // One that is continued is open.
      const opening = this.#ahead?.ledger === undefined ? await patience.await(this.#opening!) : undefined;
      this.#opening = undefined;
      if (opening?.kind === "refused") return this.#refused(opening, first);
      read = await this.#read(files ?? this.#filesOf(opening!.files, patience), patience);
    } catch (error) {
      if (error instanceof DiskSilent) return this.#withoutAnswer();
      if (!(error instanceof DiskRefused)) throw error;
      this.#mustWrite = true;
      return this.#without(error.message, Math.max(LEDGER_RETRY_MILLISECONDS, this.#nextPause), this.#known);
    }
    this.#mustWrite = false;
    if (read.gap !== undefined) this.#carried = { gap: read.gap, at: read.ledger.next };
    return this.#current = read;
  }

  /** Closes the ledger. False where the disk does not answer in time. */
  async close(): Promise<boolean> {
    this.#ended = true;
    this.#retry?.abort();
    const answered = await this.#disk.close(LEDGER_CLOSE_MILLISECONDS_MAX);
    const { reason, records = 0 } = this.#current?.ledger.failure ?? {};
    const lost = records === 0
      ? "every record was written"
      : `the last ${countText(records, "record is", "records are")} lost`;
    if (!answered) log.error(`the disk of the ledger does not answer: ${lost}`);
    else if (records > 0) log.error(`the ledger cannot be written: ${reason}; ${lost}`);
    return answered;
  }

  /** The writer begins to read. */
  #open(): void {
    this.#opening ??= this.#disk.open(this.options.folder, { policy: this.options.policy });
  }

  #filesOf(files: readonly LoadedFile[], patience: Patience): LedgerFiles {
    return new LedgerFiles(this.options.folder, files, {
      read: (names) => patience.await(this.#disk.read(names)),
    });
  }

  /** Another opening ends what the disk does not answer. */
  #withoutAnswer(): LedgerOfLoop {
    this.#open();
    const [gap] = this.#known;
    const why = gap?.kind === "gap" ? `${gap.reason}; ${SILENT}` : SILENT;
    return this.#without(why, LEDGER_RETRY_MILLISECONDS, this.#known);
  }

  /** Keeps what the last run of the loop could not write, for the gap record of the next one. */
  #noteOmission(): void {
    const { ledger, engine } = this.#current ?? {};
    const salvaged = this.#salvaged;
    this.#current = undefined;
    this.#salvaged = 0;
    if (engine === undefined || ledger === undefined) return;
    const { omission, next } = ledger;
    const time = new Date().toISOString();
    const gap = omission && gapAfter(time, omission, next, engine.committedOffset, this.#carried);
    // The next run takes them from the damaged ledger too: they are not missing, but rules may follow them.
    this.#carried = gap && { gap: { ...gap, records: gap.records - salvaged }, at: undefined };
  }

  #refused({ reason, heldBy }: Opening & { readonly kind: "refused" }, first: boolean): LedgerOfLoop {
    const other = heldBy !== undefined && first && isRunning(heldBy);
    if (other) throw new LedgerLocked(this.options.folder, heldBy);
    return this.#without(reason);
  }

  /** Rules are made without a ledger, until it can be opened. They begin with `records`: what is known of one that is damaged. */
  #without(
    reason: string,
    pause = LEDGER_RETRY_MILLISECONDS,
    records: readonly LedgerRecord[] = [],
  ): LedgerOfLoop {
    if (this.options.required) throw new LedgerGone(`the ledger cannot be opened: ${reason}`);
    log.error(`the ledger cannot be opened: ${reason}; rules are made without it`);
    this.#openLater(reason, pause);
    const ledger = new MemoryLedger(() => this.#reason);
    const engine = newEngine();
    this.#salvaged = records.length;
    if (records.length > 0) stepEngine(engine, { kind: "appended", first: ledger.append(records), records });
    const renewed = replacesRules(records[0]);
    return this.#current = { engine, ledger, renewed, gap: undefined };
  }

  /** Opens the ledger in the background, now and then, until it can be opened. Then the run of the loop ends. */
  #openLater(reason: string, pause: number): void {
    if (this.#ended) return;
    this.#reason = reason;
    this.#retry?.abort();
    const retry = this.#retry = new AbortController();
    const open = () => {
      this.#open();
      void this.#opening!.then((opening) => this.#opened(opening, retry));
    };
    if (this.#opening !== undefined) return open();
    const timer = setTimeout(open, pause);
    retry.signal.addEventListener("abort", () => clearTimeout(timer));
  }

  /** At once, and later if that was necessary lately. */
  get #nextPause(): number {
    return restartPause(restartedAt(this.#restarts, performance.now()));
  }

  /** Unless `retry` has ended: then the loop has started again, after a fault, and takes the ledger itself. */
  async #opened(opening: Opening, { signal }: AbortController): Promise<void> {
    if (signal.aborted) return;
    const refusal = opening.kind === "refused" ? opening.reason : await this.#writeRefusal();
    if (signal.aborted) return;
    if (refusal === undefined) {
      this.#restarts = restartedAt(this.#restarts, performance.now());
      log.info("the ledger can be opened: starting again in place, to continue it");
      return this.#reopened.abort();
    }
    this.#opening = undefined;
    const { ledger } = this.#current ?? {};
    if (ledger instanceof RemoteLedger && refusal !== this.#reason) {
      log.error(`the ledger cannot be opened again: ${refusal}; rules go on without it`);
      ledger.note({ kind: "refused", reason: refusal });
    }
    this.#openLater(refusal, LEDGER_RETRY_MILLISECONDS);
  }

  /** Why a ledger that must be set aside cannot be: each start of the loop reads the whole cluster. */
  async #writeRefusal(): Promise<string | undefined> {
    try {
      if (this.#mustWrite) await this.#disk.tryWrite();
      return undefined;
    } catch (error) {
      if (!(error instanceof DiskRefused)) throw error;
      return this.#reason;
    }
  }

  /** Folds the ledger from the files that the writer has read, and has the writer continue it. */
  async #read(files: LedgerFiles, patience: Patience): Promise<LedgerOfLoop> {
    try {
      return await this.#readWhole(files);
    } catch (error) {
      if (!isLedgerDamage(error)) throw error;
      await this.#setAside(files, patience, error);
      return await this.#readWhole(files);
    }
  }

  async #readWhole(files: LedgerFiles): Promise<LedgerOfLoop> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const begun = await ahead?.beginning();
    const beginning = begun ?? await this.#beginning(files);
    const folded = await files.look((storage) => this.#fold(storage, beginning, ahead, begun !== undefined));
    const ledger = ahead?.ledger ?? this.#continue(folded.recovered);
    const renewed = this.#goOn(folded, ledger) || folded.renewed;
    return { engine: folded.engine, ledger, renewed, gap: this.#carried?.gap };
  }

  /** Reads what the fold begins with, while another thread proves that it is whole: its SHA-256 takes a fifth of that time. */
  async #beginning(files: LedgerFiles): Promise<FoldBeginning> {
    const wrong = new Set<string>();
    for (;;) {
      const hashed: { readonly sha256: string; readonly isRight: Promise<boolean> }[] = [];
      const beginning = await files.look((storage) =>
        foldBeginning(storage, (bytes, sha256) => {
          if (wrong.has(sha256)) return false;
          const isRight = hasHash(bytes, sha256);
          isRight.catch(() => {});
          hashed.push({ sha256, isRight });
          return true;
        })
      );
      // What the API server has answered to a connection that is being made is taken too.
      await turn();
      const last = hashed.at(-1);
      if (last === undefined || await last.isRight) return beginning;
      wrong.add(last.sha256);
    }
  }

  async #setAside(files: LedgerFiles, patience: Patience, damage: LedgerDamage): Promise<void> {
    const time = new Date().toISOString();
    const { folder, records } = await files.look((storage) => renewal(storage, damage, time));
    this.#known = records;
    try {
      files.replace(await patience.await(this.#disk.setAside(folder, firstSegment(records))));
    } catch (error) {
      if (!(error instanceof DiskRefused)) throw error;
      const why = `it is damaged (${damage.message}), and cannot be set aside: ${error.message}`;
      throw new DiskRefused(why);
    }
    reportRenewal(damage, `${this.options.folder}/${folder}`, records);
  }

  /** Has the writer remove what no start needs. Records that a cut left a gap, where one did; see {@link goOnBehind}. */
  #goOn({ engine, cut, unused }: Folded, ledger: RemoteLedger): boolean {
    if (unused.length > 0) this.#disk.post({ kind: "remove", names: unused });
    if (cut === undefined) return false;
    const renewed = goOnBehind(engine, ledger, cut);
    this.#disk.post({ kind: "remove-behind", from: cut.from });
    return renewed;
  }

  /** As {@link LedgerDisk.requireHeld}. */
  requireHeld(): Promise<void> {
    return this.#disk.requireHeld();
  }

  /** Whether the disk's side has anything left to do. */
  get isAtWork(): boolean {
    return this.#disk.isAtWork;
  }

  /** `replays`: whether the records behind the snapshot are those that `ahead` has read. */
  #fold(
    storage: Storage,
    beginning: FoldBeginning,
    ahead: LedgerAhead | undefined,
    replays: boolean,
  ): Folded {
    const { engine, read, cut, unused } = foldWhole(storage, this.options.folder, beginning, (how) => {
      const recovered = replays ? ahead!.replay(how) : recover(storage, how);
      for (const { offset, record } of ahead?.appended ?? []) how.onRecord?.(offset, record);
      return { recovered, torn: recovered.end?.torn, next: recovered.encoder.end.next };
    });
    return { engine, recovered: read.recovered, cut, unused, renewed: isRenewed(storage, engine) };
  }

  #continue({ encoder, end, tailBytes }: Recovered): RemoteLedger {
    const disk = this.#disk;
    const { session } = disk;
    const counters = new Counters();
    counters.note(encoder.end.next, 0, 0);
    const ledger: RemoteLedger = new RemoteLedger(newHandoff(encoder, this.options.policy, tailBytes), {
      counters() {
        disk.look();
        return counters;
      },
      wait: (reached, milliseconds) => disk.wait(reached, milliseconds),
      get away() {
        return disk.away;
      },
      get isIdle() {
        return disk.isIdle;
      },
      post: (request, canWait) => disk.post(request, canWait, session),
      now: () => performance.now(),
      reopen: () => this.#openLater(ledger.omission?.reason ?? "", this.#nextPause),
    });
    disk.begin(
      { kind: "begin", ledger: encoder.ledger, place: encoder.place, end, counters },
      (report) => this.#take(ledger, report),
    );
    return ledger;
  }

  #notePast(past: KeptPast): void {
    const isShort = past.isCut && past.milliseconds < this.options.retention.milliseconds;
    if (isShort && !this.#isShort) {
      log.warn(
        `the ledger reaches back ${pastText(past)}, and --retain-days asks for ${
          pastText(this.options.retention)
        }: what was before went with --retain-megabytes, or with a smaller --retain-days of an earlier start`,
      );
    }
    this.#isShort = isShort;
    this.kept = past;
  }

  /** What the writer reports by itself. */
  #take(ledger: RemoteLedger, report: Parameters<OnReport>[0]): void {
    switch (report.kind) {
      case "disk":
        return ledger.note(report);
      case "past":
        return this.#notePast(report.past);
      case "lost":
        log.error(`the ledger was lost: ${report.reason}; rules go on without it`);
        return ledger.note(report);
      case "restored": {
        const reason = `another program removed or replaced ${report.segment}; it is written again`;
        log.error(reason);
        // An error of the engine is one of the loop, and not of what reported this.
        queueMicrotask(() =>
          this.onRecord({ kind: "gap", time: new Date().toISOString(), reason, records: 0 })
        );
      }
    }
  }
}

function pastText({ milliseconds }: { readonly milliseconds: number }): string {
  const hours = milliseconds / 3600_000;
  if (hours >= 48) return `${(hours / 24).toFixed(1)} days`;
  return hours >= 2 ? `${hours.toFixed(1)} hours` : `${(hours * 60).toFixed(1)} minutes`;
}

/** A ledger that was read, and the state that it leads to. */
interface Folded {
  readonly engine: EngineState;
  readonly recovered: Recovered;
  readonly cut: CutLedger | undefined;
  readonly unused: readonly string[];
  readonly renewed: boolean;
}

/** The disk has not answered in time. */
class DiskSilent extends Error {}

/** The first step of a start. `files`: undefined where the disk has not answered. */
interface Looked {
  readonly patience: Patience;
  readonly files: LedgerFiles | undefined;
}

/** How long a start waits for the disk, all in all. */
class Patience {
  #left = LEDGER_OPEN_MILLISECONDS_MAX;

  /** The answer of the disk. Throws {@link DiskSilent} where it is not there in time. */
  async await<T>(asked: Promise<T>): Promise<T> {
    const begun = performance.now();
    const answer = await within(asked.then((value) => ({ value })), this.#left);
    this.#left -= performance.now() - begun;
    if (answer === undefined) throw new DiskSilent();
    return answer.value;
  }
}
