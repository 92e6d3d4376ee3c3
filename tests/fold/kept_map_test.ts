// A map that keeps what it holds at one moment, against a copy.

import assert from "node:assert/strict";
import fc from "fast-check";
import { KeptMap } from "../../src/fold/kept_map.ts";
import { entriesLeftBy } from "../support/map_entries.ts";

/** What is done with a map of a few keys: `keep` begins to keep it, and a number past the keys ends with the oldest moment kept. */
const acts = fc.array(
  fc.oneof(
    fc.record({ set: fc.nat(7), to: fc.nat(3) }),
    fc.record({ delete: fc.nat(7) }),
    fc.constantFrom("keep", "dispose", "clear"),
  ),
  { maxLength: 60 },
);

Deno.test("what is kept of a map is what a copy of it would be, whatever changes later, also where several moments are kept", () => {
  fc.assert(fc.property(acts, (acts) => {
    const map = new KeptMap<number, number>();
    const kept: { now: ReturnType<typeof map.keep>; copy: Map<number, number> }[] = [];
    for (const act of acts) {
      if (act === "keep") kept.push({ now: map.keep(), copy: new Map(map) });
      else if (act === "dispose") kept.shift()?.now[Symbol.dispose]();
      else if (act === "clear") map.clear();
      else if ("set" in act) map.set(act.set, act.to);
      else map.delete(act.delete);
      for (const { now, copy } of kept) {
        assert.deepEqual([...now.entries()].sort(), [...copy.entries()].sort());
        for (let key = 0; key < 8; key++) assert.equal(now.get(key), copy.get(key));
      }
    }
  }));
});

Deno.test("keys that come and go while a moment is kept leave nothing behind", () => {
  const map = new KeptMap<number, number>();
  map.set(0, 0);
  using kept = map.keep();
  const entries = entriesLeftBy(() => {
    for (let key = 0; key < 1000; key++) {
      map.set(key, 1);
      map.delete(key);
    }
  });
  assert.equal(entries, 1, "what key 0 had is saved");
  assert.deepEqual([[...kept.entries()], kept.get(0), kept.get(1)], [[[0, 0]], 0, undefined]);
});
