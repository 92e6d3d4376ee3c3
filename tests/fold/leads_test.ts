// Leads and numbers of endpoints: what a packet's priority can be, and how rules distinguish them.

import assert from "node:assert/strict";
import { roundedTimeout } from "../../src/fold/affinity.ts";
import {
  ENDPOINT_NUMBERS,
  endpointNumber,
  IS_NUMBERED,
  IS_PINNED,
  isClass,
  isLead,
  isPinnedFor,
  lead,
  leadByClient,
  type LeadKind,
  pinnedLead,
  type Pinning,
  pinningOf,
} from "../../src/fold/leads.ts";
import { SLOT_CLASSES } from "../../src/fold/slots.ts";
import { classidNumber, isCanonical } from "../../src/nft/data_type.ts";
import type { Statement } from "../../src/nft/statement.ts";

const KINDS: readonly LeadKind[] = ["cluster", "external", "local"];
const TIMEOUTS = [...new Set(Array.from({ length: 86_400 }, (_, i) => roundedTimeout(i + 1)))];
const LONG = (["address", "nodeport"] as const).flatMap((at) =>
  (["cluster", "local"] as const).map((list) => ({ short: false, at, list }))
);
const SHORT = { short: true, at: "address", list: "cluster" } as const;
const NUMBERS = [0, 1, 31, 0x1234567, ENDPOINT_NUMBERS - 1].map(endpointNumber);

/** Whether the kernel takes `priority` for what `test` asks. */
function holds(test: Statement, priority: string): boolean {
  if (test.kind !== "priority-test") throw new Error(test.kind);
  const bits = (classidNumber(priority) & classidNumber(test.mask)) >>> 0;
  return (bits === classidNumber(test.value)) === (test.operator === "==");
}

/** Every lead, with its kind, its slot class where it has one, and how it pins clients. */
const LEADS = KINDS.flatMap((kind) => [
  ...SLOT_CLASSES.map((slotClass) => ({ text: lead(kind, slotClass), kind, slotClass, pinning: undefined })),
  ...[2, 37, 60].map((number) => ({
    ...{ text: leadByClient(kind, number), kind, slotClass: undefined, pinning: undefined },
  })),
  ...TIMEOUTS.flatMap((seconds) => [
    ...LONG.map((way) => ({ pinning: { seconds, ...way } as Pinning, slotClass: undefined })),
    ...SLOT_CLASSES.map((slotClass) => ({ pinning: { seconds, ...SHORT } as Pinning, slotClass })),
  ]).map((one) => ({ text: pinnedLead(kind, one.pinning, one.slotClass ?? 1), kind, ...one })),
]);

Deno.test("each lead is another one, in nft's text, and its priority is for a queueing discipline as that of any packet", () => {
  assert.equal(new Set([...LEADS.map(({ text }) => text), ...NUMBERS]).size, LEADS.length + NUMBERS.length);
  for (const text of [...LEADS.map(({ text }) => text), ...NUMBERS]) {
    assert.ok(isCanonical("classid", text), text);
    // pfifo_fast, prio and mqprio choose by the lowest four bits; htb and others by a handle, and those of users are below 0x8000.
    assert.equal(classidNumber(text) & 0xf, 0, text);
    assert.ok(classidNumber(text) >= 0xc000_0000, text);
  }
});

Deno.test("how clients are pinned can be read in a lead", () => {
  for (const { text, pinning } of LEADS) assert.deepEqual(pinningOf(text), pinning, text);
});

Deno.test("rules distinguish kinds, slot classes, timeouts and numbers", () => {
  for (const { text, kind, slotClass, pinning } of LEADS) {
    assert.equal(holds(IS_NUMBERED, text), false);
    assert.equal(holds(IS_PINNED, text), pinning !== undefined);
    for (const other of KINDS) {
      assert.equal(holds(isLead("==", other), text), other === kind);
      assert.equal(holds(isLead("!=", other), text), other !== kind);
    }
    if (slotClass !== undefined) {
      const classes = SLOT_CLASSES.filter((one) => holds(isClass(one), text));
      assert.deepEqual(classes, [slotClass], text);
    }
    const short = kind === "cluster" && pinning?.short === true;
    assert.equal(holds(isPinnedFor(10_800), text), short && pinning.seconds === 10_800, text);
  }
  for (const number of NUMBERS) {
    assert.ok(holds(IS_NUMBERED, number));
    assert.ok(!SLOT_CLASSES.some((one) => holds(isClass(one), number)));
  }
});

Deno.test("kind, class and timeout are in places of their own", () => {
  assert.deepEqual([lead("cluster", 1), lead("cluster", 3), lead("external", 4), lead("local", 4096)], [
    "e400:0",
    "e400:20",
    "e800:30",
    "ec00:f0",
  ]);
  assert.equal(pinnedLead("cluster", { seconds: 1, ...SHORT }, 2), "e600:210");
  assert.equal(pinnedLead("external", { ...LONG[3]!, seconds: 60 } as Pinning, 1), "ea00:7930");
});
