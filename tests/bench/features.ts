// The cost of ClientIP affinity and source ranges: commits with 1,000 Services, of which none, some or all use the
// feature. A change of a Service that does not use it should take the same time in every row. Then what an element costs where
// connections are counted.
//
//   deno task bench:features

import { skeleton, TABLE } from "../../src/fold/skeleton.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { canonicalKey, type Container, setPath, type Table } from "../../src/nft/ruleset.ts";
import { createTable, type Operation } from "../../src/nft/transaction.ts";
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

const ELEMENTS = 100_000;
const BATCH = 20_000;

/** Bytes of the kernel's memory that cannot be reclaimed, those of each CPU included (proc(5)). */
function kernelBytes(): number {
  const text = Deno.readTextFileSync("/proc/meminfo");
  return ["SUnreclaim", "Percpu"].reduce(
    (sum, name) => sum + 1024 * Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(text)![1]),
    0,
  );
}

/** Memory and time of an element of the map of endpoints, in bytes and microseconds. */
function elementCost(countConnections: boolean): { bytes: number; microseconds: number } {
  const [{ family, name, sets }] = skeleton({ ...DEFAULT_PROXY_CONFIG, countConnections }) as [Table];
  const endpoints = sets.find((set) => set.name === "endpoints")!;
  using kernel = new NetlinkKernel();
  kernel.commit(createTable({ family, name, sets: [endpoints], chains: [] }));
  const before = kernelBytes();
  let microseconds = 0;
  for (let first = 0; first < ELEMENTS; first += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, i) => elementOf(endpoints, first + i));
    microseconds += kernel.commit(batch).microseconds;
  }
  const bytes = kernelBytes() - before;
  kernel.commit([{ verb: "delete", noun: "table", family, table: name }]);
  return { bytes: bytes / ELEMENTS, microseconds: microseconds / ELEMENTS };
}

function elementOf(container: Container, number: number): Operation {
  const place = `${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
  const element = {
    key: canonicalKey(`10.${place} . tcp . 80 . 0`),
    value: `11.${place} . 8080`,
    comment: `shop/s${number}:http`,
  };
  return { verb: "add", noun: "element", set: setPath("ip", TABLE, container.name), container, element };
}

const rounds = Array.from({ length: 5 }, () => [elementCost(false), elementCost(true)] as const);
const [plain, counted] = [0, 1].map((i) => ({
  bytes: median(rounds.map((round) => round[i]!.bytes)),
  microseconds: median(rounds.map((round) => round[i]!.microseconds)),
})) as [ReturnType<typeof elementCost>, ReturnType<typeof elementCost>];
table(
  `Counted connections: an element of ${ELEMENTS}, ${navigator.hardwareConcurrency} CPUs (median of 5 rounds)`,
  [
    ["", "bytes of the kernel", "microseconds of a commit"],
    ...[["without a counter", plain] as const, ["with a counter", counted] as const].map(([what, cost]) => [
      what,
      cost.bytes.toFixed(0),
      cost.microseconds.toFixed(2),
    ]),
  ],
);
