// Names that a ledger does not know.

import assert from "node:assert/strict";
import { named, namedHere } from "../../src/cli/arguments.ts";
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
    (error) => error instanceof NothingFound && /^wbe: no Service, .*\n {2}shop\/web$/s.test(error.message),
  );
});

Deno.test("where a name is unknown at one position, the log is named that has it at others, but not for a slice or a port", () => {
  const messageOf = (text: string, instead?: string) => {
    try {
      namedHere({ kind: "unknown", text, candidates: [], ...(instead === undefined ? {} : { instead }) });
    } catch (error) {
      assert.ok(error instanceof NothingFound);
      return error.message;
    }
    return assert.fail("no error");
  };
  assert.match(messageOf("shop/cart"), /\nif it was there .*`ledgerproxy log shop\/cart` prints when$/);
  assert.match(
    messageOf("cart"),
    /`ledgerproxy log` prints when, by its full name: shop\/web, pods\/shop\/web-0/,
  );
  assert.equal(messageOf("shop/web:x", "shop/web has no such port"), "shop/web:x: shop/web has no such port");
});
