// The elements of a set with their causes, against two Maps.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ElementMap } from "../../src/fold/element_map.ts";
import { hashOfKey } from "../../src/fold/place_index.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { canonicalKey, type Element, type ElementKey } from "../../src/nft/ruleset.ts";
import { entriesLeftBy } from "../support/map_entries.ts";
import { meetingTexts } from "../support/meeting_texts.ts";

const KEYS = Array.from({ length: 8 }, (_, i) => canonicalKey(`10.96.0.${i} . tcp . 80`));

const acts = fc.array(
  fc.oneof(
    fc.record({ put: fc.nat(7), value: fc.nat(2) }),
    fc.record({ delete: fc.nat(7) }),
    fc.record({ give: fc.nat(7) }),
    fc.constantFrom("keep", "dispose"),
  ),
  { maxLength: 80 },
);

Deno.test("elements and causes are those of two Maps, also those that are kept of earlier moments", () => {
  fc.assert(fc.property(acts, (acts) => {
    const map = new ElementMap();
    const [elements, causes] = [new Map<ElementKey, Element>(), new Map<ElementKey, Offset>()];
    const kept: { now: ReturnType<typeof map.keepCauses>; copy: Map<ElementKey, Offset> }[] = [];
    acts.forEach((act, i) => {
      const cause = i as Offset;
      if (act === "keep") kept.push({ now: map.keepCauses(), copy: new Map(causes) });
      else if (act === "dispose") kept.shift()?.now[Symbol.dispose]();
      else if ("put" in act) {
        const element = { key: KEYS[act.put]!, value: String(act.value) };
        const differs = elements.get(element.key)?.value !== element.value;
        assert.equal(map.put(element, cause), differs, "an equal element stays, with its cause");
        if (differs) {
          elements.set(element.key, element);
          causes.set(element.key, cause);
        }
      } else if ("give" in act) {
        map.setCause(KEYS[act.give]!, cause);
        if (causes.has(KEYS[act.give]!)) causes.set(KEYS[act.give]!, cause);
      } else {
        assert.equal(map.delete(KEYS[act.delete]!), elements.delete(KEYS[act.delete]!));
        causes.delete(KEYS[act.delete]!);
      }
      assert.equal(map.size, elements.size);
      for (const key of KEYS) {
        assert.equal(map.get(key), elements.get(key));
        assert.equal(map.causes.get(key), causes.get(key));
        for (const { now, copy } of kept) assert.equal(now.get(key), copy.get(key));
      }
      assert.deepEqual(new Map(map), elements);
      assert.deepEqual(new Map(map.causes), causes);
      for (const { now, copy } of kept) {
        assert.deepEqual([...now.entries()].sort(), [...copy.entries()].sort());
      }
    });
  }));
});

Deno.test("keys that all have one hash are found, listed and deleted as others are", () => {
  const keys = meetingTexts(6, hashOfKey).map(canonicalKey);
  assert.deepEqual([new Set(keys).size, new Set(keys.map(hashOfKey)).size], [64, 1]);
  const map = new ElementMap();
  const elements = new Map<ElementKey, Element>();
  const isSame = () => {
    assert.deepEqual(new Map(map), elements);
    for (const key of keys) assert.equal(map.get(key), elements.get(key));
  };
  const put = (key: ElementKey, value: string) => {
    elements.set(key, { key, value });
    map.put(elements.get(key)!, 1 as Offset);
  };
  for (const key of keys) put(key, "a");
  isSame();
  for (const key of keys.filter((_, i) => i % 3 === 0)) assert.equal(map.delete(key), elements.delete(key));
  isSame();
  for (const key of keys.toReversed()) put(key, "b");
  isSame();
  for (const key of keys) assert.equal(map.delete(key), true);
  assert.deepEqual([map.size, [...map.keys()]], [0, []]);
});

Deno.test("a copy has the same elements and causes, and neither changes with the other", () => {
  const keys = [...meetingTexts(6, hashOfKey).map(canonicalKey), ...KEYS];
  const map = new ElementMap();
  for (const [i, key] of keys.entries()) map.put({ key }, i as Offset);
  for (const key of keys.filter((_, i) => i % 5 === 0)) map.delete(key);
  const copy = map.copy();
  const [elements, causes] = [[...map], [...map.causes]];
  assert.deepEqual([[...copy], [...copy.causes], copy.size], [elements, causes, elements.length]);
  for (const key of keys) {
    map.put({ key, value: "drop" }, 1 as Offset);
    map.delete(key);
  }
  assert.deepEqual([[...copy], [...copy.causes]], [elements, causes]);
  for (const [key] of elements) assert.ok(copy.delete(key));
  copy.put({ key: keys[0]! }, 7 as Offset);
  assert.deepEqual([[...copy.causes], map.size], [[[keys[0], 7]], 0]);
});

Deno.test("keys that come and go while causes are kept leave nothing behind", () => {
  const map = new ElementMap();
  map.put({ key: KEYS[0]! }, 1 as Offset);
  using kept = map.keepCauses();
  map.setCause(KEYS[0]!, 2 as Offset);
  const entries = entriesLeftBy(() => {
    for (let i = 0; i < 1000; i++) {
      const key = canonicalKey(`10.97.${i >> 8}.${i & 255}`);
      map.put({ key }, 3 as Offset);
      map.delete(key);
    }
  });
  assert.equal(entries, 1, "what the first key had is saved");
  assert.deepEqual([[...kept.entries()], kept.get(KEYS[0]!)], [[[KEYS[0], 1]], 1]);
});

Deno.test("room that deleted elements had is given back, and the others are found and listed in their order", () => {
  const keys = Array.from({ length: 2000 }, (_, i) => canonicalKey(`10.97.${i >> 8}.${i & 255}`));
  const map = new ElementMap();
  for (const [i, key] of keys.entries()) map.put({ key }, i as Offset);
  const left = keys.filter((_, i) => i % 100 === 7);
  for (const key of keys) if (!left.includes(key)) map.delete(key);
  assert.deepEqual([...map.keys()], left);
  assert.deepEqual(left.map((key) => map.causeOf(key)), left.map((key) => keys.indexOf(key)));
  map.put({ key: keys[0]! }, 5 as Offset);
  assert.deepEqual([map.size, map.causeOf(keys[0]!), map.causeOf(keys[1]!)], [left.length + 1, 5, undefined]);
});
