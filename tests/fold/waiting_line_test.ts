// A line of Services, whose namespaces take turns.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  enter,
  isBehindOthers,
  leave,
  newLine,
  takeFirst,
  waitingOf,
  waitsIn,
} from "../../src/fold/waiting_line.ts";
import { namespaceOf, readServiceName } from "../../src/kube/service_name.ts";
import { offsetOf } from "../../src/ledger/record.ts";

/** A line that these entered, with their places as causes. */
function lineOf(names: readonly string[], turns: boolean) {
  const line = newLine();
  for (const [i, name] of names.entries()) enter(line, readServiceName(name), offsetOf(i), turns);
  return line;
}

/** The names in the order in which they are taken. */
function taken(line: ReturnType<typeof newLine>): string[] {
  const names: string[] = [];
  for (let first = takeFirst(line); first !== undefined; first = takeFirst(line)) names.push(first[0]);
  return names;
}

Deno.test("namespaces take turns in the order in which they came, and each keeps its own order", () => {
  const names = ["a/1", "a/2", "a/3", "b/1", "c/1", "c/2"];
  assert.deepEqual(taken(lineOf(names, true)), ["a/1", "b/1", "c/1", "a/2", "c/2", "a/3"]);
  assert.deepEqual(taken(lineOf(names, false)), names);
});

Deno.test("one that enters again keeps its place with its newest cause; one that has left comes last", () => {
  const line = lineOf(["a/1", "a/2", "a/1"], true);
  assert.deepEqual([line.size, waitingOf(line)], [2, [["a/1", 2], ["a/2", 1]]]);
  leave(line, readServiceName("a/1"));
  leave(line, readServiceName("a/3"));
  assert.deepEqual([line.size, waitsIn(line, readServiceName("a/1"))], [1, false]);
  enter(line, readServiceName("a/1"), offsetOf(9), true);
  assert.deepEqual(taken(line), ["a/2", "a/1"]);
  assert.deepEqual([line.size, line.namespaces.size], [0, 0]);
});

Deno.test("a Service is behind those of its namespace, and behind all where they take no turns", () => {
  const behind = (turns: boolean, name: string) =>
    isBehindOthers(lineOf(["a/1"], turns), readServiceName(name));
  assert.deepEqual([behind(true, "a/2"), behind(true, "b/1"), behind(false, "b/1")], [true, false, true]);
});

Deno.test("everyone who waits is taken once, and between two of a namespace every other one has its turn", () => {
  const name = fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(5)).map(([namespace, i]) =>
    `${namespace}/${i}`
  );
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 15 }), (names) => {
    const order = taken(lineOf(names, true));
    assert.deepEqual([...order].sort(), [...names].sort());
    const left = new Map<string, number>();
    const count = (one: string, by: number) => left.set(one, (left.get(one) ?? 0) + by);
    for (const one of names) count(namespaceOf(readServiceName(one)), 1);
    for (let i = 0; i < order.length;) {
      const round = [...left].filter(([, waiting]) => waiting > 0).length;
      const turn = order.slice(i, i + round).map((one) => namespaceOf(readServiceName(one)));
      assert.equal(new Set(turn).size, round);
      for (const one of turn) count(one, -1);
      i += round;
    }
  }));
});

Deno.test("a namespace waits for one turn of each other at most, however many Services these have and enter again", () => {
  const HOSTILE = 50;
  const line = newLine();
  let offset = 0;
  const enterAll = () => {
    for (let i = 0; i < HOSTILE; i++) {
      for (let k = 0; k < 20; k++) enter(line, readServiceName(`n${i}/${k}`), offsetOf(offset++), true);
    }
  };
  enterAll();
  const turns: number[] = [];
  for (let round = 0; round < 20; round++) {
    enter(line, readServiceName("shop/web"), offsetOf(offset++), true);
    let waited = 0;
    for (; takeFirst(line)![0] !== "shop/web"; waited++) enterAll();
    turns.push(waited);
  }
  assert.equal(Math.max(...turns), HOSTILE);
});
