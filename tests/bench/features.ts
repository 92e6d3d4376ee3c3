// The cost of ClientIP affinity and source ranges: commits with 1,000 Services, of which none, some or all use the
// feature. A change of a Service that does not use it should take the same time in every row.
//
//   deno task bench:features

import { CommittingNode } from "./committing_node.ts";
import { table } from "./table.ts";

const SERVICES = 1000;
const ROUNDS = 200;

/** How many Services have the feature: those with the lowest numbers. */
const SHARES = [0, 10, 100, 1000];
const FEATURES = {
  "ClientIP affinity": "affinity=60",
  "source ranges": "ranges=203.0.113.0/24,198.51.100.0/24",
} as const;

/** A node with all Services, of which `users` have `fields`. */
class Node implements Disposable {
  readonly #node = new CommittingNode();

  constructor(readonly users: number, readonly fields: string) {
    for (let i = 0; i < SERVICES; i++) this.#node.fold(this.#service(i, 0));
    this.#node.commit();
  }

  /** Median time of commits that each replace one endpoint of Service `number`, in microseconds. */
  change(number: number): number {
    return median(Array.from({ length: ROUNDS }, (_, round) => {
      this.#node.fold(this.#service(number, round + 1).split("\n")[1]!);
      return this.#node.commit();
    }));
  }

  /** Median time of commits that each add one Service without the feature, in microseconds. */
  add(): number {
    return median(Array.from({ length: ROUNDS }, (_, round) => {
      this.#node.fold(this.#service(SERVICES + round, 0));
      return this.#node.commit();
    }));
  }

  [Symbol.dispose](): void {
    this.#node[Symbol.dispose]();
  }

  #service(number: number, generation: number): string {
    const place = `${number >> 8}.${number & 255}`;
    const fields = number < this.users ? ` ${this.fields}` : "";
    return `service shop/s${number} type=LoadBalancer ips=10.96.${place} ports=http:80/tcp balancer=192.0.${place}${fields}\n` +
      `slice shop/s${number}-a ports=http:8080/tcp 10.128.${place}@ 10.129.${generation >> 8}.${
        generation & 255
      }@`;
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
