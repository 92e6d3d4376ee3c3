// Files that hold nothing: what the program does where its ledger knows more. Through the command line, without a kernel.

import assert from "node:assert/strict";
import { guardedSource } from "../../src/node/guarded_source.ts";
import { manifestSource } from "../../src/ingest/manifest_source.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";
import { service } from "../support/cluster_notation.ts";
import { until } from "../support/until.ts";

const ROOT = new URL("../../", import.meta.url);

const manifest = (...names: string[]) =>
  JSON.stringify({
    kind: "List",
    items: names.map((name) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
    })),
  });

/** A folder with the source `in`. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/in`);
  await use(folder);
  await Deno.remove(folder, { recursive: true });
}

/** Records what is in `folder`, once; returns the exit code and what was said. */
async function record(folder: string, ...flags: string[]): Promise<{ code: number; said: string }> {
  const program = [
    "run",
    "-A",
    "--no-check",
    "--quiet",
    "src/cli/main.ts",
    "record",
    "--once",
    "--node",
    "node-a",
  ];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...program, "--source", `${folder}/in`, "--ledger", `${folder}/ledger`, ...flags],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

Deno.test("files without any object are an error where the ledger knows some, but with --allow-empty", async () => {
  await withFolder(async (folder) => {
    const write = (text: string) => Deno.writeTextFileSync(`${folder}/in/all.json`, text);
    write(manifest("one", "two", "three", "four", "five"));
    assert.match((await record(folder)).said, /recorded 5 Services/);
    const nothing: [() => void, RegExp][] = [
      [
        () => Deno.removeSync(`${folder}/in/all.json`),
        /there is no object in it, and the ledger knows 5: nothing is deleted; .*--allow-empty/,
      ],
      [() => write(manifest()), /there is no object in it, and the ledger knows 5: nothing is deleted/],
      [() => write(""), /none of its objects can be read, and the ledger knows 5: nothing is deleted/],
      [() => write("{cut"), /none of its objects can be read, and the ledger knows 5: nothing is deleted/],
    ];
    for (const [make, expected] of nothing) {
      make();
      const { code, said } = await record(folder);
      assert.equal(code, 2, said);
      assert.match(said, expected);
    }
    assert.equal((await record(folder, "--allow-empty")).code, 2, "what is broken is not empty");
    write(manifest("one"));
    assert.match(
      (await record(folder)).said,
      /of 5 objects that the ledger knows 4 are in no file any more and are deleted: Service shop\/five, /,
    );
    write(manifest());
    const { code, said } = await record(folder, "--allow-empty");
    assert.equal(code, 0, said);
    assert.match(said, /recorded 0 Services/);
    assert.equal((await record(folder)).code, 0, "a ledger that knows nothing loses nothing");
  });
});

Deno.test("while files are followed, a folder that becomes empty deletes nothing, and what comes back is taken", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/in/all.json`;
    const known = new Map(
      [service("shop/one 10.96.0.1 :80/tcp")].map((one) => [describeKey(objectKey(one)), one]),
    );
    for (const allowEmpty of [false, true]) {
      Deno.writeTextFileSync(path, manifest("one"));
      const stop = new AbortController();
      const source = guardedSource(manifestSource(`${folder}/in`, true), () => known, allowEmpty);
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
