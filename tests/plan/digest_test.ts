// The digest of a ruleset: independent of order, updated by deltas.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { diff } from "../../src/plan/delta.ts";
import { advanceDigest, digestText, rulesetDigest, tablesDigest } from "../../src/plan/digest.ts";
import type { Elements } from "../../src/nft/ruleset.ts";
import { rulesetText } from "../../src/nft/text.ts";
import { arbitraryElements } from "../support/arbitrary_elements.ts";

const TABLES = skeleton(DEFAULT_PROXY_CONFIG);

Deno.test("a digest advanced by a delta is that of the elements after it", () => {
  fc.assert(fc.property(arbitraryElements, arbitraryElements, (a, b) => {
    const advanced = advanceDigest(rulesetDigest(TABLES, a), diff(a, b));
    assert.equal(digestText(advanced), digestText(rulesetDigest(TABLES, b)));
  }));
});

Deno.test("the order of elements, sets and chains does not change a digest; an element or a rule does", () => {
  fc.assert(fc.property(arbitraryElements, arbitraryElements, (a, b) => {
    const reversed = new Map([...a].reverse().map(([path, set]) => [path, new Map([...set].reverse())]));
    const same = digestText(rulesetDigest(TABLES, reversed)) === digestText(rulesetDigest(TABLES, a));
    assert.ok(same);
    const differs = digestText(rulesetDigest(TABLES, b)) !== digestText(rulesetDigest(TABLES, a));
    assert.equal(differs, diff(a, b).length > 0);
  }));
  const shuffled = TABLES.map((table) => ({
    ...table,
    sets: table.sets.toReversed(),
    chains: table.chains.toReversed(),
  }));
  assert.deepEqual(tablesDigest(shuffled), tablesDigest(TABLES));
  const [first, ...others] = TABLES;
  const fewer = [{ ...first!, chains: first!.chains.slice(1) }, ...others];
  assert.notDeepEqual(tablesDigest(fewer), tablesDigest(TABLES));
});

Deno.test("a digest is 64 hexadecimal digits", () => {
  assert.match(digestText(tablesDigest(TABLES)), /^[0-9a-f]{64}$/);
});

Deno.test("a digest is the sum of SHA-256 digests in UTF-8, whatever the length of a text", () => {
  const sum = new Uint32Array(8);
  const add = (text: string) => {
    const bytes = createHash("sha256").update(text).digest();
    sum.forEach((_, lane) => sum[lane]! += bytes.readUInt32LE(4 * lane));
  };
  const comments = ["", "shop/web:http", "Gr\u00f6\u00dfe \u{1f600}", "x".repeat(340), "\u20ac".repeat(400)];
  const elements = comments.map((comment, i) => ({ key: `10.96.0.${i}`, comment }));
  add(rulesetText({ tables: [], elements: new Map() }));
  for (const { key, comment } of elements) add(`ip ledgerproxy cluster-ips { ${key} comment "${comment}" }`);
  const set = new Map(elements.map((element) => [element.key, element]));
  const whole = new Map([["ip ledgerproxy cluster-ips", set]]) as unknown as Elements;
  assert.deepEqual(rulesetDigest([], whole), sum);
});
