// `report` as a user runs it. What a page shows is in tests/report.

import assert from "node:assert/strict";
import { AskedLedger } from "../../support/asked_program.ts";

Deno.test("a window is written into a page, which only its owner may read; one without a record is wrong usage", async () => {
  using ledger = new AskedLedger();
  const page = `${ledger.folder}/page.html`;
  const [written, empty, late] = await Promise.all([
    ledger.ask("report", "-o", page, "--since", "@8"),
    ledger.ask("report", "-o", `${page}.not`, "--since", "@9", "--until", "@9"),
    ledger.ask("report", "-o", `${page}.not`, "--until", "@40"),
  ]);
  assert.equal(written.code, 0);
  assert.match(
    written.stderr,
    /page\.html: @9 to @13, [\d,]+ KB; 9 others left out: --since, --until, --records/,
  );
  assert.match(Deno.readTextFileSync(page), /^<!doctype html>/i);
  assert.equal(Deno.statSync(page).mode! & 0o777, 0o600);
  assert.deepEqual([empty.code, late.code], [2, 2]);
  assert.match(empty.stderr, /no record is after --since, up to --until/);
  assert.match(late.stderr, /the ledger ends at @13/);
});
