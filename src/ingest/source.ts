// The seam of ingest: whatever tells us what the cluster is. A source delivers batches; the ledger and all behind it do
// not know where they come from.

import type { KubeObject, ObjectKind, WatchEvent } from "../kube/objects.ts";

/** Everything that exists, as far as the source can tell. */
export interface ListBatch {
  readonly kind: "list";
  /** Kinds that were listed; all, when absent. What is known of other kinds stays. */
  readonly kinds?: readonly ObjectKind[];
  readonly objects: readonly KubeObject[];
  /** Whether objects that are missing are gone; false when something could not be read. */
  readonly complete: boolean;
  /** Set while more of the first list follows: nothing is to be done about it before the last of it. */
  readonly part?: true;
  /** When the list was taken: RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** What was wrong with the input: file, object, and what became of it. */
  readonly problems: readonly string[];
}

/** Changes in the order in which they happened. */
export interface EventsBatch {
  readonly kind: "events";
  readonly events: readonly WatchEvent[];
  readonly problems: readonly string[];
}

export type SourceBatch = ListBatch | EventsBatch;

/** Whether more of a first list follows, before which nothing is to be done. */
export function isPart(batch: SourceBatch): boolean {
  return batch.kind === "list" && batch.part === true;
}

/** How one resource of a server is followed, for health and metrics. */
export interface ResourceStatus {
  readonly kind: ObjectKind;
  /** When the server last sent a byte: milliseconds since 1970; 0 before the first. */
  readonly heardAt: number;
  /** Whether everything was listed at least once. */
  readonly listed: boolean;
  /** What keeps it from watching; "" while it watches. */
  readonly problem: string;
  /** Lists taken. */
  readonly lists: number;
}

/** The newest resourceVersion that is known of each kind; none of a kind of which nothing is known. */
export type KnownVersions = ReadonlyMap<ObjectKind, string>;

/** Where batches come from. The iteration ends when the source is exhausted or `signal` aborts. */
export interface Source {
  /** For people: what is read. */
  readonly description: string;
  /** How its connection is; absent where there is none. */
  status?(): readonly ResourceStatus[];
  /**
   * `known`: the newest version of each kind that the caller knows; what came after it may be told before all else. The
   * first list may be told in parts.
   */
  batches(signal: AbortSignal, known?: KnownVersions): AsyncIterable<SourceBatch>;
}
