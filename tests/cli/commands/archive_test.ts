// `archive`, and `verify` of what it made, as an operator runs them.

import assert from "node:assert/strict";
import { stoppedLedger } from "../../support/damaged_files.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("a ledger is archived once, and the archive is verified and asked as a ledger", async () => {
  const folder = Deno.makeTempDirSync();
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(ledger);
  for (const [name, bytes] of stoppedLedger().files) Deno.writeFileSync(`${ledger}/${name}`, bytes);
  const archive = (...more: readonly string[]) =>
    ledgerproxy(["archive", `${folder}/archive`, "--ledger", ledger, "--cluster", "eu-1", ...more]);
  assert.match((await archive()).stderr, /the ledger does not name its node: give --node NAME/);
  assert.equal((await archive("--node", "../x")).code, 2);
  const archived = `${folder}/archive/cluster=eu-1/node=node-a/ledger=0123456789abcdef`;
  for (const [added, kept] of [[2, 0], [0, 2]]) {
    const { code, stdout, stderr } = await archive("--node", "node-a");
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${archived}: added ${added} segments, ${kept} were there\n`);
  }
  const verified = await ledgerproxy(["verify", archived]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const log = await ledgerproxy(["log", "--ledger", archived]);
  assert.match(log.stdout, /shop\/web/);
  Deno.removeSync(folder, { recursive: true });
});
