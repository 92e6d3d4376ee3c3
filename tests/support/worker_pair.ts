// Both sides of the ledger's worker without a thread: messages wait until the test lets the worker execute them.

import { zstdCompressSync } from "node:zlib";
import { Counters } from "../../src/ledger/counters.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { newHandoff } from "../../src/ledger/handoff.ts";
import { loadedFolder } from "../../src/ledger/loaded_folder.ts";
import { RemoteLedger } from "../../src/ledger/remote_ledger.ts";
import { finishSnapshot } from "../../src/ledger/snapshot_writer.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import type { FromWorker, ToWorker, WorkerRequest } from "../../src/ledger/worker_messages.ts";
import { WorkerSide } from "../../src/ledger/worker_side.ts";
import { recover, type RecoveryOptions } from "../../src/ledger/writer.ts";

/** How a ledger is opened. */
export interface PairOptions extends RecoveryOptions {
  readonly policy?: SyncPolicy;
  readonly segmentBytes?: number;
  readonly waitingMax?: number;
  readonly now?: () => number;
}

/** A program's side and a worker's side, and the messages between them. */
export class WorkerPair {
  /** Messages that the worker has not executed. */
  readonly sent: ToWorker[] = [];
  /** Messages that the program has not received. */
  readonly received: FromWorker[] = [];
  /** Whether a program that waits for the worker gets what it waits for. */
  answers: () => boolean = () => true;
  /** How often the ledger was to be opened again. */
  reopened = 0;
  #session = 0;
  #side: WorkerSide;
  ledger: RemoteLedger | undefined;

  constructor(readonly storage: Storage, readonly options: PairOptions = {}) {
    this.#side = this.#newSide();
  }

  post(request: WorkerRequest): void {
    this.sent.push({ ...request, session: this.#session });
  }

  /** The worker executes its next messages. */
  work(count = Infinity): void {
    for (const message of this.sent.splice(0, count)) void this.#side.handle(message);
  }

  /** The program receives what the worker has sent. */
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
    const counters = new Counters();
    counters.note(encoder.end.next, 0, 0);
    this.ledger = new RemoteLedger(newHandoff(encoder, policy, 0, waitingMax), {
      counters: {
        get written() {
          return counters.written;
        },
        get durable() {
          return counters.durable;
        },
        get bytes() {
          return counters.bytes;
        },
        wait: (next, durable) => {
          if (this.answers()) this.work();
          return (durable ? counters.durable : counters.written) >= next;
        },
      },
      post: (request) => this.post(request),
      now,
      reopen: () => this.reopened++,
    });
    const { shared } = counters;
    this.post({ kind: "begin", ledger: encoder.ledger, place: encoder.end, end, shared });
    return this.ledger;
  }

  /** The worker ends with what it has not executed; another one takes its place. */
  die(): void {
    this.sent.splice(0);
    this.received.splice(0);
    this.#side = this.#newSide();
    this.ledger?.note({ kind: "lost", reason: "the worker ended" });
  }

  #newSide(): WorkerSide {
    return new WorkerSide({
      storage: () => this.storage,
      send: (message) => void this.received.push(message),
      snapshot(place) {
        let text = "";
        return {
          write: (piece) => text += piece,
          finish: (disk, retention) =>
            void disk.attempt(() =>
              finishSnapshot(
                disk.storage,
                place,
                zstdCompressSync(new TextEncoder().encode(text)),
                retention,
              )
            ),
        };
      },
    });
  }

  #loaded(names: readonly string[]): Storage {
    return loadedFolder(
      "memory",
      names.map((name) => ({
        name,
        size: this.storage.size(name),
        bytes: new Uint8Array(this.storage.read(name)),
      })),
    );
  }
}
