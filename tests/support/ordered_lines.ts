// The lines of a snapshot as a start has them before they are parsed.

import { type ClusterState } from "../../src/fold/cluster_state.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { SnapshotText } from "../../src/ledger/snapshot_text.ts";

/** `lines`, each in a line of JSON. */
export function textOf(lines: Iterable<unknown>): Uint8Array {
  return new TextEncoder().encode([...lines].map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** The snapshot of `state`. */
export function linesOf(state: ClusterState): SnapshotText<SnapshotLine> {
  return new SnapshotText(textOf(snapshotLines(state)), snapshotMisfit);
}
