// `blame` as a user runs it, compared with the causes that the ledger has recorded.

import assert from "node:assert/strict";
import { CommittedEvening } from "../../support/committed_evening.ts";
import { jsonLines } from "../../support/run_program.ts";

Deno.test("blame has the cause and the commit of an element; an unknown address is exit code 1", async () => {
  using evening = new CommittedEvening();
  const { offset, record: { changes, through } } = evening.two[1]!;
  const added = changes.find(({ verb }) => verb === "add")!;
  const blamed = jsonLines(await evening.ask("blame", added.key, "--at", `@${through}`, "--json"))
    .find(({ set }) => set === added.set);
  assert.equal(blamed.cause.offset, added.cause);
  assert.equal(blamed.commit.offset, offset);
  assert.equal((await evening.ask("blame", "10.9.9.9")).code, 1);
});
