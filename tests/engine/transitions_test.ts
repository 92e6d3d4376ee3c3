// Going from one setting to another by changes ends where building the other afresh does, and back again: every change
// of one feature, in the fake kernel. tests/kernel does the same in the real one.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { list, OUR_TABLES, perform, type Ports } from "../../src/engine/run_loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { separated } from "../../src/nft/objects.ts";
import { meaning } from "../support/meaning.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { NODE_NAME } from "../support/scenario/scenario.ts";
import { transitions } from "../support/scenario/settings.ts";

const TIME = "2026-01-01T00:00:00.000Z";

class Process implements Disposable {
  readonly #kernel = new FakeKernel();
  readonly #ledger = new LedgerWriter(memoryStorage(), { policy: "never" });
  readonly #engine = newEngine();
  readonly #ports: Ports = {
    kernel: this.#kernel,
    ledger: this.#ledger,
    now: () => TIME,
    report: () => {},
    warn: (text) => assert.fail(text),
  };

  constructor() {
    const records = [{ kind: "config", time: TIME, version: "0", nodeName: NODE_NAME }] as const;
    perform(this.#engine, this.#ports, { kind: "appended", first: this.#ledger.append(records), records });
    perform(this.#engine, this.#ports, list(this.#kernel));
  }

  /** Takes on `objects` and returns what the kernel then holds. */
  tell(objects: readonly KubeObject[]): string[] {
    const batch = { kind: "list", objects, complete: true, time: TIME, problems: [] } as const;
    perform(this.#engine, this.#ports, { kind: "batch", batch });
    perform(this.#engine, this.#ports, { kind: "sync" });
    assert.equal(this.#engine.rejections, 0);
    return meaning(separated(this.#kernel.list(OUR_TABLES)).elements);
  }

  [Symbol.dispose](): void {
    this.#ledger[Symbol.dispose]();
  }
}

function fresh(objects: readonly KubeObject[]): string[] {
  using process = new Process();
  return process.tell(objects);
}

for (const { name, before, after } of transitions()) {
  Deno.test(`transition ${name}`, () => {
    using process = new Process();
    const first = process.tell(before);
    assert.deepEqual(process.tell(after), fresh(after));
    assert.deepEqual(process.tell(before), first);
    assert.deepEqual(first, fresh(before));
  });
}
