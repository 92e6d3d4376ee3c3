// `version` as a user runs it.

import assert from "node:assert/strict";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("version prints what decides behaviour, a version a line; that of the program is deno.json's", async () => {
  const [text, json] = await Promise.all([ledgerproxy(["version"]), ledgerproxy(["version", "--json"])]);
  const { schema: _, ...versions } = JSON.parse(json.stdout);
  assert.equal(versions.ledgerproxy, JSON.parse(Deno.readTextFileSync("deno.json")).version);
  const printed = text.stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(Object.fromEntries(printed), mapped(versions));
});

function mapped(versions: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)]));
}
