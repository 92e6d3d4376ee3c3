// Files that become empty or broken while they are followed: nothing is deleted, and new content is accepted.

import assert from "node:assert/strict";
import { checkedSource } from "../../src/node/checked_source.ts";
import { manifestSource } from "../../src/ingest/manifest_source.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";
import { service } from "../support/cluster_notation.ts";
import { manifest, withFolder } from "../support/source_folder.ts";
import { until } from "../support/until.ts";

Deno.test("a folder that becomes empty while it is followed deletes nothing, and files that return are accepted", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/in/all.json`;
    const known = new Map(
      [service("shop/one 10.96.0.1 :80/tcp")].map((one) => [describeKey(objectKey(one)), one]),
    );
    for (const allowEmpty of [false, true]) {
      Deno.writeTextFileSync(path, manifest("one"));
      const stop = new AbortController();
      const source = checkedSource(manifestSource(`${folder}/in`, true), () => known, { allowEmpty });
      const lists: { objects: number; complete: boolean; said: string }[] = [];
      const reading = (async () => {
        for await (const batch of source.batches(stop.signal)) {
          assert.ok(batch.kind === "list");
          lists.push({
            objects: batch.objects.length,
            complete: batch.complete,
            said: batch.problems.join("\n"),
          });
        }
      })();
      await until("the first list", () => lists.length === 1);
      Deno.removeSync(path);
      await until("an empty list", () => lists.at(-1)?.objects === 0);
      assert.equal(lists.at(-1)!.complete, allowEmpty);
      assert.equal(/the ledger knows 1: nothing is deleted/.test(lists.at(-1)!.said), !allowEmpty);
      Deno.writeTextFileSync(path, manifest("one"));
      await until("the list is back", () => lists.at(-1)?.objects === 1);
      stop.abort();
      await reading;
    }
  });
});

Deno.test("files that are broken at the start delete nothing, and are accepted once they are mended", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/in/all.json`;
    Deno.writeTextFileSync(path, "{cut");
    const known = new Map(
      [service("shop/one 10.96.0.1 :80/tcp")].map((one) => [describeKey(objectKey(one)), one]),
    );
    const stop = new AbortController();
    const lists: string[] = [];
    const reading = (async () => {
      const source = checkedSource(manifestSource(`${folder}/in`, true), () => known, {});
      for await (const batch of source.batches(stop.signal)) {
        assert.ok(batch.kind === "list");
        lists.push(`${batch.objects.length} ${batch.complete} ${batch.problems.at(-1) ?? ""}`);
      }
    })();
    await until("a list that deletes nothing", () => lists.length === 1);
    assert.match(
      lists[0]!,
      /^0 false .*none of its objects can be read, and the ledger knows 1: nothing is deleted$/,
    );
    Deno.writeTextFileSync(path, manifest("one", "two"));
    await until("the list of what is there", () => lists.at(-1)!.startsWith("2 true"));
    stop.abort();
    await reading;
  });
});
