// When memory is freed after a load. How much stays resident is measured by `deno task bench:memory`.

import assert from "node:assert/strict";
import { MemoryRelease } from "../../src/node/free_memory.ts";
import { until } from "../support/until.ts";

Deno.test("memory is freed once what follows a load is done, and not before", async () => {
  const scope = globalThis as { gc?: unknown };
  const { gc } = scope;
  let collections = 0;
  scope.gc = () => collections++;
  try {
    let [asked, works] = [0, true];
    using release = new MemoryRelease(() => (asked++, works), 1);
    release.noteLoad(1);
    await until("it was put off twice", () => asked > 2);
    assert.equal(collections, 0, "a snapshot is being made");
    works = false;
    await until("it is freed", () => collections > 0);
    release.noteLoad(1);
    assert.equal(collections, 1, "a change is no load");
  } finally {
    scope.gc = gc;
  }
});

Deno.test("memory is freed after a load although the disk never comes to an end", async () => {
  const scope = globalThis as { gc?: unknown };
  const { gc } = scope;
  let collections = 0;
  scope.gc = () => collections++;
  try {
    using release = new MemoryRelease(() => true, 1);
    release.noteLoad(1);
    await until("it is freed", () => collections > 0);
    assert.equal(collections, 1);
  } finally {
    scope.gc = gc;
  }
});

/** A release, its seconds, and what its heap holds: `left` after a collection. */
function atStart(left: number) {
  const heap = { used: left, left, collections: 0, works: false };
  let second = () => {};
  const scope = globalThis as { gc?: unknown };
  const { gc } = scope;
  scope.gc = () => {
    heap.collections++;
    heap.used = heap.left;
  };
  const each = (work: () => void) => {
    second = work;
    return { [Symbol.dispose]() {} };
  };
  const release = new MemoryRelease(() => heap.works, 1, () => heap.used, each);
  return {
    heap,
    release,
    /** So many seconds, each with so many `changes`; returns the collections in them. */
    seconds(count: number, changes = 0): number {
      const before = heap.collections;
      for (let i = 0; i < count; i++) {
        if (changes > 0) release.noteLoad(changes);
        second();
      }
      return heap.collections - before;
    },
    [Symbol.dispose]() {
      release[Symbol.dispose]();
      scope.gc = gc;
    },
  };
}

/** {@link atStart}, and the first load was freed. */
async function afterFirstLoad(left: number) {
  const node = atStart(left);
  node.release.noteLoad(1);
  await until("the first load is freed", () => node.heap.collections === 1);
  node.heap.collections = 0;
  return node;
}

/** {@link afterFirstLoad}, and what the first changes lead to is done. */
async function warmedUp(left: number) {
  const node = await afterFirstLoad(left);
  node.seconds(1, 50);
  node.seconds(10);
  assert.equal(node.heap.collections, 1);
  return node;
}

Deno.test("memory is freed after a minute without a first load, and after that load once more", async () => {
  using node = atStart(16e6);
  assert.equal(node.seconds(59), 0);
  assert.equal(node.seconds(300), 1);
  node.release.noteLoad(1);
  await until("the first load is freed", () => node.heap.collections === 2);
});

Deno.test("memory is freed once when a node rests for the first time after fifty changes", async () => {
  for (const [left, rest] of [[16e6, 1], [60e6, 10]] as const) {
    using node = await afterFirstLoad(left);
    assert.equal(node.seconds(49, 1) + node.seconds(30), 0);
    assert.equal(node.seconds(1, 1) + node.seconds(rest - 1), 0);
    assert.equal(node.seconds(1), 1);
    assert.equal(node.seconds(1, 50) + node.seconds(30), 0, "not again");
  }
});

Deno.test("a small node that rests is collected once changes have left a quarter of its heap as garbage", async () => {
  using node = await warmedUp(16e6);
  node.heap.used = 19e6;
  assert.equal(node.seconds(1, 20), 0);
  assert.equal(node.seconds(20), 0, "a pause for little garbage is not worth it");
  node.heap.used = 20.1e6;
  assert.equal(node.seconds(1, 20), 0, "changes come in this second");
  assert.equal(node.seconds(1), 1);
  node.heap.used = 22e6;
  assert.equal(node.seconds(40), 0);
  assert.equal(node.seconds(60), 1, "what answers leave is looked at each minute");
});

Deno.test("a large node is collected only after ten seconds without a change", async () => {
  using node = await warmedUp(60e6);
  node.heap.used = 200e6;
  assert.equal(node.seconds(20, 20), 0, "V8 does it");
  assert.equal(node.seconds(9), 0);
  assert.equal(node.seconds(1), 1);
});

Deno.test("garbage waits for the snapshot that is being made", async () => {
  using node = await warmedUp(16e6);
  node.heap.used = 40e6;
  node.heap.works = true;
  assert.equal(node.seconds(1, 20) + node.seconds(20), 0);
  node.heap.works = false;
  assert.equal(node.seconds(2), 1);
});

Deno.test("what a rehearsal leaves is freed as after a load, and what the first changes leave after it", async () => {
  using start = atStart(20e6);
  const { heap, release } = start;
  release.noteLoad(1);
  await until("what the start left is freed", () => heap.collections === 1);
  release.noteRehearsal();
  await until("what the rehearsal left is freed", () => heap.collections === 2);
  start.seconds(1, 100);
  assert.equal(start.seconds(5), 1);
});
