// The worker's side of the ledger: it writes what it is sent, in order, and reports what the disk does. It decides nothing about
// rules. Its caller owns the thread, so that tests and the simulation run it without one.

import { messageOf } from "../thrown.ts";
import { SEGMENT_BYTES_MAX } from "../limits.ts";
import { Counters } from "./counters.ts";
import { removeBehind } from "./cut_files.ts";
import { DiskWriter, LedgerGone, LedgerLocked } from "./disk_writer.ts";
import { segmentFirst, segmentNames } from "./format.ts";
import type { Retention } from "./retention.ts";
import { type Place, snapshotNext } from "./snapshot.ts";
import { FolderNotOurs, isStorageFailure, type Storage } from "./storage.ts";
import type { FromWorker, LoadedFile, ToWorker, WorkerReport, WorkerRequest } from "./worker_messages.ts";

/** A snapshot whose pieces arrive. */
export interface SnapshotSink {
  write(text: string): void;
  /** Writes the snapshot to the disk. */
  finish(disk: DiskWriter, retention: Retention): void | Promise<void>;
}

/** What the worker acts on. */
export interface WorkerPorts {
  /** The folder at `path`; it is made where it does not exist. */
  storage(path: string): Storage;
  send(message: FromWorker): void;
  /** Begins a snapshot of the state at `place`. */
  snapshot(place: Place): SnapshotSink;
}

/** Executes the messages of the program. */
export class WorkerSide {
  readonly #ports: WorkerPorts;
  #session = 0;
  #storage: Storage | undefined;
  #disk: DiskWriter | undefined;
  #counters = new Counters();
  /** Bytes of all lines that were received in this session. */
  #received = 0;
  /** As last reported. */
  #reason: string | undefined;
  #snapshot: SnapshotSink | undefined;
  /** The end of a snapshot that is under way. */
  #finishing: Promise<void> | undefined;

  constructor(ports: WorkerPorts) {
    this.#ports = ports;
  }

  /**
   * Executes one message. Only the end of a snapshot may take longer: then other messages may follow meanwhile. Errors that it
   * throws are faults of this program.
   */
  handle(message: ToWorker): void | Promise<void> {
    if (message.kind === "open") return this.#open(message);
    if (message.session !== this.#session || (this.#disk === undefined && message.kind !== "close")) return;
    try {
      return this.#execute(message);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Ends the session where `error` is about the folder, and throws it where it is a fault of this program. */
  #lose(error: unknown): void {
    if (!(error instanceof LedgerGone || error instanceof LedgerLocked)) throw error;
    this.#end();
    this.#send({ kind: "lost", reason: error.message });
  }

  #execute(message: WorkerRequest): void | Promise<void> {
    const disk = this.#disk!;
    switch (message.kind) {
      case "open":
        return;
      case "read":
        return this.#load(message.names);
      case "set-aside":
        this.#storage!.setAside(message.name);
        return this.#load([]);
      case "begin":
        this.#counters = new Counters(message.shared);
        disk.begin(message.ledger, message.place, message.end);
        // The program did not listen before.
        this.#reason = undefined;
        return this.#note();
      case "append":
        requireNext(disk, message.first);
        this.#received += message.lines.length;
        disk.push(message.lines, message.end);
        return this.#note();
      case "sync":
        requireNext(disk, message.next);
        return this.#sync();
      case "remove":
        disk.attempt(() => message.names.forEach((name) => this.#storage!.remove(name)));
        return this.#note();
      case "remove-behind":
        this.#sync();
        if (disk.failure === undefined) disk.attempt(() => removeBehind(this.#storage!, message.from));
        return this.#note();
      case "snapshot":
        this.#snapshot = disk.attempt(() => (disk.endSegment(), this.#ports.snapshot(message.place)));
        return this.#note();
      case "piece":
        return this.#snapshot?.write(message.text);
      case "snapshot-end":
        return this.#finishSnapshot(message.retention);
      case "close":
        return this.#finishing === undefined ? this.#close() : this.#finishing.then(() => this.#close());
    }
  }

  /** Opens the ledger of a new session; the one before is closed. */
  #open({ session, path, options }: ToWorker & { readonly kind: "open" }): void {
    this.#end();
    this.#session = session;
    try {
      this.#storage = this.#ports.storage(path);
      this.#disk = new DiskWriter(this.#storage, options);
      this.#send({ kind: "opened", files: loaded(this.#storage, neededAtStart(this.#storage)) });
      this.#report();
    } catch (error) {
      this.#end();
      if (error instanceof LedgerLocked) {
        return this.#send({ kind: "refused", reason: error.message, heldBy: error.heldBy });
      }
      if (!isRefusal(error)) throw error;
      this.#send({ kind: "refused", reason: messageOf(error) });
    }
  }

  #load(names: readonly string[]): void {
    this.#send({ kind: "contents", files: loaded(this.#storage!, new Set(names)) });
  }

  #sync(): void {
    const restored = this.#disk!.sync();
    if (restored !== undefined) this.#send({ kind: "restored", segment: restored });
    this.#note();
  }

  #finishSnapshot(retention: Retention): void | Promise<void> {
    const done = this.#snapshot?.finish(this.#disk!, retention);
    this.#snapshot = undefined;
    if (done === undefined) return this.#report();
    return this.#finishing = done
      .then(() => this.#report(), (error) => this.#lose(error))
      .finally(() => this.#finishing = undefined);
  }

  #close(): void {
    this.#end();
    this.#send({ kind: "closed" });
  }

  /** Makes the progress known. */
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
  #end(): void {
    const disk = this.#disk;
    this.#disk =
      this.#storage =
      this.#reason =
      this.#snapshot =
        undefined;
    this.#received = 0;
    try {
      disk?.[Symbol.dispose]();
    } catch (error) {
      if (!(error instanceof LedgerLocked)) throw error;
    }
  }

  #send(report: WorkerReport): void {
    this.#ports.send({ ...report, session: this.#session });
  }
}

/** Throws LedgerGone where a message with records was lost: `next` is the offset after those that were sent. */
function requireNext(disk: DiskWriter, next: number): void {
  if (next !== disk.end.next) throw new LedgerGone("the worker of the ledger missed records");
}

/** Whether `error` is about the folder, and not a fault of this program. */
function isRefusal(error: unknown): boolean {
  return isStorageFailure(error) || error instanceof FolderNotOurs ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

/** The files that a start reads: the newest snapshot, the segments after it, and the one with the last commit. */
function neededAtStart(storage: Storage): ReadonlySet<string> {
  const snapshot = storage.names().findLast((name) => snapshotNext(name) !== undefined);
  const from = snapshot === undefined ? 0 : snapshotNext(snapshot)!;
  const segments = segmentNames(storage);
  const after = segments.filter((name) => segmentFirst(name)! >= from);
  return new Set([...snapshot === undefined ? [] : [snapshot], ...after, ...segments.slice(-1)]);
}

/** All files in `storage`; those in `names` with their content, as far as a segment can be long. */
function loaded(storage: Storage, names: ReadonlySet<string>): LoadedFile[] {
  return storage.names().map((name) => {
    const size = storage.size(name);
    if (!names.has(name)) return { name, size };
    const bytes = new Uint8Array(storage.read(name, 0, Math.min(size, SEGMENT_BYTES_MAX)));
    return { name, size, bytes };
  });
}
