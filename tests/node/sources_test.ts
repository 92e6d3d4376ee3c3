// `--source` at a start, with files that have no object while the ledger has some. Through the command line, without a kernel.

import assert from "node:assert/strict";
import { manifest, withFolder } from "../support/source_folder.ts";

const ROOT = new URL("../../", import.meta.url);

/** Records what is in `folder`, once; returns the exit code and standard error. */
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

Deno.test("files without any object are an error where the ledger has objects, unless --allow-empty is given", async () => {
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
    assert.equal((await record(folder, "--allow-empty")).code, 2, "broken files are not empty ones");
    write(manifest("one"));
    assert.match(
      (await record(folder)).said,
      /of 5 objects that the ledger knows 4 are in no file any more and are deleted: Service shop\/five, /,
    );
    write(manifest());
    const { code, said } = await record(folder, "--allow-empty");
    assert.equal(code, 0, said);
    assert.match(said, /recorded 0 Services/);
    assert.equal((await record(folder)).code, 0, "an empty ledger can lose nothing");
  });
});
