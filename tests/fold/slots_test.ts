// Slots: the bounds of each class, and how many slots an event changes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { draws, ENDPOINT_MAPS, pickChains } from "../../src/fold/pick_chains.ts";
import {
  assignSlots,
  differingSlots,
  NO_SLOTS,
  refill,
  SLOT_CLASSES,
  type Slots,
} from "../../src/fold/slots.ts";
import { SLOT_CLASS_MAX } from "../../src/limits/rules.ts";

const endpoints = fc.uniqueArray(fc.integer({ min: 0, max: 60 }).map((n) => `e${n}`), { maxLength: 60 }).map((
  list,
) => list.sort());

/** An assignment that some history led to. */
const history = fc.array(endpoints, { maxLength: 6 }).map((steps) => steps.reduce(assignSlots, NO_SLOTS));

const changed = (a: Slots, b: Slots) =>
  Array.from({ length: Math.max(a.endpoints.length, b.endpoints.length) }, (_, i) => i)
    .filter((slot) => a.endpoints[slot] !== b.endpoints[slot]).length;

Deno.test("slots hold exactly the desired endpoints, without holes, in a class that is at least a quarter full", () => {
  fc.assert(fc.property(history, endpoints, (before, desired) => {
    const { slotClass, endpoints } = assignSlots(before, desired);
    assert.deepEqual([...endpoints].sort(), desired);
    assert.ok(SLOT_CLASSES.includes(slotClass));
    assert.ok(endpoints.length <= slotClass);
    assert.ok(endpoints.length > slotClass / 4 || slotClass === 1);
  }));
});

Deno.test("an endpoint that stays keeps its slot unless the list becomes shorter than that", () => {
  fc.assert(fc.property(history, endpoints, (before, desired) => {
    const after = assignSlots(before, desired);
    before.endpoints.forEach((endpoint, slot) => {
      if (desired.includes(endpoint) && slot < desired.length) assert.equal(after.endpoints[slot], endpoint);
    });
  }));
});

Deno.test("replacing k endpoints changes k slots; removing k changes at most 2k", () => {
  fc.assert(fc.property(history, fc.integer({ min: 0, max: 5 }), (before, k) => {
    const kept = before.endpoints.slice(k);
    const removed = Math.min(k, before.endpoints.length);
    assert.ok(changed(before, assignSlots(before, [...kept].sort())) <= 2 * removed);
    const replaced = [...kept, ...Array.from({ length: removed }, (_, i) => `new${i}`)].sort();
    assert.equal(changed(before, assignSlots(before, replaced)), removed);
  }));
});

Deno.test("a class grows at once and shrinks at a quarter", () => {
  const of = (n: number) => Array.from({ length: n }, (_, i) => `e${String(i).padStart(4, "0")}`);
  const classes = [1, 2, 3, 4, 5, 9, 8, 5, 4, 2, 1, 0].reduce<Slots[]>(
    (all, n) => [...all, assignSlots(all.at(-1) ?? NO_SLOTS, of(n))],
    [],
  );
  assert.deepEqual(classes.map(({ slotClass }) => slotClass), [1, 2, 3, 4, 6, 12, 12, 12, 12, 2, 2, 1]);
});

Deno.test("beyond the largest class, endpoints that have a slot keep it", () => {
  const name = (n: number) => `e${String(n).padStart(5, "0")}`;
  const full = assignSlots(NO_SLOTS, Array.from({ length: SLOT_CLASS_MAX }, (_, i) => name(i + 100)));
  const more = assignSlots(full, Array.from({ length: SLOT_CLASS_MAX + 100 }, (_, i) => name(i)));
  assert.deepEqual(more, full);
});

Deno.test("the last draw of a pick chain always finds an endpoint, and the bias is below a thousandth", () => {
  for (const slotClass of SLOT_CLASSES) {
    for (let filled = Math.floor(slotClass / 4) + 1; filled <= slotClass; filled++) {
      const moduli = draws(slotClass);
      assert.ok(moduli.at(-1)! <= filled, "the last draw hits for any filling");
      const fallback = moduli.slice(0, -1).reduce(
        (miss, modulus) => miss * Math.max(0, 1 - filled / modulus),
        1,
      );
      // Class 2 with one endpoint has only one endpoint to be fair to.
      if (filled > 1) assert.ok(fallback < 0.0011, `class ${slotClass}, ${filled} filled: ${fallback}`);
      if (filled > slotClass / 2 && filled > 1) assert.ok(fallback < 1e-6);
    }
  }
});

Deno.test("a packet in a pick chain draws as often as its class says, and few rules look into each map", () => {
  const chains = new Map(pickChains("ip").map(({ name, rules }) => [name, rules]));
  const moduli = (chain: string): number[] =>
    chains.get(chain)!.flatMap(({ statements: [statement] }) => {
      if (statement!.kind === "verdict") {
        const { verdict } = statement!;
        return verdict.kind === "jump" ? moduli(verdict.chain) : [];
      }
      assert.ok(statement!.kind === "dnat");
      const drawn = statement!.key.at(-1)!;
      assert.ok(typeof drawn === "object" && drawn.kind === "numgen");
      return drawn.modulus;
    });
  for (const { name, map } of ENDPOINT_MAPS) {
    for (const slotClass of SLOT_CLASSES) {
      assert.deepEqual(moduli(`${name}-${slotClass}`), draws(slotClass));
    }
    const all = [...chains].filter(([chain]) => chain.startsWith(`${name}-`)).flatMap(([, rules]) => rules);
    const looking = all.filter(({ statements: [statement] }) => statement!.kind === "dnat").length;
    // The kernel compares each element that is added with each of them.
    assert.ok(looking < 100, `${looking} rules look into ${map}`);
  }
});

Deno.test("slots that differ are found between any two assignments of a history, long lists or short ones", () => {
  const texts = fc.uniqueArray(fc.nat({ max: 400 }), { minLength: 0, maxLength: 300 });
  fc.assert(fc.property(fc.array(texts, { minLength: 2, maxLength: 4 }), (steps) => {
    const all = steps.reduce<Slots[]>(
      (made, step) => [...made, assignSlots(made.at(-1) ?? NO_SLOTS, step.map(String).sort())],
      [],
    );
    for (const before of all) {
      for (const after of all) {
        const length = Math.max(before.endpoints.length, after.endpoints.length);
        const expected = Array.from({ length }, (_, slot) => slot).filter((slot) =>
          before.endpoints[slot] !== after.endpoints[slot]
        );
        assert.deepEqual(differingSlots(before, after), expected);
      }
    }
  }));
});

Deno.test("an assignment from what goes and what comes is the one from all endpoints", () => {
  fc.assert(fc.property(history, endpoints, (before, desired) => {
    const holes = before.endpoints.flatMap((endpoint, slot) => desired.includes(endpoint) ? [] : [slot]);
    const newcomers = [...desired].sort().filter((endpoint) => !before.endpoints.includes(endpoint));
    assert.deepEqual(refill(before, holes, newcomers).slots, assignSlots(before, [...desired].sort()));
  }));
});
