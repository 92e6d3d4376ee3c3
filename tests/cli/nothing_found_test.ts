// Names that a ledger does not know.

import assert from "node:assert/strict";
import { named } from "../../src/cli/arguments.ts";
import { NothingFound } from "../../src/cli/nothing_found.ts";
import { UsageError } from "../../src/node/usage_error.ts";

Deno.test("an unknown name is nothing found, one with several meanings is wrong usage", () => {
  const candidates = ["shop/web"];
  assert.throws(
    () => named({ kind: "ambiguous", text: "web", candidates }),
    (error) => error instanceof UsageError && /^web can be each of these/.test(error.message),
  );
  assert.throws(
    () => named({ kind: "unknown", text: "wbe", candidates }),
    (error) =>
      error instanceof NothingFound && /^wbe: the ledger knows no .*\n {2}shop\/web$/s.test(error.message),
  );
});
