// The objects of a state, against a Map by `describeKey`.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ObjectMap } from "../../src/fold/object_map.ts";
import { ServiceTable } from "../../src/fold/service_table.ts";
import { describeKey, type KubeObject, objectKey } from "../../src/kube/objects.ts";
import { service, slice } from "../support/cluster_notation.ts";

/** Among them a Service and a slice with one name, and both without a namespace, which no server has. */
const OBJECTS: readonly KubeObject[] = [
  service("shop/web 10.96.0.1 http:80/tcp"),
  service("blog/web 10.96.0.2 http:80/tcp"),
  { kind: "Service", metadata: { name: "web" }, spec: {} },
  slice("shop/web http:8080/tcp 10.0.0.1"),
  slice("shop/web-2 http:8080/tcp 10.0.0.2"),
  { ...slice("shop/web http:8080/tcp 10.0.0.1"), metadata: { name: "web" } },
  { kind: "Node", metadata: { name: "node-a" }, spec: {}, status: {} },
];

const acts = fc.array(
  fc.oneof(
    fc.record({ put: fc.nat(OBJECTS.length - 1), is: fc.boolean() }),
    fc.constantFrom("keep" as const, "dispose" as const),
  ),
  { maxLength: 60 },
);

Deno.test("objects are found and listed by describeKey, also those that are kept of earlier moments", () => {
  fc.assert(fc.property(acts, (acts) => {
    const [objects, same] = [new ObjectMap(new ServiceTable()), new Map<string, KubeObject>()];
    const kept: { now: ReturnType<typeof objects.keep>; copy: typeof same }[] = [];
    for (const act of acts) {
      if (act === "keep") kept.push({ now: objects.keep(), copy: new Map(same) });
      else if (act === "dispose") kept.shift()?.now[Symbol.dispose]();
      else {
        const key = objectKey(OBJECTS[act.put]!);
        const object = act.is ? { ...OBJECTS[act.put]! } : undefined;
        assert.equal(objects.put(key, object), same.get(describeKey(key)));
        if (object === undefined) same.delete(describeKey(key));
        else same.set(describeKey(key), object);
      }
      assert.equal(objects.size, same.size);
      assert.deepEqual(new Map(objects), same);
      assert.deepEqual(new Set(objects.values()), new Set(same.values()));
      for (const object of OBJECTS) {
        const key = describeKey(objectKey(object));
        assert.equal(objects.get(key), same.get(key));
        assert.equal(objects.at(objectKey(object)), same.get(key));
        assert.equal(objects.has(key), same.has(key));
        for (const { now, copy } of kept) assert.equal(now.get(key), copy.get(key));
      }
      for (const { now, copy } of kept) {
        assert.deepEqual([...now.entries()].sort(), [...copy.entries()].sort());
      }
    }
  }));
});
