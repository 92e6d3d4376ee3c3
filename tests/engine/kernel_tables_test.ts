// The one value for what the kernel holds of our tables, and how it changes without a commit.

import assert from "node:assert/strict";
import {
  afterBatch,
  elementsInPlace,
  isListed,
  type KernelTables,
  toBeRebuilt,
} from "../../src/engine/kernel_tables.ts";
import { ElementMap } from "../../src/fold/element_map.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { tablesDigest } from "../../src/plan/digest.ts";

const KEY = elementKey(["10.96.0.1"]);
const ELEMENTS = new Map([[setPath("ip", "ledgerproxy", "cluster-ips"), new ElementMap([{ key: KEY }])]]);
const OLD = [{ family: "ip", name: "ledgerproxy" }] as const;
const IN_PLACE: KernelTables = {
  kind: "in place",
  listed: true,
  elements: ELEMENTS,
  digest: tablesDigest([]),
  positioned: true,
};

Deno.test("a batch ends what a listing has shown, and changes nothing else", () => {
  assert.ok(isListed(IN_PLACE));
  assert.deepEqual(afterBatch(IN_PLACE), { ...IN_PLACE, listed: false });
  const unknown: KernelTables = { kind: "unknown" };
  assert.equal(afterBatch(unknown), unknown);
  assert.ok(!isListed(unknown));
});

Deno.test("tables that are to be rebuilt count as empty, and what they held is kept until the rebuild", () => {
  const first = toBeRebuilt(IN_PLACE, OLD, false);
  assert.equal(elementsInPlace(first).size, 0);
  const again = toBeRebuilt(first, [], true);
  assert.deepEqual(again, { kind: "to be rebuilt", listed: true, old: [], replaced: ELEMENTS });
});
