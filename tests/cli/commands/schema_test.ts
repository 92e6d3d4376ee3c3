// `schema` as a user runs it. That every command follows its schema is in json_schema_test.ts.

import assert from "node:assert/strict";
import { jsonLines, ledgerproxy } from "../../support/run_program.ts";

Deno.test("schema prints JSON Schemas of all commands, or of one; a command without one is exit code 2", async () => {
  const [all, log, none] = await Promise.all([
    ledgerproxy(["schema"]),
    ledgerproxy(["schema", "log"]),
    ledgerproxy(["schema", "fly"]),
  ]);
  const [only] = jsonLines(log);
  assert.deepEqual(only, jsonLines(all).find(({ $id }) => $id === "ledgerproxy.log/1"));
  assert.deepEqual(only.properties.schema, { const: "ledgerproxy.log/1" });
  assert.deepEqual(only.properties.offset.type, "integer");
  assert.deepEqual([none.code, none.stdout], [2, ""]);
});
