// Hosts of a slice: what has not changed is the same value, whatever else of the slice changes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { difference, sliceHosts, textsOf } from "../../src/fold/slice_hosts.ts";
import { SlicedEndpoints } from "../../src/fold/sliced_endpoints.ts";
import { WEIGHT_ANNOTATION } from "../../src/fold/weights.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";
import { slice } from "../support/cluster_notation.ts";

const words = fc.array(
  fc.constantFrom(
    "10.244.0.1",
    "10.244.0.2",
    "!10.244.0.2",
    "10.244.0.3@node-a",
    "10.244.0.3@node-b",
    "none",
  ),
  { minLength: 1, maxLength: 8 },
);
const sliceOf = (endpoints: readonly string[]): EndpointSlice => ({
  ...slice(`shop/web-a http:8080/tcp ${endpoints.join(" ")}`),
  addressType: "IPv4",
});
const read = (one: EndpointSlice) => new SlicedEndpoints([one]).hosts(one, "node-a");

Deno.test("hosts that are taken over from the slice before are those of the slice as it is", () => {
  fc.assert(fc.property(fc.array(words, { minLength: 1, maxLength: 5 }), (history) => {
    let hosts;
    for (const endpoints of history) {
      const one = sliceOf(endpoints);
      hosts = sliceHosts(one, "node-a", hosts);
      const listed = hosts.hosts.filter((host) => host !== undefined);
      assert.deepEqual(listed, read(one));
      assert.deepEqual(hosts.local.map((i) => hosts!.hosts[i]), read(one).filter(({ local }) => local));
      assert.deepEqual(
        textsOf(hosts, 8080).filter((text) => text !== ""),
        listed.map(({ address }) => `${address} . 8080`),
      );
    }
  }));
});

Deno.test("a host keeps its value while its endpoint, the weight and the node stay", () => {
  const before = sliceHosts(sliceOf(["10.244.0.1", "10.244.0.2", "10.244.0.3"]), "node-a");
  const after = sliceHosts(sliceOf(["10.244.0.1", "10.244.0.9", "10.244.0.3"]), "node-a", before);
  assert.deepEqual([0, 1, 2].map((i) => before.hosts[i] === after.hosts[i]), [true, false, true]);
  const elsewhere = sliceHosts(after.slice, "node-b", after);
  assert.notEqual(elsewhere.hosts[0], after.hosts[0]);
  const metadata = { ...after.slice.metadata, annotations: { [WEIGHT_ANNOTATION]: "3" } };
  assert.equal(sliceHosts({ ...after.slice, metadata }, "node-a", after).hosts[0]!.weight, 3);
});

Deno.test("texts are those of the ports that the slice has, however often its port has changed", () => {
  let hosts;
  for (let port = 1; port <= 5; port++) {
    hosts = sliceHosts({ ...sliceOf(["10.244.0.1"]), ports: [{ name: "http", port }] }, "node-a", hosts);
    assert.deepEqual(textsOf(hosts, port), [`10.244.0.1 . ${port}`]);
    assert.deepEqual([...hosts.texts.keys()], [port]);
  }
});

Deno.test("the difference of two lists is what is between their common beginning and end", () => {
  const list = fc.array(fc.constantFrom("a", "b"), { maxLength: 6 });
  fc.assert(fc.property(list, list, (old, now) => {
    const { first, end, shift } = difference(old, now, (a, b) => a === b);
    assert.ok(first <= end && first <= end + shift && end + shift <= old.length);
    assert.deepEqual([...old.slice(0, first), ...now.slice(first, end), ...old.slice(end + shift)], now);
  }));
});
