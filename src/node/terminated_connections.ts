// `--cut-terminated`: ends connections to endpoints that are gone, some time after they went. The kernel forgets such a connection; its
// next packet then meets the rules as if it began one, another endpoint gets it, and refuses it.

import type { ClusterState } from "../fold/cluster_state.ts";
import { ownerOfSlice } from "../fold/fold.ts";
import { type CutCandidate, TerminatedEndpoints } from "../fold/terminated_endpoints.ts";
import { newPace, noteBeside, notePiece } from "../engine/pace.ts";
import type { SourceBatch } from "../ingest/source.ts";
import type { FlowsDeleted } from "../kernel/conntrack.ts";
import { SystemError } from "../kernel/system_error.ts";
import { nameOfService, type ServiceName } from "../kube/service_name.ts";

/** What it acts through. */
interface Ports {
  /** The state that the loop folds into. */
  cluster(): ClusterState;
  /** Deletes the connections that `cut` selects, a piece at a time. Throws SystemError. */
  deleteConnections(cut: (connection: CutCandidate) => boolean): Iterable<FlowsDeleted>;
  /** Receives how many connections were cut. */
  cut(count: number): void;
  /** Receives why connections could not be read or deleted: the next time comes when another endpoint goes. */
  failed(reason: string): void;
}

/** Cuts connections while it is not disposed of. */
export class TerminatedConnections implements Disposable {
  readonly #endpoints: TerminatedEndpoints;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Services of a batch that the loop has not processed yet; undefined: all. */
  #named: ReadonlySet<ServiceName> | undefined;
  readonly #pace = newPace();
  #run: Run | undefined;

  /** `seconds`: how long connections of Services without the annotation may go on; undefined: for ever. */
  constructor(readonly ports: Ports, seconds: number | undefined) {
    this.#endpoints = new TerminatedEndpoints(seconds, performance.now());
  }

  /**
   * Notes which Services `batch` is about, before the loop processes it: afterwards a deleted slice is not known. A slice alone makes
   * no Service take part. So where none does, as by default, slices are not looked at.
   */
  before(batch: SourceBatch): void {
    this.#named = undefined;
    if (batch.kind === "list") return;
    const { objects } = this.ports.cluster();
    const { takesPart } = this.#endpoints;
    const named = this.#named = new Set<ServiceName>();
    for (const { key, value } of batch.events) {
      if (key.kind === "Service") named.add(nameOfService(key));
      else if (takesPart) {
        // A slice may go from one Service to another.
        for (const owner of [ownerOfSlice(value), ownerOfSlice(objects.at(key))]) {
          if (owner !== undefined) named.add(owner);
        }
      }
    }
  }

  /** Takes over what the loop has made of the batch. */
  after(): void {
    const cluster = this.ports.cluster();
    this.#endpoints.note(cluster, this.#named ?? cluster.services.keys(), performance.now());
    // An endpoint may have come back meanwhile.
    if (this.#run !== undefined) this.#run.cuts = undefined;
    this.#wait();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#run?.pieces.return?.();
  }

  #wait(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    const deadline = this.#run === undefined ? this.#endpoints.deadline : -Infinity;
    if (deadline === Infinity) return;
    const at = Math.max(deadline, this.#pace.nextAt);
    this.#timer = setTimeout(() => this.#look(), Math.max(0, at - performance.now()));
  }

  /** Looks at a piece of the connections. */
  #look(): void {
    const begun = performance.now();
    const run = this.#run ??= this.#begin(begun);
    try {
      const piece = run.pieces.next();
      if (piece.done) this.#end(run);
      else {
        run.count += piece.value.deleted;
        if (piece.value.waits) noteBeside(this.#pace, piece.value.microseconds / 1000);
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.ports.failed(error.message);
      this.#end(run);
    }
    const now = performance.now();
    notePiece(this.#pace, now - begun, this.#run === undefined, now);
    this.#wait();
  }

  #begin(begun: number): Run {
    const cut = (connection: CutCandidate) => {
      run.cuts ??= this.#endpoints.cuts(begun, this.ports.cluster());
      return run.cuts(connection);
    };
    const deletions = () => this.ports.deleteConnections(cut);
    const run: Run = { begun, pieces: piecesOf(deletions), cuts: undefined, count: 0 };
    return run;
  }

  #end({ begun, count }: Run): void {
    this.#run = undefined;
    if (count > 0) this.ports.cut(count);
    this.#endpoints.passed(begun);
  }
}

/** One look through the connections. */
interface Run {
  readonly begun: number;
  readonly pieces: Iterator<FlowsDeleted, void>;
  /** Which connections are cut; undefined when that may have changed. */
  cuts: ((connection: CutCandidate) => boolean) | undefined;
  count: number;
}

/** The pieces of `work`, which begins with the first of them. */
function* piecesOf(work: () => Iterable<FlowsDeleted>): Generator<FlowsDeleted, void, void> {
  yield* work();
}
