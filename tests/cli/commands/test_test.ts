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

Deno.test("a file is written of the state before an incident, and is not overwritten; then it names what broke it", async () => {
  using ledger = new AskedLedger();
  const file = `${ledger.folder}-written.yaml`;
  const range = ["--from", "@2", "--to", "@6"];
  const written = await ledger.ask("test", file, "--write", ...range);
  assert.deepEqual([written.code, written.stdout], [0, ""], written.stderr);
  const [again, checked] = await Promise.all([
    ledger.ask("test", file, "--write", ...range),
    ledger.ask("test", file, ...range),
  ]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /is there already/);
  assert.equal(checked.code, 1);
  assert.match(
    checked.stdout,
    /BROKEN {2}shop\/web never without endpoints.*\n.*@6 .*\n.*@5 EndpointSlice shop\/web-a/,
  );
  await Deno.remove(file);
});
