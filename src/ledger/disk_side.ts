// The writer of the ledger: it writes what it is sent, in order, and reports what the disk does. It decides nothing about
// rules. All that it does is work on a disk (disk_work.ts), so that tests and the simulation do it at once.

import { unreachable } from "../invariant.ts";
import { messageOf } from "../thrown.ts";
import { SEGMENT_BYTES_MAX } from "../limits/ledger.ts";
import type { Age } from "./age.ts";
import { Counters } from "./counters.ts";
import { removeBehind, removeFiles } from "./cut_files.ts";
import { type DiskFolder, FolderNotOurs, tryDisk, type WholeFile } from "./disk_folder.ts";
import type { DiskReport, DiskRequest, FromDisk, LoadedFile, ToDisk } from "./disk_messages.ts";
import type { DiskWork } from "./disk_work.ts";
import { DiskWriter, LedgerGone, LedgerLocked } from "./disk_writer.ts";
import { segmentFirst, segmentsAmong } from "./format.ts";
import { keptPast, type Retention } from "./retention.ts";
import type { KeptLock } from "./folder_lock.ts";
import { type Place, snapshotNext } from "./snapshot.ts";
import { finishSnapshot, freeRoom } from "./snapshot_writer.ts";
import { isStorageFailure } from "./storage.ts";

/** A snapshot whose pieces arrive. */
export interface SnapshotSink {
  write(text: string): void;
  /** The snapshot, compressed. */
  finish(): DiskWork<Uint8Array>;
}

/** A snapshot of the state at `place`, which is not whole yet. */
interface BegunSnapshot {
  readonly place: Place;
  readonly sink: SnapshotSink;
}

/** What the writer acts on. */
export interface DiskPorts {
  /** The folder at `path`; it is made where it does not exist. */
  folder(path: string): DiskWork<DiskFolder>;
  /** The lock, over all sessions: the end of the program releases it. */
  readonly locks: KeptLock;
  send(message: FromDisk): void;
  /** Begins a snapshot. */
  snapshot(): SnapshotSink;
  /** Does `work` beside what follows: other messages are executed between its calls. */
  beside(work: DiskWork<void>): void;
  /** Waits until the work beside is done. */
  besideDone(): DiskWork<void>;
}

/** Executes the messages of the program. */
export class DiskSide {
  readonly #ports: DiskPorts;
  #session = 0;
  #folder: DiskFolder | undefined;
  #disk: DiskWriter | undefined;
  #counters = new Counters();
  /** Bytes of all lines that were received in this session. */
  #received = 0;
  /** As last reported. */
  #reason: string | undefined;
  #snapshot: BegunSnapshot | undefined;

  constructor(ports: DiskPorts) {
    this.#ports = ports;
  }

  /** Executes one message; the next one may be executed once it is done. Errors that it throws are faults of this program. */
  *handle(message: ToDisk): DiskWork<void> {
    if (message.kind === "open") return yield* this.#open(message);
    // The end is always answered, also by a side that took over after a fault.
    if (message.kind === "close") this.#session = message.session;
    if (message.session !== this.#session || (this.#disk === undefined && message.kind !== "close")) return;
    const disk = this.#disk;
    try {
      if (message.kind === "append") yield* this.#append(disk!, message);
      else yield* this.#execute(message);
    } catch (error) {
      if (!isLoss(error)) throw error;
      yield* this.#lose(disk, error.message);
    }
  }

  /** Closes what is open, after a fault: the next session writes the same files. */
  *abandon(): DiskWork<void> {
    try {
      yield* this.#end();
    } catch {
      // It has failed before.
    }
  }

  /** Ends the session of `disk`, whose folder is lost. */
  *#lose(disk: DiskWriter | undefined, reason: string): DiskWork<void> {
    if (this.#disk !== disk) return;
    yield* this.#end();
    this.#send({ kind: "lost", reason });
  }

  /** Not a case of {@link #execute}, and without its layers: each change comes here. */
  *#append(
    disk: DiskWriter,
    { first, lines, end }: DiskRequest & { readonly kind: "append" },
  ): DiskWork<void> {
    requireNext(disk, first);
    this.#received += lines.length;
    yield* disk.push(lines, end);
    this.#note();
    if (!disk.isPrepared) yield* this.#prepare();
  }

  *#execute(message: Exclude<DiskRequest, { readonly kind: "open" | "append" }>): DiskWork<void> {
    const disk = this.#disk!;
    switch (message.kind) {
      case "read":
        return yield* this.#answer(this.#load(message.names));
      case "set-aside":
        return yield* this.#answer(this.#setAside(message.name, message.first));
      case "try-write":
        return yield* this.#answer(this.#tryWrite());
      case "begin":
        this.#counters = message.counters;
        yield* disk.begin(message.ledger, message.place, message.end);
        // The program did not listen before.
        this.#reason = undefined;
        this.#note();
        this.#ports.beside(this.#reportPast(disk, message.place.age));
        return yield* this.#prepare();
      case "sync":
        requireNext(disk, message.next);
        return yield* this.#sync();
      case "remove":
        yield* disk.attempt(removeFiles(this.#folder!, message.names));
        return this.#note();
      case "remove-behind":
        yield* this.#sync();
        if (disk.failure === undefined) yield* disk.attempt(removeBehind(this.#folder!, message.from));
        return this.#note();
      case "snapshot":
        this.#snapshot = yield* disk.attempt(this.#beginSnapshot(message.place));
        this.#note();
        return yield* this.#prepare();
      case "piece":
        return this.#snapshot?.sink.write(message.text);
      case "snapshot-end":
        return this.#endSnapshot(disk, message.retention);
      case "free-room":
        if (disk.lacksRoom) this.#ports.beside(this.#freeRoom(disk, message.retention, message.age));
        return;
      case "close":
        yield* this.#ports.besideDone();
        yield* this.#end();
        yield* this.#ports.locks.release();
        return this.#send({ kind: "closed" });
      default:
        return unreachable(message);
    }
  }

  /** Opens the ledger of a new session; the one before is closed. */
  *#open({ session, path, options }: ToDisk & { readonly kind: "open" }): DiskWork<void> {
    yield* this.#end();
    yield* this.#ports.besideDone();
    this.#session = session;
    try {
      this.#disk = yield* DiskWriter.open(yield* this.#ports.folder(path), options, this.#ports.locks);
      const folder = this.#folder = this.#disk.folder;
      this.#send({ kind: "opened", files: yield* loaded(folder, neededAtStart(yield* folder.names())) });
      this.#report();
    } catch (error) {
      yield* this.#end();
      if (error instanceof LedgerLocked) {
        return this.#send({ kind: "refused", reason: error.message, heldBy: error.heldBy });
      }
      if (!isRefusal(error)) throw error;
      this.#send({ kind: "refused", reason: messageOf(error) });
    }
  }

  /** Does `work`, which answers; where the disk fails, the answer is why. */
  *#answer(work: DiskWork<void>): DiskWork<void> {
    try {
      yield* work;
    } catch (error) {
      if (!isStorageFailure(error)) throw error;
      this.#send({ kind: "refused", reason: messageOf(error) });
    }
  }

  *#setAside(name: string, first: WholeFile): DiskWork<void> {
    yield* this.#folder!.setAside(name, first);
    yield* this.#load([first.name]);
  }

  *#tryWrite(): DiskWork<void> {
    yield* tryDisk(this.#folder!);
    this.#send({ kind: "contents", files: [] });
  }

  *#load(names: readonly string[]): DiskWork<void> {
    this.#send({ kind: "contents", files: yield* loaded(this.#folder!, new Set(names)) });
  }

  *#sync(): DiskWork<void> {
    const restored = yield* this.#disk!.sync();
    if (restored !== undefined) this.#send({ kind: "restored", segment: restored });
    this.#note();
  }

  *#prepare(): DiskWork<void> {
    yield* this.#disk!.prepare();
    this.#report();
  }

  *#beginSnapshot(place: Place): DiskWork<BegunSnapshot> {
    yield* this.#disk!.endSegment();
    return { place, sink: this.#ports.snapshot() };
  }

  /** Takes the snapshot now: when it is finished, the next one or another session may have begun. */
  #endSnapshot(disk: DiskWriter, retention: Retention): void {
    const snapshot = this.#snapshot;
    this.#snapshot = undefined;
    if (snapshot !== undefined) this.#ports.beside(this.#finishSnapshot(disk, snapshot, retention));
  }

  *#finishSnapshot(
    disk: DiskWriter,
    { place, sink }: BegunSnapshot,
    retention: Retention,
  ): DiskWork<void> {
    try {
      yield* finishSnapshot(disk, place, yield* sink.finish(), retention);
    } catch (error) {
      // The next sync finds it too, and ends the session: here a write may be under way.
      if (!isLoss(error)) throw error;
    }
    if (this.#disk === disk) this.#report();
    yield* this.#reportPast(disk, place.age);
  }

  *#reportPast(disk: DiskWriter, age: Age): DiskWork<void> {
    if (this.#disk !== disk) return;
    try {
      const past = yield* keptPast(disk.folder, age);
      if (past !== undefined && this.#disk === disk) this.#send({ kind: "past", past });
    } catch (error) {
      // It is known from the work before it that the disk fails.
      if (!isStorageFailure(error)) throw error;
    }
  }

  *#freeRoom(disk: DiskWriter, retention: Retention, age: Age): DiskWork<void> {
    try {
      if (disk.lacksRoom) yield* freeRoom(disk, retention, age);
    } catch (error) {
      // As above.
      if (!isLoss(error)) throw error;
    }
    if (this.#disk === disk) this.#report();
    yield* this.#reportPast(disk, age);
  }

  /** Writes the progress into the counters. */
  #note(): void {
    const { written, durable, waitingBytes } = this.#disk!;
    this.#counters.note(written, durable, this.#received - waitingBytes);
    this.#report();
  }

  /** Reports when the disk begins or ends to fail. */
  #report(): void {
    const reason = this.#disk?.failure;
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#send({ kind: "disk", reason });
  }

  /** Closes what is open. */
  *#end(): DiskWork<void> {
    const [disk, received] = [this.#disk, this.#received];
    this.#disk =
      this.#folder =
      this.#reason =
      this.#snapshot =
        undefined;
    this.#received = 0;
    try {
      if (disk === undefined) return;
      yield* disk.close();
      // The end may have written what waited, and the program says what is lost.
      if (disk.isBegun) this.#counters.note(disk.written, disk.durable, received - disk.waitingBytes);
    } catch (error) {
      if (!(error instanceof LedgerLocked)) throw error;
    }
  }

  #send(report: DiskReport): void {
    this.#ports.send({ ...report, session: this.#session });
  }
}

/** Throws LedgerGone where a message with records was lost: `next` is the offset after those that were sent. */
function requireNext(disk: DiskWriter, next: number): void {
  if (next !== disk.end.next) throw new LedgerGone("the writer of the ledger missed records");
}

/** Whether the ledger is lost for this process. */
function isLoss(error: unknown): error is LedgerGone | LedgerLocked {
  return error instanceof LedgerGone || error instanceof LedgerLocked;
}

/** Whether `error` is about the folder, and not a fault of this program. */
function isRefusal(error: unknown): boolean {
  return isStorageFailure(error) || error instanceof FolderNotOurs ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

/** Of the files `names`, those that a start reads: the newest snapshot, the segments after it, and the one with the last commit. */
function neededAtStart(names: readonly string[]): ReadonlySet<string> {
  const snapshot = names.findLast((name) => snapshotNext(name) !== undefined);
  const from = snapshot === undefined ? 0 : snapshotNext(snapshot)!;
  const segments = segmentsAmong(names);
  const after = segments.filter((name) => segmentFirst(name)! >= from);
  return new Set([...snapshot === undefined ? [] : [snapshot], ...after, ...segments.slice(-1)]);
}

/** All files in `folder`; those in `needed` with their content, as far as a segment can be long. */
function* loaded(folder: DiskFolder, needed: ReadonlySet<string>): DiskWork<LoadedFile[]> {
  const files: LoadedFile[] = [];
  for (const name of yield* folder.names()) {
    const size = needed.has(name) ? yield* folder.size(name) : undefined;
    if (size === undefined) files.push({ name });
    else {
      const bytes = yield* folder.read(name, 0, Math.min(size, SEGMENT_BYTES_MAX));
      files.push({ name, content: { size, bytes } });
    }
  }
  return files;
}
