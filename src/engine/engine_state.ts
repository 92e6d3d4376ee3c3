// The state of the engine: what was folded, what the kernel holds, and what is on its way from one to the other.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import type { UdpFrontend } from "../fold/service_program.ts";
import type { GuardedFrontend } from "../fold/tightened.ts";
import type { KnownVersions } from "../ingest/source.ts";
import type { TableName } from "../kernel/kernel.ts";
import { noteVersion, type ObjectKind, type WatchEvent } from "../kube/objects.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { TableFlag } from "../nft/transaction.ts";
import type { Delta } from "../plan/delta.ts";
import { type Digest, tablesDigest } from "../plan/digest.ts";
import type { MovedFrontend } from "../plan/moved_frontends.ts";
import type { Halving } from "./halving.ts";
import type { HeldList } from "./held_list.ts";
import type { KernelTables } from "./kernel_tables.ts";
import { type Gathered, nothingGathered } from "./sync_report.ts";

/** A commit that was sent, and what it will have made of the kernel. */
export interface PendingCommit {
  readonly delta: Delta;
  /** Last record folded into it. */
  readonly through: number;
  /** Digest of the ruleset after it. */
  readonly digest: Digest;
  readonly operations: number;
  /** Whether it makes the tables. */
  readonly rebuilds: boolean;
  readonly moved: readonly MovedFrontend[];
  /** Whether a step (`fold/steps.ts`) follows it. */
  readonly advances: boolean;
  /** How many changes were left for later: they were too many, or the kernel refused a larger batch. */
  readonly left: number;
  /** The Service of all its changes, where they cannot be cut further. */
  readonly alone: string | undefined;
}

/** Changed in place by `stepEngine` alone. */
export interface EngineState {
  readonly cluster: ClusterState;
  /** Id of the ledger. */
  ledger: string;
  /** What the kernel holds. */
  tables: KernelTables;
  /** Flags of the tables that the engine makes. */
  tableFlags: readonly TableFlag[];
  /** Tables of another proxy that the next commit deletes. */
  takeover: readonly TableName[];
  /** Events since the last commit, counted for its report. */
  gathered: Gathered;
  /** Elements that may differ from those in the kernel, with their causes. Empty while our tables are to be rebuilt. */
  readonly touched: Map<SetPath, Map<ElementKey, number>>;
  /** UDP frontends whose flows are checked after the next commit, by claim. */
  readonly staleFlows: Map<string, UdpFrontend>;
  /** Frontends whose unanswered flows are forgotten after the next commit, by claim. */
  readonly tightened: Map<string, GuardedFrontend>;
  /** What the last list changes and is not appended yet, in the order of {@link inOrderOfVersions}. */
  untaken: readonly WatchEvent[];
  /** Lists that are not applied before another list confirms them, by kind. */
  readonly held: Map<ObjectKind, HeldList>;
  /** Version of the last deletion of each kind, as far as the records that were read contain it. */
  readonly deletions: Map<ObjectKind, number>;
  /** Whether a source has sent its whole list, now or before an earlier commit. Nothing is committed before. */
  synced: boolean;
  /** Whether the kernel's rules follow records that the ledger does not hold. They stay until a source has sent a list. */
  unknownPast: boolean;
  pending: PendingCommit | undefined;
  /** Set while batches bring a part: there are very many changes, or the kernel refused a batch as a whole. */
  halving: Halving | undefined;
  /** What other programs had changed before the last listing; undefined before the first. */
  foreignAtListing: string | undefined;
  /** Whether a listing that is needed failed: it comes before the next commit. */
  unlisted: boolean;
  /** The Service that the kernel's last rejections named, all of them one after the other. */
  named: { readonly service: string; readonly times: number } | undefined;
  /** Rejections in a row. */
  rejections: number;
  /** When the first of them was, in milliseconds of a clock that never goes back; undefined while there is none. */
  rejectedSince: number | undefined;
  appendedOffset: number;
  /** The last record that is on the disk, as far as the ledger has reported it; -1 before the first. */
  durableOffset: number;
  plannedOffset: number;
  committedOffset: number;
}

/** The state before any input. `cluster` is the state that a snapshot has brought; without one it is empty. */
export function newEngine(cluster: ClusterState = emptyState()): EngineState {
  return {
    cluster,
    ledger: "",
    tables: { kind: "unknown" },
    tableFlags: [],
    takeover: [],
    gathered: nothingGathered(),
    touched: new Map(),
    staleFlows: new Map(),
    tightened: new Map(),
    untaken: [],
    held: new Map(),
    deletions: new Map(),
    synced: false,
    unknownPast: false,
    pending: undefined,
    halving: undefined,
    foreignAtListing: undefined,
    unlisted: false,
    named: undefined,
    rejections: 0,
    rejectedSince: undefined,
    appendedOffset: cluster.folded,
    durableOffset: -1,
    plannedOffset: -1,
    committedOffset: -1,
  };
}

/** Digest of what the kernel holds; of the bare skeleton while our tables are to be rebuilt. */
export function committedDigest({ tables, cluster }: EngineState): Digest {
  return tables.kind === "in place" ? tables.digest : tablesDigest(cluster.tables);
}

/**
 * The newest version of each kind that was received, deletions included: a watch from there misses nothing. Empty while no
 * whole list was received. Versions are numbers, as Kubernetes 1.35 promises (KEP-5504).
 */
export function knownVersions({ synced, cluster, deletions }: EngineState): KnownVersions {
  const newest = new Map<ObjectKind, number>();
  for (const { kind, metadata } of synced ? cluster.objects.values() : []) {
    noteVersion(newest, kind, metadata.resourceVersion);
  }
  return new Map(
    [...newest].map(([kind, version]) => [kind, String(Math.max(version, deletions.get(kind) ?? 0))]),
  );
}
