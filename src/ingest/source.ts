// The seam of ingest: whatever knows what the cluster is. A source delivers batches; the ledger and all behind it do
// not know where they come from.

import type { KubeObject, ObjectKey, ObjectKind, WatchEvent } from "../kube/objects.ts";

/** Everything that exists, as far as the source can tell. */
export interface ListBatch {
  readonly kind: "list";
  /** Kinds that were listed; all, when absent. What is known of other kinds stays. */
  readonly kinds?: readonly ObjectKind[];
  readonly objects: readonly KubeObject[];
  /** Whether objects that are missing are gone; false when something could not be read. */
  readonly complete: boolean;
  /** Objects that exist but could not be read: what is known of them stays. */
  readonly unread?: readonly ObjectKey[];
  /** Objects that the source deleted while it sent the list: gone, whether the list is complete or not. */
  readonly gone?: readonly ObjectKey[];
  /** Version of the list, where the source has one. */
  readonly resourceVersion?: string;
  /**
   * Whether this list was asked for to confirm another one. Absent where the source cannot be asked again: then every
   * list is taken as it is.
   */
  readonly confirms?: boolean;
  /** Set while more of the first list follows: nothing is to be done about it before the last of it. */
  readonly part?: true;
  /** Set where only some objects of its kind are in it: they are there, and the whole list follows. */
  readonly fragment?: true;
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

/**
 * Whether `batch` says what the cluster is. Problems alone do not; nor, where the answer is to be `whole`, does a folder of
 * which something could not be read. A list of some kinds is an API server's, which has answered.
 */
export function speaksOfCluster(batch: SourceBatch, whole: boolean): boolean {
  if (batch.kind === "events") return batch.events.length > 0;
  return !whole || batch.complete || batch.kinds !== undefined;
}

/** What may keep a resource from being followed. The list is closed: it is safe to publish. */
export type ProblemReason =
  /** Nothing was asked yet. */
  | "starting"
  /** No connection, or no answer: refused, no route, TLS failed, credentials cannot be read. */
  | "unreachable"
  /** A connection that was there is silent. */
  | "silent"
  /** A connection was closed in the middle of an answer. */
  | "cut"
  /** 401 or 403. */
  | "forbidden"
  /** 429, or 503 with Retry-After. */
  | "throttled"
  /** Another HTTP status, or a Status object. */
  | "error"
  /** The version asked for is compacted away. */
  | "expired"
  /** The answer is not what was asked for. */
  | "invalid"
  /** The server does not know the resource, and the proxy can do without it. */
  | "absent"
  /** A list would remove much, and no second list has confirmed it yet. */
  | "unconfirmed";

/** What keeps a resource from being followed. */
export interface Problem {
  readonly reason: ProblemReason;
  /** For people; may name addresses. */
  readonly text: string;
}

/** How one resource of a server is followed, for health and metrics. */
export interface ResourceStatus {
  readonly kind: ObjectKind;
  /** When the server last sent a byte: milliseconds since 1970; 0 before the first. */
  readonly heardAt: number;
  /** Whether everything was listed at least once. */
  readonly listed: boolean;
  /** What keeps it from watching; "" while it watches and nothing waits to be confirmed. */
  readonly problem: string;
  /** The same as one of a closed list, without details; "" where `problem` is "". */
  readonly reason: ProblemReason | "";
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
   * Asks for a second list of `kind`, in another way and of the newest state, before the first one is taken; `why` is for
   * people. It comes as a list that `confirms`. Absent where {@link ListBatch.confirms} is.
   */
  confirm?(kind: ObjectKind, why: string): void;
  /**
   * `known`: the newest version of each kind that the caller knows; what came after it may come before all else. The first
   * list may come in parts.
   */
  batches(signal: AbortSignal, known?: KnownVersions): AsyncIterable<SourceBatch>;
}
