// The nft text of endpoints, elements and transactions. tests/kernel/parity_test.ts loads every kind of it into nft.

import assert from "node:assert/strict";
import { canonicalKey, type Container, setPath } from "../../src/nft/ruleset.ts";
import { elementText, endpointParts, endpointText, transactionText } from "../../src/nft/text.ts";

Deno.test("endpointParts is the inverse of endpointText", () => {
  assert.equal(endpointText("10.0.0.1", 80), "10.0.0.1:80");
  assert.equal(endpointText("fd00::1", "80"), "[fd00::1]:80");
  for (const address of ["10.0.0.1", "fd00::1"]) {
    assert.deepEqual(endpointParts(endpointText(address, 80)), { address, port: "80" });
  }
  assert.equal(endpointParts("10.0.0.1"), undefined);
});

Deno.test("elementText writes key, comment and value; a deletion names the key alone", () => {
  const element = { key: canonicalKey("10.96.0.1 . tcp . 80"), value: "goto pick-4", comment: "shop/web" };
  assert.equal(elementText(element), '10.96.0.1 . tcp . 80 comment "shop/web" : goto pick-4');
  assert.equal(elementText(element, false), "10.96.0.1 . tcp . 80");
});

Deno.test("consecutive operations on elements of one set share a line", () => {
  const container: Container = { kind: "set", name: "s", key: ["inet_service"] };
  const set = setPath("ip", "t", "s");
  const add = (port: string) =>
    ({ verb: "add", noun: "element", set, container, element: { key: canonicalKey(port) } }) as const;
  assert.equal(
    transactionText([add("80"), add("81"), { ...add("79"), verb: "delete" }, add("82")]),
    "add element ip t s { 80, 81 }\ndelete element ip t s { 79 }\nadd element ip t s { 82 }\n",
  );
});
