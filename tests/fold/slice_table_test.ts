// Slices by namespace and name, against a Map.

import assert from "node:assert/strict";
import fc from "fast-check";
import { hashOfPair } from "../../src/fold/place_index.ts";
import { SliceTable } from "../../src/fold/slice_table.ts";
import type { EndpointSlice } from "../../src/kube/objects.ts";
import { meetingTexts } from "../support/meeting_texts.ts";

/** More names with one hash than a chain has room for. */
const NAMES = meetingTexts(6, (name) => hashOfPair("shop", name));
const KEYS = [
  ...NAMES.map((name) => ({ namespace: "shop", name })),
  ...["blog", ""].map((namespace) => ({ namespace, name: NAMES[0]! })),
];

const acts = fc.array(fc.record({ key: fc.nat(KEYS.length - 1), is: fc.boolean() }), {
  minLength: 80,
  maxLength: 200,
});

Deno.test("slices are found, replaced and removed by namespace and name, also those with one hash", () => {
  fc.assert(
    fc.property(acts, (acts) => {
      const [table, same] = [new SliceTable(), new Map<number, EndpointSlice>()];
      for (const { key: at, is } of acts) {
        const { namespace, name } = KEYS[at]!;
        const metadata = namespace === "" ? { name } : { namespace, name };
        const slice: EndpointSlice | undefined = is
          ? { kind: "EndpointSlice", metadata, addressType: "IPv4", endpoints: [], ports: [] }
          : undefined;
        assert.equal(table.put(KEYS[at]!, slice), same.get(at));
        if (slice === undefined) same.delete(at);
        else same.set(at, slice);
      }
      KEYS.forEach((key, at) => assert.equal(table.get(key), same.get(at)));
      assert.deepEqual([table.size, new Set(table.values())], [same.size, new Set(same.values())]);
    }),
  );
});
