// `log` as a user runs it: by names, as records, and followed while the ledger grows.

import assert from "node:assert/strict";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { appears, slice } from "../../support/cluster_notation.ts";
import { timeAt } from "../../support/past.ts";

Deno.test("what changed is printed by name, node, kind of change and time; -p prints the elements; nothing is exit code 1", async () => {
  using ledger = new AskedLedger();
  const [web, node, patch, since, none, unknown, both] = await Promise.all([
    ledger.ask("log", "web", "--change", "fields"),
    ledger.ask("log", "--node", "node-b", "--change", "readiness"),
    ledger.ask("log", "-p", "--kind", "commit", "--limit", "1"),
    ledger.ask("log", "--since", "2026-11-23T03:12:06Z", "--json"),
    ledger.ask("log", "--kind", "drift"),
    ledger.ask("log", "shop/wbe"),
    ledger.ask("log", "node-a", "--cidr", "10.244.0.2/32"),
  ]);
  assert.match(
    web.stdout,
    /^@9 .* Service shop\/web {2}externalTrafficPolicy: Cluster -> Local {2}\(@10 after 0 ms\)\n$/,
  );
  assert.match(
    node.stdout,
    /^@7 .*10\.244\.0\.2 on node-b: not ready -> ready.*\n@5 .*ready -> not ready.*\n$/,
  );
  assert.match(
    patch.stdout,
    /^@13 .*commit of @10 to @12: .*\n {4}\+ ip ledgerproxy cluster-ips \{ 10\.96\.0\.2 \}/,
  );
  const offsets = since.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).offset);
  assert.deepEqual(offsets, [13, 12, 11]);
  assert.deepEqual([none.code, unknown.code, both.code], [1, 1, 1]);
  assert.match(unknown.stderr, /Near it are:\n {2}shop\/web\n/);
});

Deno.test("log -f prints what there is, oldest first, and then each change as it is written", async () => {
  using ledger = new AskedLedger();
  await using program = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--no-check", "--quiet", "src/cli/main.ts"],
      ...["log", "web", "-f", "--limit", "2", "--ledger", ledger.folder],
    ],
    cwd: new URL("../../../", import.meta.url),
    env: { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
  const lines = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const shows = async (pattern: RegExp) => {
    while (!pattern.test(text)) {
      const { value, done } = await lines.read();
      assert.ok(!done, `${pattern} is not in: ${text}`);
      text += value;
    }
  };
  await shows(/^@7 .*\n.*\n.*\n@9 .*\n$/);
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
    for (const address of ["10.244.0.7", "10.244.0.8"]) {
      const event = appears(slice(`shop/web-a http:8080/tcp ${address}@node-c`));
      writer.append([{ ...event, time: timeAt(60) }, {
        kind: "config",
        time: timeAt(60),
        version: "1",
        nodeName: "",
      }]);
      await shows(new RegExp(`\\+ ${address} ready on node-c\\n`));
    }
  }
  program.kill("SIGTERM");
  await lines.cancel();
  assert.equal((await program.status).code, 0);
});
