// A node without engine and ledger, for benches of commits: objects in scenario notation are folded, and what changed is
// committed to the kernel of this network namespace.

import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS, skeleton } from "../../src/fold/skeleton.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { applyDelta, type MutableElements } from "../../src/plan/delta.ts";
import { elementOperations, plan, type Touched } from "../../src/plan/plan.ts";
import { appears, vanishes } from "../support/cluster_notation.ts";
import { decodeAll, manifestOf, parseScenario } from "../support/scenario/scenario.ts";

/** The objects that `lines` in scenario notation describe. */
function objectsIn(lines: string): readonly KubeObject[] {
  return decodeAll(parseScenario(lines).objects.map(manifestOf));
}

/** The node. Dispose of it to delete its tables. */
export class CommittingNode implements Disposable {
  readonly #kernel = new NetlinkKernel();
  readonly #state = emptyState();
  readonly #committed: MutableElements = new Map();
  #offset = 0;
  #changes = noChanges();

  constructor() {
    this.#kernel.commit(skeleton(DEFAULT_PROXY_CONFIG).flatMap(createTable));
  }

  /** Folds the objects of `lines`, which are new or changed. */
  fold(lines: string): void {
    for (const object of objectsIn(lines)) {
      foldRecord(this.#state, this.#offset++ as Offset, appears(object), this.#changes);
    }
  }

  /** Folds that the objects of `lines` are deleted. */
  remove(lines: string): void {
    for (const object of objectsIn(lines)) {
      foldRecord(this.#state, this.#offset++ as Offset, vanishes(object), this.#changes);
    }
  }

  /**
   * Commits until the delta is empty, as the engine does: a second commit deletes emptied chains. Returns the microseconds
   * in the kernel.
   */
  commit(): number {
    let touched: Touched = this.#changes.touched;
    this.#changes = noChanges();
    let microseconds = 0;
    for (;;) {
      const delta = plan(this.#committed, this.#state.desired, touched);
      if (delta.length === 0) return microseconds;
      microseconds += this.#kernel.commit(elementOperations(delta, CONTAINERS)).microseconds;
      applyDelta(this.#committed, delta);
      const bySet = Map.groupBy(delta, ({ set }) => set);
      touched = new Map([...bySet].map(([set, all]) => [set, new Map(all.map(({ key }) => [key, 0]))]));
    }
  }

  [Symbol.dispose](): void {
    const tables = skeleton(DEFAULT_PROXY_CONFIG);
    this.#kernel.commit(
      tables.map(({ family, name }) => ({ verb: "delete", noun: "table", family, table: name })),
    );
    this.#kernel[Symbol.dispose]();
  }
}
