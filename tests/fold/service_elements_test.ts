// Which elements a Service has, and which Service has an element.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { elementsOf, inOrder, ownerOfElement } from "../../src/fold/service_elements.ts";
import { serviceName } from "../../src/kube/service_name.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

Deno.test("each element of a Service leads back to the Service, and a frontend to its holder alone", () => {
  const state = emptyState();
  [
    service("shop/old 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z"),
    service("shop/young 10.96.0.1 http:80/tcp https:443/tcp", "2026-02-01T00:00:00Z"),
    slice("shop/old-a http:8080/tcp 10.244.0.1"),
  ].forEach((object, offset) => foldRecord(state, offset as Offset, appears(object)));
  const old = serviceName("shop", "old");
  const places = elementsOf(state, old);
  assert.deepEqual(places.map(([path, key]) => `${path} ${key}`), [
    "ip ledgerproxy cluster-ips 10.96.0.1",
    "ip ledgerproxy single-endpoints 10.96.0.1 . tcp . 80",
  ]);
  for (const [path, key] of places) assert.equal(ownerOfElement(state, path, key), old);
  const free = elementKey(["10.96.0.9"]);
  assert.equal(ownerOfElement(state, setPath("ip", "ledgerproxy", "cluster-ips"), free), undefined);
});

Deno.test("few places are in the order of many: by path, then by key", () => {
  const texts = fc.constantFrom("a", "b", "ab", "a b", "B");
  const unique = {
    selector: ([path, key]: readonly [string, string]) => `${path}|${key}`,
    maxLength: 25,
    size: "max",
  } as const;
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(texts, texts), unique), (places) => {
    const wanted = places.toSorted(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0);
    assert.deepEqual(inOrder(places as never), wanted);
  }));
});
