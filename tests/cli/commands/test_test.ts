// `test`, as a user runs it.

import assert from "node:assert/strict";
import { AskedLedger } from "../../support/asked_program.ts";

const FILE = new URL("../../support/assertions.yaml", import.meta.url).pathname;

Deno.test("a file of assertions is checked at a position or over a range, also for continuous integration", async () => {
  using ledger = new AskedLedger();
  const junit = `${ledger.folder}-junit.xml`;
  const [now, range, wrong, both] = await Promise.all([
    ledger.ask("test", FILE),
    ledger.json("test", FILE, "--from", "@2", "--to", "@13", "--junit", junit),
    ledger.ask("test", "deno.json"),
    ledger.ask("test", FILE, "--at", "@2", "--to", "@3"),
  ]);
  assert.equal(now.code, 1, now.stderr);
  assert.deepEqual(now.stdout.trimEnd().split("\n"), [
    "ok      from 10.244.0.9 to shop/web:http: endpoint",
    "BROKEN  only the first endpoint: 50.0 %  to 10.244.0.1:8080; 50.0 %  to 10.244.0.2:8080",
    "ok      web has 2 ready endpoints",
    "ok      shop/web never without endpoints for 5s",
  ]);
  assert.deepEqual(range.map(({ holds, commit }) => [holds, (commit as { offset: number } | null)?.offset]), [
    [false, 6],
    [false, undefined],
    [false, 4],
    [true, undefined],
  ]);
  assert.match(await Deno.readTextFile(junit), /tests="4" failures="3"/);
  assert.deepEqual([wrong.code, both.code], [2, 2]);
  await Deno.remove(junit);
});
