// `replay` as a user runs it, on a ledger that is right and on one with a commit that this program does not make.

import assert from "node:assert/strict";
import { readLedger } from "../../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../../src/ledger/record.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import { committedEvening } from "../../support/committed_evening.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("replay makes each commit again, and shows both sides of the first that differs", async () => {
  const folder = committedEvening();
  const commits = [...readLedger(folderStorage(folder, false))].filter(({ record }) =>
    record.kind === "commit"
  );
  const whole = await ledgerproxy(["replay", folder, "--json"]);
  assert.equal(whole.code, 0, whole.stdout + whole.stderr);
  assert.equal(JSON.parse(whole.stdout).commits, commits.length);

  // The same ledger, written by a program that made another rule of one event.
  const forged = Deno.makeTempDirSync();
  const wrong = commits[20]!.offset;
  {
    using writer = new LedgerWriter(folderStorage(forged, true), { policy: "never" });
    for (const { offset, record } of readLedger(folderStorage(folder, false))) {
      const different = { ...record, digest: "0".repeat(64) } as LedgerRecord;
      writer.append([offset === wrong ? different : record]);
    }
  }
  const differs = await ledgerproxy(["replay", forged]);
  assert.equal(differs.code, 1);
  assert.match(differs.stdout, new RegExp(`^the commit @${wrong} of @\\d+ to @\\d+ comes out differently\n`));
  assert.match(
    differs.stdout,
    /as it was, digest 0{64}:\n {4}[+-] ip[\s\S]*as it is now, digest [0-9a-f]{64}:\n {4}[+-] ip/,
  );
  assert.equal(
    (await ledgerproxy(["replay", forged, "--to", `@${wrong - 1}`])).code,
    0,
    "up to there the commits are the same",
  );
  for (const one of [folder, forged]) await Deno.remove(one, { recursive: true });
});
