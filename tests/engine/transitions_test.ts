// Changing one setting into another gives the same rules as starting with the other, and so does changing it back: for each
// setting of each feature, with the fake kernel. tests/kernel does the same with the real one.

import assert from "node:assert/strict";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { separated } from "../../src/nft/objects.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { meaning } from "../support/meaning.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { NODE_NAME } from "../support/scenario/scenario.ts";
import { transitions } from "../support/scenario/settings.ts";

class Process extends EngineProcess {
  constructor() {
    super(new FakeKernel(), memoryStorage(), {
      first: [{ kind: "config", time: TIME, version: "0", nodeName: NODE_NAME }],
      warn: (text) => assert.fail(text),
    });
  }

  /** Takes on `objects` and returns what the kernel then holds. */
  settle(objects: readonly KubeObject[]): string[] {
    this.list(...objects);
    assert.equal(this.engine.rejections, 0);
    return meaning(separated(this.kernel.list(OUR_TABLES)).elements);
  }
}

function fresh(objects: readonly KubeObject[]): string[] {
  using process = new Process();
  return process.settle(objects);
}

for (const { name, before, after } of transitions()) {
  Deno.test(`transition ${name}`, () => {
    using process = new Process();
    const first = process.settle(before);
    assert.deepEqual(process.settle(after), fresh(after));
    assert.deepEqual(process.settle(before), first);
    assert.deepEqual(first, fresh(before));
  });
}
