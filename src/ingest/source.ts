// The interface of every source: an API server, files, a recording. A source delivers batches. The ledger and the rooms after
// it do not depend on where a batch comes from.

import type { KubeObject, ObjectKey, ObjectKind, WatchEvent } from "../kube/objects.ts";

/** A list: all objects that the source has, or a part of them. */
export interface ListBatch {
  readonly kind: "list";
  /** The listed kinds; absent: all kinds. Known objects of other kinds stay. */
  readonly kinds?: readonly ObjectKind[];
  readonly objects: readonly KubeObject[];
  /** Whether objects that are not in the list are deleted; false when a part of the list could not be read. */
  readonly complete: boolean;
  /** Objects that exist but could not be decoded: their known values stay. */
  readonly unread?: readonly ObjectKey[];
  /** Objects that were deleted while the list was sent: they are deleted even where the list is not complete. */
  readonly gone?: readonly ObjectKey[];
  /** Version of the list, where the source has one. */
  readonly resourceVersion?: string;
  /**
   * Whether this is a second list, which was asked for to confirm another one. Absent where the source cannot list again:
   * then every list is applied as it is.
   */
  readonly confirms?: boolean;
  /** Set where more of the first list follows. It is folded at once, but nothing is committed before the last part. */
  readonly part?: true;
  /** Set where it has only some objects of its kind, and the whole list of the kind follows. */
  readonly fragment?: true;
  /** When the list was taken: RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  /** Problems with the input, as text: the file or object, and what this program does about it. */
  readonly problems: readonly string[];
}

/** Changes in the order in which they happened. */
export interface EventsBatch {
  readonly kind: "events";
  readonly events: readonly WatchEvent[];
  readonly problems: readonly string[];
}

/** A batch of any kind. */
export type SourceBatch = ListBatch | EventsBatch;

/** Whether more of the first list follows, so that nothing may be committed yet. */
export function isPart(batch: SourceBatch): boolean {
  return batch.kind === "list" && batch.part === true;
}

/**
 * Whether `batch` has objects or changes of the cluster. A batch with only problems has none. If `whole`, an incomplete list of
 * all kinds does not count either: a part of that folder could not be read. A list of some kinds always counts: an API server sent it.
 */
export function describesCluster(batch: SourceBatch, whole: boolean): boolean {
  if (batch.kind === "events") return batch.events.length > 0;
  return !whole || batch.complete || batch.kinds !== undefined;
}

/** Why a resource is not watched. The list is closed and names nothing of the cluster, so that it can be published. */
export type ProblemReason =
  /** No request was made yet. */
  | "starting"
  /** No connection or no answer: connection refused, no route, TLS failed, credentials cannot be read. */
  | "unreachable"
  /** The connection is silent. */
  | "silent"
  /** The connection was closed in the middle of an answer. */
  | "cut"
  /** 401 or 403. */
  | "forbidden"
  /** 429, or 503 with Retry-After. */
  | "throttled"
  /** Another HTTP status, or a Status object. */
  | "error"
  /** The server has compacted the version that was asked for. */
  | "expired"
  /** The answer is not what was asked for. */
  | "invalid"
  /** The server does not have the resource. */
  | "absent"
  /** A list would remove much, and no second list has confirmed it yet. */
  | "unconfirmed";

/** A reason why a resource is not watched, with details. */
export interface WatchProblem {
  readonly reason: ProblemReason;
  /** Details for people; they may contain addresses. */
  readonly text: string;
}

/** How one resource of a server is followed, for health and metrics. */
export interface ResourceStatus {
  readonly kind: ObjectKind;
  /** When the server last sent a byte: milliseconds since 1970; 0 before the first. */
  readonly receivedAt: number;
  /** Whether the resource was listed at least once. */
  readonly listed: boolean;
  /** Why the resource is not watched, or waits for a second list; "" while there is no problem. */
  readonly problem: string;
  /** The same without details; "" where `problem` is "". */
  readonly reason: ProblemReason | "";
  /** How many lists were delivered. */
  readonly lists: number;
}

/** The newest known resourceVersion of each kind; no entry for a kind without known objects. */
export type KnownVersions = ReadonlyMap<ObjectKind, string>;

/** A source of batches. The iteration ends when the source has no more, or `signal` aborts. */
export interface Source {
  /** What is read, for people. */
  readonly description: string;
  /** How each resource is followed; absent where there is no connection. */
  status?(): readonly ResourceStatus[];
  /**
   * Asks for a second list of `kind`, of the newest state and in another way, before the first one is applied. It comes as a
   * list that `confirms`. `why` is for people. Absent where {@link ListBatch.confirms} is absent.
   */
  confirm?(kind: ObjectKind, why: string): void;
  /**
   * The batches, in order. `known` says the newest version of each kind that the caller has: the changes after it may come
   * before the first list. The first list may come in parts.
   */
  batches(signal: AbortSignal, known?: () => KnownVersions): AsyncIterable<SourceBatch>;
}
