// The cost of ClientIP affinity and source ranges: commits with 1,000 Services, of which none, some or all use the
// feature. A change of a Service that does not use it should take the same time in every row.
//
//   deno task bench:features

import { applyDelta, type MutableElements } from "../../src/plan/delta.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS, skeleton } from "../../src/fold/skeleton.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { elementOperations, plan, type Touched } from "../../src/plan/plan.ts";
import { appears } from "../support/cluster_notation.ts";
import { decodeAll, manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { table } from "./table.ts";

const SERVICES = 1000;
const ROUNDS = 200;

/** How many Services have the feature: those with the lowest numbers. */
const SHARES = [0, 10, 100, 1000];
const FEATURES = {
  "ClientIP affinity": "affinity=60",
  "source ranges": "ranges=203.0.113.0/24,198.51.100.0/24",
} as const;

/** A kernel with all Services, of which `users` have `fields`. */
class Node implements Disposable {
  readonly #kernel = new NetlinkKernel();
  readonly #state = emptyState();
  readonly #committed: MutableElements = new Map();
  #offset = 0;
  #changes = noChanges();

  constructor(readonly users: number, readonly fields: string) {
    this.#kernel.commit(skeleton(DEFAULT_PROXY_CONFIG).flatMap(createTable));
    for (let i = 0; i < SERVICES; i++) this.#fold(this.#service(i, 0));
    this.#commit();
  }

  /** Median time of commits that each replace one endpoint of Service `number`, in microseconds. */
  change(number: number): number {
    return median(Array.from({ length: ROUNDS }, (_, round) => {
      this.#fold(this.#service(number, round + 1).split("\n")[1]!);
      return this.#commit();
    }));
  }

  /** Median time of commits that each add one Service without the feature, in microseconds. */
  add(): number {
    return median(Array.from({ length: ROUNDS }, (_, round) => {
      this.#fold(this.#service(SERVICES + round, 0));
      return this.#commit();
    }));
  }

  [Symbol.dispose](): void {
    const tables = skeleton(DEFAULT_PROXY_CONFIG);
    this.#kernel.commit(
      tables.map(({ family, name }) => ({ verb: "delete", noun: "table", family, table: name })),
    );
    this.#kernel[Symbol.dispose]();
  }

  #service(number: number, generation: number): string {
    const place = `${number >> 8}.${number & 255}`;
    const fields = number < this.users ? ` ${this.fields}` : "";
    return `service shop/s${number} type=LoadBalancer ips=10.96.${place} ports=http:80/tcp balancer=192.0.${place}${fields}\n` +
      `slice shop/s${number}-a ports=http:8080/tcp 10.128.${place}@ 10.129.${generation >> 8}.${
        generation & 255
      }@`;
  }

  #fold(lines: string): void {
    for (const object of decodeAll(parseScenario(lines).objects.map(manifestOf))) {
      foldRecord(this.#state, this.#offset++ as Offset, appears(object), this.#changes);
    }
  }

  /** Commits until the delta is empty, as the engine does: a second commit deletes emptied chains. */
  #commit(): number {
    let touched: Touched = this.#changes.touched;
    this.#changes = noChanges();
    let microseconds = 0;
    for (;;) {
      const delta = plan(this.#committed, this.#state.desired, touched);
      if (delta.length === 0) return microseconds;
      microseconds += this.#kernel.commit(elementOperations(delta, CONTAINERS)).microseconds;
      applyDelta(this.#committed, delta);
      touched = new Map(
        delta.map(({ set }) => [
          set,
          new Map(delta.filter((one) => one.set === set).map(({ key }) => [key, 0])),
        ]),
      );
    }
  }
}

for (const [feature, fields] of Object.entries(FEATURES)) {
  const rows = SHARES.map((users) => {
    using node = new Node(users, fields);
    return {
      users,
      plain: node.change(SERVICES - 1),
      user: users > 0 ? node.change(0) : undefined,
      added: node.add(),
    };
  });
  const [none] = rows;
  table(`${feature}, ${SERVICES} Services (commit, microseconds p50; ratio to no Service with the feature)`, [
    ["use it", "endpoint of one that does not", "ratio", "of one that does", "new plain Service", "ratio"],
    ...rows.map(({ users, plain, user, added }) => [
      String(users),
      users === SERVICES ? "-" : plain.toFixed(0),
      users === SERVICES ? "-" : (plain / none!.plain).toFixed(2),
      user === undefined ? "-" : user.toFixed(0),
      added.toFixed(0),
      (added / none!.added).toFixed(2),
    ]),
  ]);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
