// Lists as events: which objects are deleted, which stay, and which lists must be confirmed by a second one.

import assert from "node:assert/strict";
import { knownObjects, largeRemoval, news, relist } from "../../src/ingest/relist.ts";
import type { ListBatch } from "../../src/ingest/source.ts";
import { type KubeObject, objectKey } from "../../src/kube/objects.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

const TIME = "2026-11-26T10:00:00.000Z";
const services = (count: number) =>
  Array.from({ length: count }, (_, i) => service(`shop/s${i} 10.96.0.${i + 1} http:80/tcp`));
const known = (...objects: KubeObject[]) => knownObjects(objects);
const listOf = (objects: readonly KubeObject[], more: Partial<ListBatch> = {}): ListBatch => ({
  kind: "list",
  kinds: ["Service"],
  objects,
  complete: true,
  time: TIME,
  resourceVersion: "7",
  problems: [],
  ...more,
});
const withVersion = <T extends KubeObject>(object: T, resourceVersion: string): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

Deno.test("unread objects stay, objects that are gone are deleted, and deletions have the list's version", () => {
  const [a, b, c] = services(3) as [KubeObject, KubeObject, KubeObject];
  const before = known(a, b, c);
  const deleted = (complete: boolean, more: Partial<ListBatch>) =>
    relist(before, { objects: [a], complete, time: TIME, kinds: ["Service"], ...more }).map(
      ({ key, value, resourceVersion }) => {
        assert.equal(value, null);
        return `${key.name} ${resourceVersion}`;
      },
    );
  const [keyB, keyC] = [objectKey(b), objectKey(c)];
  assert.deepEqual(deleted(true, { unread: [keyB], resourceVersion: "9" }), ["s2 9"]);
  assert.deepEqual(deleted(false, { gone: [keyC], resourceVersion: "9" }), ["s2 9"]);
  assert.deepEqual(deleted(false, { gone: [objectKey(a)] }), [], "it came back");
  assert.deepEqual(deleted(false, { gone: [objectKey(service("shop/x 10.96.1.1 http:80/tcp"))] }), []);
});

Deno.test("an event that changes nothing is dropped, against known objects and within a batch", () => {
  const a = withVersion(services(1)[0]!, "7");
  const newer = withVersion(a, "8");
  assert.deepEqual(news(known(a), [appears(a), vanishes(a), vanishes(a), appears(a), appears(a)]), [
    vanishes(a),
    appears(a),
  ]);
  assert.deepEqual(news(known(a), [appears(newer), appears(newer)]), [appears(newer)]);
  assert.deepEqual(news(known(), [vanishes(a), appears(a)]), [appears(a)]);
});

Deno.test("a list that removes more than half, and at least ten, must be confirmed", () => {
  const removed = (before: number, after: number, more: Partial<ListBatch> = {}) =>
    largeRemoval(known(...services(before)), listOf(services(after), more));
  assert.deepEqual(removed(20, 9), { of: "Services", removed: 11, known: 20 });
  assert.deepEqual(removed(10, 0), { of: "Services", removed: 10, known: 10 });
  for (const [before, after] of [[9, 0], [20, 10], [0, 20], [20, 20], [100, 60]]) {
    assert.equal(removed(before!, after!), undefined, `${before} to ${after}`);
  }
  assert.equal(removed(20, 0, { complete: false }), undefined, "an incomplete list removes nothing");
  assert.equal(removed(20, 0, { kinds: ["Node"] }), undefined, "it lists only other kinds");
  const unread = services(20).map(objectKey);
  assert.equal(removed(20, 0, { unread }), undefined, "unread objects exist");
});

Deno.test("a list without a version must be confirmed where it removes a single object of one", () => {
  const removed = (before: number, after: number) => {
    const { resourceVersion: _, ...list } = listOf(services(after));
    return largeRemoval(known(...services(before)), list);
  };
  assert.deepEqual(removed(1, 0), { of: "Services", removed: 1, known: 1 });
  assert.deepEqual(removed(9, 4), { of: "Services", removed: 5, known: 9 });
  assert.equal(removed(9, 5), undefined);
  assert.equal(removed(0, 0), undefined);
});

Deno.test("endpoints count by Service and address, in whichever slice they are", () => {
  const addresses = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `10.244.0.${from + i}`).join(" ");
  const one = (name: string, from: number, to: number) =>
    slice(`shop/${name} http:80/tcp ${addresses(from, to)}`);
  const before = known(one("web-a", 0, 20), one("web-b", 20, 40));
  const after = (...objects: KubeObject[]) =>
    largeRemoval(before, listOf(objects, { kinds: ["EndpointSlice"] }));
  assert.deepEqual(after(one("web-a", 0, 19)), { of: "endpoints", removed: 21, known: 40 });
  assert.deepEqual(after(one("web-a", 0, 5), one("web-b", 20, 25)), {
    of: "endpoints",
    removed: 30,
    known: 40,
  });
  assert.equal(after(one("web-c", 0, 40)), undefined, "all endpoints are in one slice now");
  assert.equal(after(one("web-a", 0, 0), one("web-b", 20, 40)), undefined, "half of them");
  assert.deepEqual(
    after(one("api-a", 0, 20), one("api-b", 20, 40)),
    { of: "endpoints", removed: 40, known: 40 },
    "those of another Service",
  );
  const twice = known(one("web-a", 0, 20), one("web-b", 0, 20));
  const emptied = listOf([one("web-a", 0, 0), one("web-b", 0, 0)], { kinds: ["EndpointSlice"] });
  assert.deepEqual(
    largeRemoval(twice, emptied),
    { of: "endpoints", removed: 20, known: 20 },
    "all are gone, also where each was in two slices",
  );
});

Deno.test("of an object that a list repeats the last counts, and a list in another order than etcd's gives the same events", () => {
  const at = (name: string, address: string) => service(`${name} ${address} http:80/tcp`);
  const [old, newer] = [at("shop/a", "10.96.0.1"), at("shop/a", "10.96.0.2")];
  const given = (objects: readonly KubeObject[], ...before: KubeObject[]) =>
    relist(known(...before), listOf(objects)).map(({ key, value }) => [key.namespace, key.name, value]);
  assert.deepEqual(given([old, newer]), [["shop", "a", newer]]);
  assert.deepEqual(given([newer, old], old), []);
  assert.deepEqual(given([old, old], old, at("shop/b", "10.96.0.3")), [["shop", "b", null]]);
  // etcd has the keys of namespace `shop-b` before those of `shop`.
  const [b, c] = [at("shop-b/z", "10.96.0.4"), at("shop/c", "10.96.0.5")];
  for (const listed of [[b, c], [c, b]]) {
    assert.deepEqual(given(listed), [["shop", "c", c], ["shop-b", "z", b]]);
  }
});
