// Files of assertions that cannot be read.

import assert from "node:assert/strict";
import { assertionsIn } from "../../src/cli/assertion_file.ts";
import { UsageError } from "../../src/node/usage_error.ts";

Deno.test("a file is read, and one that is missing or wrong is wrong usage that names all problems", () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/a.yaml`;
  Deno.writeTextFileSync(file, "- { service: web, ready: 1 }\n- { drift: some }\n- {}\n");
  const isUsage = (pattern: RegExp) => (error: unknown) =>
    error instanceof UsageError && pattern.test(error.message);
  assert.throws(
    () => assertionsIn(file),
    isUsage(/a\.yaml:\n {2}entry 2: drift: .*\n {2}entry 3: from and to/),
  );
  assert.throws(() => assertionsIn(`${folder}/none.yaml`), isUsage(/none\.yaml: /));
  Deno.writeTextFileSync(file, "- { service: web, ready: 1 }\n");
  assert.deepEqual(assertionsIn(file).map(({ kind }) => kind), ["ready"]);
  Deno.removeSync(folder, { recursive: true });
});
