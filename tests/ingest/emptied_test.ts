// Lists of files that are empty by mistake: nothing is deleted because of them, unless the user says so.

import assert from "node:assert/strict";
import { deletedByList, emptied } from "../../src/ingest/emptied.ts";
import type { ListBatch } from "../../src/ingest/source.ts";
import { describeKey, type KubeObject, objectKey } from "../../src/kube/objects.ts";
import { service } from "../support/cluster_notation.ts";

const list = (objects: readonly KubeObject[], complete = true): ListBatch => ({
  kind: "list",
  objects,
  complete,
  problems: [],
  time: "2026-11-23T03:12:00.000Z",
});
const known = (...objects: readonly KubeObject[]) =>
  new Map(objects.map((object) => [describeKey(objectKey(object)), object]));
const WEBS = ["a", "b", "c", "d"].map((name, i) => service(`shop/${name} 10.96.0.${i + 1} http:80/tcp`));

Deno.test("a list without objects is rejected while objects are known", () => {
  assert.match(emptied(list([]), known(...WEBS), false)!, /no object in it.*knows 4.*--allow-empty/);
  assert.match(emptied(list([], false), known(...WEBS), false)!, /none of its objects can be read/);
  assert.equal(emptied(list([]), known(...WEBS), true), undefined, "the user says so");
  assert.ok(emptied(list([], false), known(...WEBS), true), "files that cannot be read are not empty");
  assert.equal(emptied(list([]), known(), false), undefined);
  assert.equal(emptied(list([WEBS[0]!]), known(...WEBS), false), undefined);
});

Deno.test("the objects that a first list deletes are counted, and some are named", () => {
  assert.equal(
    deletedByList(list([]), known(...WEBS)),
    "of 4 objects that the ledger knows 4 are in no file any more and are deleted: Service shop/a, Service shop/b, Service shop/c, ...",
  );
  assert.match(
    deletedByList(list(WEBS.slice(1)), known(...WEBS))!,
    /4 objects .* 1 is in .* and is deleted: Service shop\/a$/,
  );
  assert.equal(deletedByList(list(WEBS), known(...WEBS)), undefined);
  assert.equal(deletedByList(list([], false), known(...WEBS)), undefined, "a part deletes nothing");
});
