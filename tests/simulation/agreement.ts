// Whether kernel, ledger and server agree: the kernel has the elements that the ledger folds to, and the ledger has the
// objects of the server.

import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { advance } from "../../src/fold/steps.ts";
import { isUnfinished } from "../../src/fold/unfinished.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { objectKey } from "../../src/kube/objects.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import type { Storage } from "../../src/ledger/storage.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { separated } from "../../src/nft/objects.ts";
import type { Elements } from "../../src/nft/ruleset.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { meaning } from "../support/meaning.ts";
import { CONFIG, moment } from "./process.ts";
import type { Stored } from "./cluster.ts";
import type { Server } from "./server.ts";
import type { World } from "./world.ts";

/** What `verify` finds wrong with the ledger in `storage`. */
export function ledgerProblems(storage: Storage): readonly string[] {
  return verifyPast(ledgerView<SnapshotLine>(storage, snapshotMisfit)).verdict.problems;
}

/** The elements of our tables. */
export function heldBy(kernel: Kernel): Elements {
  return separated(kernel.list(OUR_TABLES)).elements;
}

/** How kernel, ledger and server differ; undefined where they agree. */
export function disagreement({ process, disk, kernel, server }: World): string | undefined {
  if (process === undefined) return "the program is not running";
  const { ledger, engine } = process;
  if (ledger.failure !== undefined) return `ledger: ${ledger.failure.reason}`;
  if (engine.rejections > 0) return "something is refused";
  if (isUnfinished(engine.cluster)) return "large Services have not all of their rules";
  const aside = [...engine.cluster.aside.keys()].sort().join();
  const wanted = serverState(server);
  const due = aboveBound(server.cluster.objects).sort().join();
  if (aside !== due) return `set aside: ${aside}, not ${due}`;
  const state = emptyState();
  for (const { offset, record } of readLedger(disk.storage)) foldRecord(state, offset, record);
  const wrong = diff(state.desired, heldBy(kernel)).filter(({ set }) => set !== POSITION_PATH);
  if (wrong.length > 0) return `kernel != fold(ledger): ${JSON.stringify(wrong[0])}`;
  const [ours, theirs] = [meaning(state.desired), meaning(wanted.desired)];
  const odd = ours.find((line) => !theirs.includes(line)) ?? theirs.find((line) => !ours.includes(line));
  return odd === undefined ? undefined : `fold(ledger) != server: ${odd}`;
}

/**
 * The Services above the bound, as `namespace/name`: each has one frontend for each port, and all its endpoints in one slice. With
 * affinity an endpoint is in two more lists.
 */
function aboveBound(objects: ReadonlyMap<string, Stored>): string[] {
  const field = (key: string, read: (object: Record<string, unknown>) => unknown) => {
    const found = objects.get(key);
    return found && read(found);
  };
  const specOf = (name: string) =>
    field(`Service ${name}`, ({ spec }) => spec) as {
      readonly ports?: unknown;
      readonly sessionAffinity?: unknown;
    };
  const count = (items: unknown) => Array.isArray(items) ? items.length : 0;
  const services = [...objects.keys()].filter((key) => key.startsWith("Service "));
  return services.map((key) => key.slice("Service ".length)).filter((name) => {
    const { ports, sessionAffinity } = specOf(name);
    const endpoints = count(field(`EndpointSlice ${name}-a`, ({ endpoints }) => endpoints));
    const lists = sessionAffinity === "ClientIP" ? 3 : 1;
    return count(ports) * lists * (1 + endpoints) > CONFIG.bounds.most;
  });
}

/** The state that all objects on the server lead to, with the rules of large Services complete. */
function serverState({ cluster, manners }: Server): ClusterState {
  const state = emptyState();
  foldRecord(state, offsetOf(0), CONFIG);
  const shown = [...cluster.objects.values()].filter(({ kind }) =>
    kind !== "ServiceCIDR" || manners.serviceCidrs
  );
  shown.forEach((stored, i) => {
    const decoded = decodeObject(stored);
    if (!decoded.ok) return;
    const value = decoded.object;
    const { time } = moment(0);
    const record = { kind: "event", key: objectKey(value), value, resourceVersion: "", time } as const;
    foldRecord(state, offsetOf(i + 1), record);
  });
  const changes = noChanges();
  while (isUnfinished(state)) advance({ state, offset: offsetOf(state.folded), changes });
  return state;
}
