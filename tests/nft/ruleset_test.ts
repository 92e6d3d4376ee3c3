// Set paths and element keys: each is made and taken apart in one place.

import assert from "node:assert/strict";
import { FAMILIES } from "../../src/nft/data_type.ts";
import { elementKey, sameElement, setPath, splitSetPath } from "../../src/nft/ruleset.ts";
import { objectNoun, objectPath } from "../../src/nft/objects.ts";

Deno.test("splitSetPath is the inverse of setPath, for sets and for objects", () => {
  for (const family of FAMILIES) {
    for (const name of ["service-ips", "affinity-shop/web/tcp/http__10.0.0.1/80", "(chains)"]) {
      const path = setPath(family, "ledgerproxy", name);
      assert.deepEqual(splitSetPath(path), { family, table: "ledgerproxy", name });
    }
  }
});

Deno.test("objectNoun is the inverse of objectPath; a set has no noun", () => {
  for (const noun of ["chain", "set"] as const) {
    assert.equal(objectNoun(objectPath("ip6", "ledgerproxy", noun)), noun);
  }
  assert.equal(objectNoun(setPath("ip", "ledgerproxy", "chains")), undefined);
});

Deno.test("elements are the same where key, value and comment are", () => {
  const key = elementKey(["10.96.0.1", "tcp", "80"]);
  const element = { key, value: "drop", comment: "shop/web" };
  assert.ok(sameElement(element, { ...element }));
  assert.ok(sameElement(undefined, undefined));
  assert.ok(!sameElement(element, undefined));
  for (const other of [{ key }, { ...element, value: "accept" }, { ...element, comment: "shop/api" }]) {
    assert.ok(!sameElement(element, other));
  }
});
