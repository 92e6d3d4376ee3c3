// `services` and `endpoints`, as a user runs them.

import assert from "node:assert/strict";
import { emptyState } from "../../../src/fold/cluster_state.ts";
import { foldRecord } from "../../../src/fold/fold.ts";
import { snapshotLines } from "../../../src/fold/snapshot.ts";
import type { EventRecord } from "../../../src/ledger/record.ts";
import { readLedger } from "../../../src/ledger/reader.ts";
import { writeSnapshot } from "../../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { appears, service, slice, vanishes } from "../../support/cluster_notation.ts";
import { flipped } from "../../support/damaged_files.ts";
import { timeAt } from "../../support/past.ts";
import { ShownLines } from "../../support/shown_lines.ts";

Deno.test("Services and endpoints at a position, as text and as JSON; what is not there is exit code 1", async () => {
  using ledger = new AskedLedger();
  const [all, then, wide, endpoints, none, unknown] = await Promise.all([
    ledger.ask("services"),
    ledger.json("services", "web", "--at", "2026-11-23T03:12:03Z"),
    ledger.ask("services", "-o", "json"),
    ledger.json("endpoints", "node-a"),
    ledger.ask("endpoints", "10.9.0.0/16"),
    ledger.ask("services", "wbe"),
  ]);
  assert.equal(all.code, 0, all.stderr);
  assert.match(
    all.stdout,
    /^shop\/web +NodePort +10\.96\.0\.1:80\/tcp \+1 +2\/2 +ok +@9 .* Service shop\/web \(changed\)$/m,
  );
  const [web] = then;
  assert.deepEqual(
    [web?.["ready"], web?.["lacking"], then.length],
    [0, ["http"], 1],
    "at 03:12:03 the outage began",
  );
  assert.equal(
    wide.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).schema).join(),
    [
      "ledgerproxy.services/1",
      "ledgerproxy.services/1",
    ].join(),
  );
  assert.deepEqual(endpoints.map(({ endpoint, since }) => [endpoint, (since as { offset: number }).offset]), [
    [
      "10.244.0.1:8080",
      7,
    ],
  ]);
  assert.deepEqual([none.code, unknown.code], [1, 1]);
  assert.match(unknown.stderr, /Near it are:\n {2}shop\/web\n/);
});

Deno.test("services --watch prints what is new as it is written, and does not disturb the writer", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("services", "--watch", "--ledger", ledger.folder);
  await program.until(/^SERVICE .*\nshop\/cart .* no endpoints: http .*\nshop\/web .* 2\/2 +ok .*\n$/);
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
    writer.append([{ ...appears(slice("shop/cart-a http:8080/tcp 10.244.0.7")), time: timeAt(60) }]);
    await program.until(/\nshop\/cart .* 1\/1 +ok +@14 .* EndpointSlice shop\/cart-a \(appeared\)\n$/);
    writer.append([{ ...vanishes(service("shop/web 10.96.0.1 http:80/tcp")), time: timeAt(61) }]);
    writer.append([{ ...appears(service("shop/new 10.96.0.9 http:80/tcp")), time: timeAt(62) }]);
    await program.until(/\nshop\/new .* 0\/0 +no endpoints: http +@16 /);
    // A reader of a pipe would miss what is not there any more.
    await program.until(/\nshop\/web {2}is gone\n/);
  }
  assert.equal(await program.stop(), 0);
});

Deno.test("services --watch of a name goes on when what it names is deleted, and when it is there again", async () => {
  using ledger = new AskedLedger();
  await using byName = new ShownLines("services", "web", "--watch", "--ledger", ledger.folder);
  await using byNode = new ShownLines(
    "services",
    "node-b",
    "-o",
    "wide",
    "--watch",
    "--ledger",
    ledger.folder,
  );
  await Promise.all([byName.until(/^shop\/web {2}.*\n/), byNode.until(/\nshop\/web {2}.*\n/)]);
  using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const append = (second: number, ...events: EventRecord[]) =>
    writer.append(events.map((event) => ({ ...event, time: timeAt(second) })));
  append(60, appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")), vanishes(web));
  await Promise.all([
    byName.until(/\nshop\/web {2}is gone\n$/),
    byNode.until(/\nnode-b: no Service has it\n/),
  ]);
  // Another Service has the short name now. It is not the one that is watched.
  append(61, appears(service("blog/web 10.96.0.8 http:80/tcp")));
  append(62, appears(web), appears(slice("shop/web-a http:8080/tcp 10.244.0.9@node-b")));
  const [shown] = await Promise.all([
    byName.until(/is gone\n(.*\n)*.* last change: @(1[89]|2\d) /),
    byNode.until(/no Service has it\n(.*\n)*shop\/web {2}.*\n/),
  ]);
  assert.ok(!shown.includes("blog/web"));
  assert.deepEqual([await byName.stop(), await byNode.stop()], [0, 0]);
});

Deno.test("an address that no Service has is named where nothing is printed", async () => {
  using ledger = new AskedLedger();
  const none = await ledger.ask("services", "fd00::1");
  assert.deepEqual([none.code, none.stdout], [1, ""]);
  assert.match(none.stderr, /fd00::1: no Service at @\d+ has it/);
  const same = await ledger.ask("diff", "HEAD~1", "HEAD", "fd00::1");
  assert.deepEqual([same.code, same.stdout], [0, ""]);
  assert.match(same.stderr, /fd00::1: no element that concerns it differs/);
});

Deno.test("where an older segment is damaged, Services and status are answered, and the damage is named", async () => {
  using ledger = new AskedLedger();
  const state = emptyState();
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, true), { policy: "never" });
    for (const { offset, record } of readLedger(folderStorage(ledger.folder, false))) {
      foldRecord(state, offset, record);
    }
    writeSnapshot(writer, snapshotLines(state), { bytes: Infinity, milliseconds: Infinity });
    writer.append([{ ...appears(service("blog/db 10.96.0.7 sql:5432/tcp")), time: timeAt(20) }]);
  }
  const first = [...Deno.readDirSync(ledger.folder)].find(({ name }) => /^0+\.ndjson/.test(name))!.name;
  const path = `${ledger.folder}/${first}`;
  Deno.writeFileSync(path, flipped(Deno.readFileSync(path), 1000));
  const [services, status] = [await ledger.ask("services"), await ledger.ask("status")];
  assert.match(services.stdout, /^shop\/web +NodePort .* 2\/2 /m);
  assert.match(services.stderr, /what changed these last cannot be read: .*\(byte \d+\)/);
  assert.equal(services.code, 3);
  assert.match(status.stdout, /older records cannot be read: .*\(byte \d+\)/);
  assert.equal(status.code, 1, status.stderr);
});

Deno.test("flags that --watch, --follow, --at and --serve cannot follow are wrong usage, not ignored", async () => {
  using ledger = new AskedLedger();
  const asked = [
    ...["--at @3", "--json", "-o json"].map((flags) => `services --watch ${flags}`),
    ...["--at @3", "--json", "--health 127.0.0.1:1", "--metrics 127.0.0.1:1"]
      .map((flags) => `status --watch ${flags}`),
    "status --at @3 --health 127.0.0.1:1",
    "services --watch --kernel",
    "log --follow --until @3",
    `report -o ${ledger.folder}/page.html --serve 0`,
  ];
  for (const words of asked) {
    const { code, shown, stderr } = await begun(...words.split(" "), "--ledger", ledger.folder);
    assert.deepEqual([code, shown], [2, undefined], words);
    assert.match(
      stderr,
      /^error: .*(--watch|--at|--serve|--follow).* and --.*; leave out one of them/,
      words,
    );
  }
});

/** Runs the program until it prints anything, which is `shown`, or ends. */
async function begun(...words: readonly string[]) {
  await using program = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", "src/cli/main.ts", ...words],
    cwd: new URL("../../../", import.meta.url),
    ...{ stdout: "piped", stderr: "piped" },
  }).spawn();
  const stderr = program.stderr.text();
  const reader = program.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  if (value !== undefined) program.kill("SIGINT");
  const { code } = await program.status;
  return { code, shown: value && new TextDecoder().decode(value), stderr: await stderr };
}
