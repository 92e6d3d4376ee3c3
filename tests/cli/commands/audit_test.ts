// `audit`, as an auditor runs it.

import assert from "node:assert/strict";
import { AUDIT_COLUMNS } from "../../../src/history/audit_words.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { flipped } from "../../support/damaged_files.ts";

Deno.test("the trail as text, CSV and JSON; behind a record that was altered it ends with the damage", async () => {
  using ledger = new AskedLedger();
  const text = await ledger.ask("audit");
  const csv = await ledger.ask("audit", "--csv", "--since", "@3");
  const rows = await ledger.json("audit");
  const none = await ledger.ask("audit", "--since", "HEAD");
  assert.equal(text.code, 0, text.stderr);
  assert.match(
    text.stdout,
    /^@0 {2}\S+ \S+ \S+ {2}API server, writer not recorded {2}created {2}\S.* {2}committed by @2, not signed$/m,
  );
  const [columns, first, ...others] = csv.stdout.trimEnd().split("\n");
  assert.equal(columns, AUDIT_COLUMNS);
  assert.match(first!, /^4,/);
  assert.equal(others.length, rows.length - 5);
  assert.deepEqual([none.code, none.stdout], [1, "no record is in this range\n"]);

  const [name] = [...Deno.readDirSync(ledger.folder)].map(({ name }) => name).filter((name) =>
    /ndjson/.test(name)
  );
  const path = `${ledger.folder}/${name}`;
  const bytes = Deno.readFileSync(path);
  const lastLine = bytes.subarray(0, -1).lastIndexOf(0x0a);
  Deno.writeFileSync(path, flipped(bytes, 8 * (lastLine - 200)));
  const damaged = await ledger.ask("audit");
  assert.equal(damaged.code, 3);
  assert.match(damaged.stderr, /ndjson:\d+ \(byte \d+\): damaged/);
  const [shown, all] = [damaged, text].map(({ stdout }) => stdout.trimEnd().split("\n"));
  assert.equal(shown!.length, all!.length - 2, "all rows but those of the last two records");
  assert.equal(shown![0], all![0]);
  Deno.writeFileSync(path, flipped(bytes, 8 * (bytes.length - 200)));
  const torn = await ledger.ask("audit");
  assert.equal(torn.code, 0);
  assert.match(torn.stderr, /the end is not whole: .*ndjson \(byte \d+\)/);
});
