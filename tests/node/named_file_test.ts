// A file that was named on the command line.

import assert from "node:assert/strict";
import { namedFile, writeNamedFile } from "../../src/node/named_file.ts";
import { UsageError } from "../../src/node/usage_error.ts";

Deno.test("a file that cannot be read is wrong usage, which names flag, path and reason", () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/key`, "abc");
  assert.equal(namedFile("--key", `${folder}/key`, 3), "abc");
  const thrown = (flag: string, path: string) => {
    try {
      return namedFile(flag, path, 2);
    } catch (error) {
      assert.ok(error instanceof UsageError, String(error));
      return error.message.replaceAll(folder, "F");
    }
  };
  assert.equal(thrown("--key", `${folder}/none`), "--key F/none: no such file");
  assert.equal(thrown("--key", `${folder}/key`), "--key F/key: more than 2 bytes");
  assert.equal(thrown("", folder), "F: it is a folder");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a file that cannot be made is wrong usage, which names flag, path and what to do", () => {
  const folder = Deno.makeTempDirSync();
  const refused = (flag: string, path: string, options?: Deno.WriteFileOptions) => {
    try {
      return writeNamedFile(flag, path, "abc", options);
    } catch (error) {
      assert.ok(error instanceof UsageError, String(error));
      return error.message.replaceAll(folder, "F");
    }
  };
  assert.equal(refused("-o", `${folder}/page`), undefined);
  assert.equal(Deno.readTextFileSync(`${folder}/page`), "abc");
  assert.equal(
    refused("-o", `${folder}/none/page`),
    "-o F/none/page: its folder is not there; make it, or name another",
  );
  assert.equal(
    refused("-o", `${folder}/page/x`),
    "-o F/page/x: its folder is not there; make it, or name another",
  );
  assert.equal(refused("", folder), "F: it is a folder; name a file");
  assert.match(
    refused("", `${folder}/page`, { createNew: true })!,
    /^F\/page: it is there already, and is not overwritten/,
  );
  // That is the disk's fault, and not the user's.
  assert.throws(() => writeNamedFile("-o", "/dev/full", "abc"), (error) => !(error instanceof UsageError));
  Deno.removeSync(folder, { recursive: true });
});
