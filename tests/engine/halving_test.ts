// A kernel that refuses batches as a whole: for their size, for one Service in them, or always.

import assert from "node:assert/strict";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { separated } from "../../src/nft/objects.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { replayPart } from "../../src/history/replay_part.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { pastOf } from "../support/past.ts";

const CONFIG = { kind: "config", time: TIME, version: "0", nodeName: "node-a" } as const;
const NO_BUFFERS = 105;

/** Most element changes of one batch. */
const MOST = 131_072;

/** A kernel that refuses what `refuses` says, as a whole. */
class Refusing extends FakeKernel {
  refusals = 0;
  /** How many elements each batch added. */
  readonly sizes: number[] = [];
  refuses: (transaction: Transaction) => boolean = () => false;

  override commit(transaction: Transaction) {
    if (this.refuses(transaction)) {
      this.refusals++;
      throw new KernelRejection(null, NO_BUFFERS, "for a test");
    }
    this.sizes.push(elements(transaction));
    return super.commit(transaction);
  }

  /** The Services that are served. */
  served(): string[] {
    const slots = separated(this.list(OUR_TABLES)).elements.get(PATHS.ip.endpoints)!;
    return [...new Set([...slots.values()].map(({ comment }) => comment!.split(":")[0]!))].sort();
  }
}

const SERVICES = 30;
const names = Array.from({ length: SERVICES }, (_, i) => `shop/s${i}`).sort();
const objects = (endpoints = 2): KubeObject[] =>
  names.flatMap((name, i) => [
    service(`${name} 10.96.0.${i + 1} http:80/tcp`),
    slice(
      `${name}-a http:80/tcp ${
        Array.from({ length: endpoints }, (_, e) => `10.244.${i}.${e + 1}`).join(" ")
      }`,
    ),
  ]);
const elements = (transaction: Transaction) => transaction.filter(({ noun }) => noun === "element").length;
const mentions = (transaction: Transaction, name: string) =>
  transaction.some((one) => one.noun === "element" && one.element.comment?.startsWith(`${name}:`));

/** Takes a list and commits until nothing is left, as the loop does. */
function settle(process: EngineProcess, list: readonly KubeObject[]): void {
  perform(process.engine, process.ports, {
    kind: "batch",
    batch: { kind: "list", objects: list, complete: true, time: TIME, problems: [] },
  });
  for (let commits = 0; commits < 100; commits++) {
    commitBatch(process.engine, process.ports);
    if (process.engine.touched.size === 0 || process.engine.rejections > 0) return;
  }
  assert.fail("the commits do not end");
}

/** Asserts that a replay makes every commit again. */
function assertReplays(storage: MemoryStorage): void {
  const past = pastOf([...readLedger(storage)].map(({ record }) => record));
  const part = { from: 0, through: Infinity, bounded: false };
  const replay = replayPart(past, part);
  let step = replay.next();
  while (!step.done) step = replay.next();
  assert.equal(step.value.difference, null);
}

Deno.test("a kernel that takes only small batches gets them, and serves every Service", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  kernel.refuses = (transaction) => elements(transaction) > 20;
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, objects());
  assert.deepEqual(kernel.served(), names);
  assert.deepEqual([...process.engine.cluster.aside], []);
  assert.ok(kernel.refusals > 0);
  settle(process, objects(5));
  assert.deepEqual(kernel.served(), names);
  assert.equal(process.engine.halving, undefined);
  assertReplays(storage);
});

Deno.test("one Service that the kernel refuses with the whole batch is set aside, all others are served", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  kernel.refuses = (transaction) => mentions(transaction, "shop/s7");
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, objects());
  assert.deepEqual(kernel.served(), names.filter((name) => name !== "shop/s7"));
  assert.deepEqual([...process.engine.cluster.aside.keys()], ["shop/s7"]);
  const rejected = [...readLedger(storage)].map(({ record }) => record)
    .filter((record) => record.kind === "commit" && record.setAside !== undefined);
  assert.deepEqual(rejected.map((record) => record.kind === "commit" && record.setAside), ["shop/s7"]);
  assertReplays(storage);
});

Deno.test("a change of one Service that the kernel refuses leaves its old rules until it is known, then sets it aside", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, objects());
  kernel.refuses = (transaction) =>
    transaction.some((one) =>
      one.noun === "element" && one.verb === "add" &&
      one.element.comment?.startsWith("shop/s7:")
    );
  settle(process, objects(3));
  assert.deepEqual(kernel.served(), names.filter((name) => name !== "shop/s7"));
  assert.deepEqual([...process.engine.cluster.aside.keys()], ["shop/s7"]);
  assertReplays(storage);
});

Deno.test("a kernel that refuses every batch sets no Service aside, and gets all rules once it takes batches", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  kernel.refuses = () => true;
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, objects());
  assert.deepEqual([...process.engine.cluster.aside], []);
  assert.ok(process.engine.rejections > 0, "the healer retries");
  assert.equal(process.engine.halving, undefined);
  kernel.refuses = () => false;
  settle(process, objects());
  assert.deepEqual(kernel.served(), names);
  assertReplays(storage);
});

/** Small Services, and `large` ones of 4,000 endpoints: together more than one batch has. */
const many = (large: number): KubeObject[] => [
  ...objects(),
  ...Array.from({ length: large }, (_, i) => [
    service(`big/b${i} 10.97.0.${i + 1} http:80/tcp`),
    ...[0, 1, 2, 3].map((part) =>
      slice(
        `big/b${i}-${part} http:80/tcp ${
          Array.from({ length: 1000 }, (_, e) => `10.${128 + part}.${e >> 8}.${e & 255}`).join(" ")
        }`,
      )
    ),
  ]).flat(),
];
const LARGE = 35;

/** Asserts that the batches since the last call had at most {@link MOST} changes, and returns how many there were. */
function assertBounded({ sizes }: Refusing): number {
  assert.ok(Math.max(...sizes) <= MOST + 2, `batches of ${sizes.join(", ")} elements`);
  return sizes.splice(0).length;
}

Deno.test("where no rules of ours stand, very many changes are committed in parts, small Services first", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  process.list(...many(LARGE));
  assertBounded(kernel);
  assert.deepEqual(kernel.served().filter((name) => name.startsWith("shop/")), names);
  while (process.engine.halving !== undefined) commitBatch(process.engine, process.ports);
  assert.equal(kernel.served().length, names.length + LARGE);
  assertReplays(storage);
});

Deno.test("after a reboot, and when another program deletes our table, the rules come in parts", () => {
  const storage = memoryStorage();
  const kernel = new Refusing();
  using first = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(first, many(LARGE));
  first[Symbol.dispose]();
  const rebooted = new Refusing();
  using process = new EngineProcess(rebooted, storage, { complete: true });
  const commitAll = () => {
    do commitBatch(process.engine, process.ports); while (process.engine.halving !== undefined);
  };
  commitAll();
  assert.equal(assertBounded(rebooted), 2);
  rebooted.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  perform(process.engine, process.ports, list(rebooted));
  commitAll();
  assertBounded(rebooted);
  assert.equal(rebooted.served().length, names.length + LARGE);
});

Deno.test("a list of very many changes is committed in parts, and a change that comes meanwhile is in the next one", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, objects());
  process.list(...many(LARGE));
  assert.ok(process.engine.halving !== undefined, "a part is left");
  process.commit([
    appears(service("shop/new 10.96.1.1 http:80/tcp")),
    appears(slice("shop/new-a http:80/tcp 10.1.1.1 10.1.1.2")),
  ]);
  assertBounded(kernel);
  assert.ok(kernel.served().includes("shop/new"));
  assert.equal(process.engine.halving, undefined);
  assert.equal(kernel.served().length, names.length + LARGE + 1);
  assertReplays(storage);
});

Deno.test("tables that packets use are replaced in one batch, however many changes it has", () => {
  const [kernel, storage] = [new Refusing(), memoryStorage()];
  using process = new EngineProcess(kernel, storage, { first: [CONFIG] });
  settle(process, many(LARGE));
  kernel.sizes.length = 0;
  const proxy = { ...DEFAULT_PROXY_CONFIG, masqueradeBit: 7 };
  process.commit([{ ...CONFIG, proxy }]);
  assert.equal(kernel.sizes.length, 1);
  assert.ok(kernel.sizes[0]! > MOST);
  assert.equal(kernel.served().length, names.length + LARGE);
});
