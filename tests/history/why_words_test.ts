// The text that `why` prints.

import assert from "node:assert/strict";
import { readPacket } from "../../src/history/packet_words.ts";
import { stateAt } from "../../src/history/past.ts";
import type { Packet } from "../../src/history/trace.ts";
import { pathOf } from "../../src/history/why.ts";
import { pathLines } from "../../src/history/why_words.ts";
import { committedPast } from "../support/past.ts";

const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;
const PATH = pathOf(stateAt(committedPast(), 4), PACKET);

Deno.test("the packet is printed first, then each hook once with its rules and elements, then the outcomes", () => {
  const lines = pathLines(PATH);
  assert.deepEqual(lines.slice(0, 2), ["10.244.9.9 -> 10.96.0.1:80/tcp on this node at @4", ""]);
  const hooks = PATH.steps.map(({ hook, priority }) => `${hook}, priority ${priority}`);
  const changes = hooks.filter((hook, i) => hook !== hooks[i - 1]);
  assert.deepEqual(lines.filter((line) => /^\w+, priority/.test(line)), changes);
  assert.ok(
    lines.includes(
      '      @single-endpoints { 10.96.0.1 . tcp . 80 comment "shop/web:http" : 10.244.0.2 . 8080 }   by @3 EndpointSlice shop/web-a',
    ),
  );
  assert.deepEqual(lines.slice(-2), ["", "to 10.244.0.2:8080"]);
});

Deno.test("a source whose endpoint is chosen by its address is said to meet the same one each time", () => {
  const says = (chain: string) =>
    pathLines({ ...PATH, steps: [{ ...PATH.steps[0]!, chain }] }).filter((line) =>
      line.includes("meets the same endpoint")
    );
  assert.deepEqual(says("pick-4"), []);
  assert.deepEqual(says("by-client/pick-4"), [
    "10.244.9.9 meets the same endpoint each time, while the list of endpoints stands",
  ]);
});

Deno.test("a named node is named, an element without a cause is printed alone, rivals come last", () => {
  const steps = [{
    hook: "prerouting",
    priority: 0,
    chain: "a",
    rule: "b",
    found: [{ set: "s", key: PATH.steps.flatMap(({ found }) => found)[0]!.key }],
  }] as const;
  const lines = pathLines({ ...PATH, node: "node-a", steps, rivals: ["one more"] });
  assert.match(lines[0]!, / on node node-a at @4$/);
  assert.ok(lines.includes(`      @s { ${steps[0].found[0].key} }`));
  assert.equal(lines.at(-1), "one more");
});

Deno.test("of many elements the first are printed, and how many there are; with `all` each of them", () => {
  const [step] = PATH.steps;
  const element = PATH.steps.flatMap(({ found }) => found)[0]!;
  const many = { ...PATH, steps: [{ ...step!, found: Array.from({ length: 3000 }, () => element) }] };
  const elements = (lines: readonly string[]) => lines.filter((line) => /^ {6}@/.test(line)).length;
  const lines = pathLines(many);
  assert.equal(elements(lines), 8);
  assert.ok(lines.includes("      and 2,992 more elements: --all prints them"));
  assert.equal(elements(pathLines(many, true)), 3000);
  assert.ok(!pathLines(many, true).some((line) => line.includes("more")));
});
