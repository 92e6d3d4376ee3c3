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
