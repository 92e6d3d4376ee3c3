// A map of texts, against a Map.

import assert from "node:assert/strict";
import fc from "fast-check";
import { hashOfKey } from "../../src/fold/place_index.ts";
import { TextMap } from "../../src/fold/text_map.ts";
import { meetingTexts } from "../support/meeting_texts.ts";

/** More than a chain has room for, and others. */
const KEYS = [...meetingTexts(6, hashOfKey), "", "10.96.0.1", "10.96.0.2"];

const acts = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.nat(KEYS.length - 1) }) },
    { weight: 2, arbitrary: fc.record({ delete: fc.nat(KEYS.length - 1) }) },
    fc.constantFrom("fill" as const, "empty" as const, "keep" as const, "dispose" as const),
  ),
  { maxLength: 60 },
);

Deno.test("entries are those of a Map, also those that are kept of earlier moments and keys with one hash", () => {
  fc.assert(fc.property(acts, (acts) => {
    const [map, same] = [new TextMap<number>(), new Map<string, number>()];
    const kept: { now: ReturnType<typeof map.keep>; copy: typeof same }[] = [];
    const set = (key: string, value: number) => {
      map.set(key, value);
      same.set(key, value);
    };
    const remove = (key: string) => assert.equal(map.delete(key), same.delete(key));
    acts.forEach((act, i) => {
      if (act === "keep") kept.push({ now: map.keep(), copy: new Map(same) });
      else if (act === "dispose") kept.shift()?.now[Symbol.dispose]();
      else if (act === "fill") KEYS.forEach((key) => set(key, i));
      else if (act === "empty") KEYS.forEach(remove);
      else if ("set" in act) set(KEYS[act.set]!, i);
      else remove(KEYS[act.delete]!);
    });
    assert.deepEqual([map.size, [...map.values()].sort()], [same.size, [...same.values()].sort()]);
    assert.deepEqual([...map.entries()].sort(), [...same].sort());
    for (const key of KEYS) assert.equal(map.has(key), same.has(key));
    for (const { now, copy } of kept) {
      assert.deepEqual([...now.entries()].sort(), [...copy].sort());
      for (const key of KEYS) assert.equal(now.get(key), copy.get(key));
    }
  }));
});
