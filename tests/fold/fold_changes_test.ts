// The changes of several records in one value: of an element the last cause, of the rest what was before the first change.

import assert from "node:assert/strict";
import { foldRecord } from "../../src/fold/fold.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges, noteBefore, touch } from "../../src/fold/fold_changes.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { canonicalKey } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { keyed } from "../support/keyed.ts";

const SERVICE = appears(service("shop/web 10.96.0.1 http:80/tcp"));
const SLICE = appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2"));

Deno.test("an element that changes twice has the cause of its last change", () => {
  const { touched } = noChanges();
  const [path, key] = [PATHS.ip["cluster-ips"], canonicalKey("10.96.0.1")];
  touch(touched, path, key, 3);
  touch(touched, path, canonicalKey("10.96.0.2"), 4);
  touch(touched, path, key, 5);
  assert.deepEqual([...touched.get(path)!], [["10.96.0.1", 5], ["10.96.0.2", 4]]);
});

Deno.test("what was before stays what it was before the first change", () => {
  let before = noteBefore<string, boolean>(undefined, "a", false);
  before = noteBefore(before, "a", true);
  before = noteBefore(before, "b", true);
  assert.deepEqual([...before], [["a", false], ["b", true]]);
});

Deno.test("without a list of what changed the state is the same", () => {
  const [noted, quiet] = [emptyState(), emptyState()];
  const [listed, none] = [noChanges(), noChanges(false)];
  [SERVICE, SLICE].forEach((record, i) => {
    foldRecord(noted, i as Offset, record, listed);
    foldRecord(quiet, i as Offset, record, none);
  });
  assert.deepEqual(keyed(quiet.desired), keyed(noted.desired));
  assert.deepEqual(keyed(quiet.causes), keyed(noted.causes));
  assert.deepEqual([listed.touched.size, none.touched.size], [3, 0]);
});

Deno.test("a slice that comes before its Service changes no element, and its Service is settled with it", () => {
  const [before, after] = [emptyState(), emptyState()];
  const changes = foldRecord(before, 0 as Offset, SLICE);
  assert.deepEqual([changes.touched.size, before.programs.size, before.claims.size], [0, 0, 0]);
  foldRecord(before, 1 as Offset, SERVICE);
  [SERVICE, SLICE].forEach((record, i) => foldRecord(after, i as Offset, record));
  assert.deepEqual(before.desired, after.desired);
});
