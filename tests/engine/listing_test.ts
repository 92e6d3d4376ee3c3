// Listings of the kernel after records were lost: whose position the kernel holds.

import assert from "node:assert/strict";
import { commitBatch, list, OUR_TABLES, perform } from "../../src/engine/run_loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { separated } from "../../src/nft/objects.ts";
import { digestText } from "../../src/plan/digest.ts";
import { committedDigest } from "../../src/engine/engine_state.ts";
import { positionOf } from "../../src/plan/position.ts";
import { service, slice } from "../support/cluster_notation.ts";
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
