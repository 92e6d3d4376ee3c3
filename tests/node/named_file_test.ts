// A file that was named on the command line.

import assert from "node:assert/strict";
import { namedFile } from "../../src/node/named_file.ts";
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
