// `status`, as a user runs it, beside a running proxy and without one.

import assert from "node:assert/strict";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { appears, slice } from "../../support/cluster_notation.ts";
import { timeAt } from "../../support/past.ts";
import { ShownLines } from "../../support/shown_lines.ts";

Deno.test("the state is printed worst first, and the exit code says whether anything is wrong", async () => {
  using ledger = new AskedLedger();
  await using health = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () =>
    Response.json({
      problems: ["rules rejected", "api server not answering"],
      sources: { Service: { problem: "api server not answering" } },
    }, { status: 503 }));
  await using details = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => Response.json({ sources: { Service: "connection refused\u001b[31m" } }),
  );
  const at = ({ addr }: Deno.HttpServer<Deno.NetAddr>) => `127.0.0.1:${addr.port}`;
  const [past, now, alone] = await Promise.all([
    ledger.ask("status", "--at", "@8"),
    ledger.ask("status", "--health", at(health), "--metrics", at(details)),
    ledger.ask("status", "--health", "127.0.0.1:1", "--json"),
  ]);
  assert.match(
    past.stdout,
    /^a node without a name at @8, .*: in sync: the kernel has the rules of @7\n1 Service, 2 endpoints\n/,
  );
  assert.equal(now.code, 1);
  assert.match(now.stdout, /endpoints\nFAILING {2}proxy: the running proxy says: rules rejected\n/);
  assert.match(
    now.stdout,
    /^warning {2}API server: Service: api server not answering: connection refused\\u\{1b\}/m,
  );
  assert.match(now.stdout, /^warning {2}endpoints: 1 Service without endpoints: shop\/cart$/m);
  const { findings, inSync } = JSON.parse(alone.stdout);
  assert.equal(inSync, true);
  assert.ok(
    findings.some(({ text }: { text: string }) => text.startsWith("no proxy answers on 127.0.0.1:1")),
  );
});

Deno.test("status --watch follows the ledger", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("status", "--watch", "--ledger", ledger.folder);
  await program.until(
    /in sync: the kernel has the rules of @12\n(.*\n)*warning {2}endpoints: 1 Service without endpoints: shop\/cart\n/,
  );
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
    writer.append([{ ...appears(slice("shop/cart-a http:8080/tcp 10.244.0.7")), time: timeAt(60) }]);
    await program.until(
      /at @14, .*NOT in sync: .*\n(.*\n)*warning {2}rules: not committed: 1 change since @14 .*\n/,
    );
  }
  assert.equal(await program.stop(), 0);
});
