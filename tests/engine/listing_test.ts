// Listings of the kernel after records were lost: whose position the kernel holds. And those after a rejection, beside another program.

import assert from "node:assert/strict";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { CONTAINERS, PATHS } from "../../src/fold/skeleton.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { CommitReceipt, TableName } from "../../src/kernel/kernel.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";
import type { Ruleset } from "../../src/nft/ruleset.ts";
import type { Operation, Transaction } from "../../src/nft/transaction.ts";
import { separated } from "../../src/nft/objects.ts";
import { digestText } from "../../src/plan/digest.ts";
import { committedDigest } from "../../src/engine/engine_state.ts";
import { positionOf } from "../../src/plan/position.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const PODS = slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.1.1");
const LOST = service("shop/lost 10.96.0.7 http:80/tcp");
const MORE = Array.from({ length: 5 }, (_, i) => service(`shop/more${i} 10.96.1.${i} http:80/tcp`));

/** Runs `use` in a process on `kernel` and `storage`, from its start to its end. */
function inProcess(
  kernel: FakeKernel,
  storage: MemoryStorage,
  use: (process: EngineProcess) => void,
): void {
  using process = new EngineProcess(kernel, storage, { policy: "interval", startedAt: TIME });
  use(process);
}

function heldPosition(kernel: FakeKernel) {
  return positionOf(separated(kernel.list(OUR_TABLES)).elements)!;
}

Deno.test("new records with the offsets of lost ones do not make rules of the lost ones theirs", () => {
  using kernel = new FakeKernel();
  const whole = memoryStorage();
  inProcess(kernel, whole, (process) => process.list(WEB, PODS));
  const storage = memoryStorage(whole.files);
  inProcess(kernel, whole, (process) => process.list(WEB, PODS, LOST));
  const { offset } = heldPosition(kernel);
  const generation = kernel.generation();
  const part = { kind: "list", complete: false, part: true, time: TIME, problems: [] } as const;
  inProcess(kernel, storage, (process) => {
    process.receive({ ...part, objects: MORE });
    perform(process.engine, process.ports, list(kernel));
    const { appendedOffset, committedOffset } = process.engine;
    assert.deepEqual([appendedOffset > offset, committedOffset < offset], [true, true]);
  });
  inProcess(kernel, storage, (process) => {
    commitBatch(process.engine, process.ports);
    assert.equal(kernel.generation(), generation, "the rules stay until a source has sent its list");
    assert.match(process.warnings.join(), /records that are not in the ledger/);
    process.list(WEB, PODS, LOST);
    const { offset, digest } = heldPosition(kernel);
    assert.deepEqual([offset, digest], [
      process.engine.committedOffset,
      digestText(committedDigest(process.engine)),
    ]);
  });
  inProcess(kernel, storage, (process) => assert.deepEqual(process.warnings, []));
});

/** A kernel of which another program takes an element before each of the next commits. */
class RobbedKernel extends FakeKernel {
  thefts: Operation[] = [];

  override commit(transaction: Transaction): CommitReceipt {
    const theft = this.thefts.pop();
    if (theft !== undefined) super.commit([theft]);
    return super.commit(transaction);
  }
}

Deno.test("what another program takes between a listing and the commit after it sets no Service aside", () => {
  using kernel = new RobbedKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  process.list(WEB, PODS);
  const set = PATHS.ip.endpoints;
  const container = CONTAINERS.get(set)!;
  const taken = [...kernel.list(OUR_TABLES).elements.get(set)!.values()];
  assert.equal(taken.length, 2);
  kernel.thefts = taken.map((element) => ({ verb: "delete", noun: "element", set, container, element }));
  process.commit([appears(slice("shop/web-a http:8080/tcp 10.244.0.2 10.244.1.2"))]);
  assert.deepEqual([process.engine.rejections, [...process.engine.cluster.aside.keys()]], [0, []]);
  const served = [...kernel.list(OUR_TABLES).elements.get(set)!.values()].map(({ value }) => value);
  assert.deepEqual(served.toSorted(), ["10.244.0.2 . 8080", "10.244.1.2 . 8080"]);
});

/** A kernel of which the next listings are interrupted by other programs. */
class BusyKernel extends RobbedKernel {
  interruptions = 0;

  override list(tables: readonly TableName[]): Ruleset {
    if (this.interruptions-- > 0) throw new SystemError("listing", ERRNO.EINTR);
    return super.list(tables);
  }
}

Deno.test("a listing that other programs interrupt counts as a rejection, and comes before the next commit", () => {
  using kernel = new BusyKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  process.list(WEB, PODS);
  const set = PATHS.ip.endpoints;
  const [element] = kernel.list(OUR_TABLES).elements.get(set)!.values();
  const container = CONTAINERS.get(set)!;
  kernel.thefts = [{ verb: "delete", noun: "element", set, container, element: element! }];
  kernel.interruptions = 3;
  process.commit([appears(slice("shop/web-a http:8080/tcp 10.244.0.2 10.244.1.2"))]);
  assert.ok(process.engine.rejections >= 3);
  assert.match(process.warnings.at(-1)!, /the ruleset changed meanwhile.*The rules stay as they were/);
  commitBatch(process.engine, process.ports);
  assert.deepEqual([process.engine.rejections, [...process.engine.cluster.aside.keys()]], [0, []]);
  const served = [...kernel.list(OUR_TABLES).elements.get(set)!.values()].map(({ value }) => value);
  assert.deepEqual(served.toSorted(), ["10.244.0.2 . 8080", "10.244.1.2 . 8080"]);
});

Deno.test("a start that cannot list the kernel commits nothing before it can", () => {
  using kernel = new BusyKernel();
  {
    using process = new EngineProcess(kernel, memoryStorage());
    process.list(WEB, PODS);
  }
  const before = kernel.generation();
  kernel.interruptions = 2;
  using process = new EngineProcess(kernel, memoryStorage());
  process.list(WEB, PODS);
  assert.deepEqual([kernel.generation(), process.engine.rejections], [before, 2]);
  commitBatch(process.engine, process.ports);
  assert.deepEqual([kernel.generation(), process.engine.rejections], [before + 1, 0]);
});
