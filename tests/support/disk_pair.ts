// The program and the writer of a ledger without threads: messages wait until the test has the writer execute them.

import { zstdCompressSync } from "node:zlib";
import { Counters } from "../../src/ledger/counters.ts";
import { atOnce, type DiskWork } from "../../src/ledger/disk_work.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { KeptLock } from "../../src/ledger/folder_lock.ts";
import { newHandoff } from "../../src/ledger/handoff.ts";
import { loadedFolder } from "../../src/ledger/loaded_folder.ts";
import { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import { asFolder, type Storage } from "../../src/ledger/storage.ts";
import type { DiskRequest, FromDisk, ToDisk } from "../../src/ledger/disk_messages.ts";
import { DiskSide } from "../../src/ledger/disk_side.ts";
import { recover, type RecoveryOptions } from "../../src/ledger/writer.ts";

/** How a ledger is opened. */
export interface PairOptions extends RecoveryOptions {
  readonly policy?: SyncPolicy;
  readonly segmentBytes?: number;
  readonly waitingMax?: number;
  readonly now?: () => number;
  /** Receives the work beside; without it that is done at once. */
  readonly beside?: (work: DiskWork<void>) => void;
}

/** A program's side and a writer, and the messages between them. */
export class DiskPair {
  /** Messages that the writer has not executed. */
  readonly sent: ToDisk[] = [];
  /** Messages that the program has not received. */
  readonly received: FromDisk[] = [];
  /** Whether a program that waits for the writer gets what it waits for. */
  answers: () => boolean = () => true;
  /** How often the ledger was to be opened again. */
  reopened = 0;
  #session = 0;
  readonly #locks = new KeptLock();
  #side: DiskSide;
  ledger: RemoteLedger | undefined;

  constructor(readonly storage: Storage, readonly options: PairOptions = {}) {
    this.#side = this.#newSide();
  }

  post(request: DiskRequest): void {
    this.sent.push({ ...request, session: this.#session });
  }

  /** The writer executes its next messages. */
  work(count = Infinity): void {
    for (const message of this.sent.splice(0, count)) atOnce(this.#side.handle(message));
  }

  /** The program receives what the writer has sent. */
  receive(count = Infinity): void {
    for (const { session, ...report } of this.received.splice(0, count)) {
      if (session === this.#session && (report.kind === "disk" || report.kind === "lost")) {
        this.ledger?.note(report);
      }
    }
  }

  /** Opens the ledger, or says why it is refused. */
  open(): RemoteLedger | string {
    const { policy = "interval", segmentBytes, waitingMax, now = () => 0 } = this.options;
    this.#session++;
    this.post({
      kind: "open",
      path: "",
      options: { policy, ...segmentBytes === undefined ? {} : { segmentBytes } },
    });
    this.work();
    const answer = this.received.splice(0).findLast(({ kind }) => kind === "opened" || kind === "refused");
    if (answer?.kind !== "opened") return answer?.kind === "refused" ? answer.reason : "no answer";
    const { encoder, end } = recover(this.#loaded(answer.files.map(({ name }) => name)), this.options);
    const { sent } = this;
    const counters = new Counters();
    counters.note(encoder.end.next, 0, 0);
    this.ledger = new RemoteLedger(newHandoff(encoder, policy, 0, waitingMax), {
      counters: () => counters,
      wait: (reached) => {
        if (this.answers()) this.work();
        return reached();
      },
      away: undefined,
      get isIdle() {
        return sent.length === 0;
      },
      post: (request) => this.post(request),
      now,
      reopen: () => this.reopened++,
    });
    this.post({ kind: "begin", ledger: encoder.ledger, place: encoder.place, end, counters });
    return this.ledger;
  }

  /** The writer ends with what it has not executed; another one takes its place. */
  die(): void {
    this.sent.splice(0);
    this.received.splice(0);
    this.#side = this.#newSide();
    this.ledger?.note({ kind: "lost", reason: "the writer ended" });
  }

  #newSide(): DiskSide {
    return new DiskSide({
      folder: () => done(asFolder(this.storage)),
      locks: this.#locks,
      send: (message) => {
        // Nothing depends on how far back the ledger reaches.
        if (message.kind !== "past") this.received.push(message);
      },
      snapshot() {
        let text = "";
        return {
          write: (piece) => text += piece,
          finish: () => done(zstdCompressSync(new TextEncoder().encode(text))),
        };
      },
      beside: (work) => this.options.beside === undefined ? atOnce(work) : this.options.beside(work),
      besideDone: () => done(undefined),
    });
  }

  #loaded(names: readonly string[]): Storage {
    return loadedFolder(
      "memory",
      names.map((name) => ({
        name,
        content: { size: this.storage.size(name), bytes: new Uint8Array(this.storage.read(name)) },
      })),
    );
  }
}

// deno-lint-ignore require-yield -- work without a call is done at once
function* done<Result>(result: Result): DiskWork<Result> {
  return result;
}
