// How the rules that a start finds can differ from what the ledger says.

import assert from "node:assert/strict";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import {
  disagreement,
  disagreementRecord,
  isUnknownPast,
  type ListedRules,
  type Recorded,
} from "../../src/plan/disagreement.ts";
import { POSITION_PATH, positionElement } from "../../src/plan/position.ts";

const LEDGER = "0123456789abcdef";
const TABLES = skeleton(DEFAULT_PROXY_CONFIG);
const DIGEST = rulesetDigest(TABLES, new Map());
const RECORDED: Recorded = { ledger: LEDGER, end: 9, committed: 7, gap: undefined };

function listed(
  offset: number,
  { ledger = LEDGER, digest = digestText(DIGEST), tables = TABLES } = {},
): ListedRules {
  const element = positionElement({ ledger, offset, digest });
  return { tables, elements: new Map([[POSITION_PATH, new Map([[element.key, element]])]]), digest: DIGEST };
}

Deno.test("each way in which the kernel can differ has a name", () => {
  const kind = (rules: ListedRules, recorded = RECORDED) => disagreement(recorded, rules);
  assert.equal(kind(listed(7)), undefined);
  assert.equal(kind(listed(8)), undefined, "the commit's own record may be the newest");
  assert.equal(kind(listed(7, { tables: [] })), "gone");
  assert.equal(kind(listed(7, { tables: [] }), { ...RECORDED, committed: undefined }), undefined);
  assert.equal(kind(listed(7, { tables: TABLES.slice(1) })), "half");
  assert.equal(kind(listed(7, { ledger: "f".repeat(16) })), "foreign");
  assert.equal(kind({ ...listed(7), elements: new Map() }), "foreign", "without a position");
  assert.equal(kind(listed(10)), "ahead");
  assert.equal(
    kind(listed(8), { ...RECORDED, gap: 8 }),
    "ahead",
    "the records at these offsets are others now",
  );
  assert.equal(kind(listed(7), { ...RECORDED, gap: 8 }), undefined, "before the gap");
  assert.equal(kind(listed(6)), "behind");
  assert.equal(kind(listed(7, { digest: "0".repeat(64) })), "altered");
});

Deno.test("rules of a past that the ledger does not hold must not be replaced by rules made from it", () => {
  assert.ok(isUnknownPast("ahead", RECORDED));
  assert.ok(isUnknownPast("foreign", { ...RECORDED, committed: undefined }));
  for (const kind of ["foreign", "behind", "altered", "gone", "half"] as const) {
    assert.ok(!isUnknownPast(kind, RECORDED), kind);
  }
});

Deno.test("lost records are a gap with their number; every other difference is drift of an unknown program", () => {
  const time = "2026-11-23T03:12:00.000Z";
  const gap = disagreementRecord("ahead", RECORDED, listed(12), time);
  assert.deepEqual([gap.kind, gap.kind === "gap" && gap.records], ["gap", 3]);
  const drift = disagreementRecord("half", RECORDED, listed(7), time);
  assert.deepEqual([drift.kind, drift.kind === "drift" && drift.process], ["drift", ""]);
});
