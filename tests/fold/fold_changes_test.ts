// The changes of several records in one value: of an element the last cause, of the rest what was before the first change.

import assert from "node:assert/strict";
import { noChanges, noteBefore, touch } from "../../src/fold/fold_changes.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { canonicalKey } from "../../src/nft/ruleset.ts";

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
