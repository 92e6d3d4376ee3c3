// What `connections` and `drain` say to wrong usage. tests/kernel/connections_test.ts runs them on a node with connections.

import assert from "node:assert/strict";
import { AskedLedger } from "../../support/asked_program.ts";

Deno.test("clients that are no address, a name that is unknown, and a drain of nothing are errors", async () => {
  using ledger = new AskedLedger();
  const [clients, unknown, nothing] = await Promise.all([
    ledger.ask("connections", "--client", "pod-7"),
    ledger.ask("connections", "shop/wbe"),
    ledger.ask("drain"),
  ]);
  assert.equal(clients.code, 2);
  assert.match(clients.stderr, /--client pod-7: it must be an address or a CIDR, such as 10\.244\.1\.0\/24/);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /shop\/web/);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /missing required argument 'what'/);
});
