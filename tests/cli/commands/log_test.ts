// `log` as a user runs it: by names, as records, and followed while the ledger grows.

import assert from "node:assert/strict";
import { segmentFirst, segmentNames } from "../../../src/ledger/format.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { LedgerWriter } from "../../../src/ledger/writer.ts";
import { AskedLedger } from "../../support/asked_program.ts";
import { CommittedEvening } from "../../support/committed_evening.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { timeAt } from "../../support/past.ts";
import { jsonLines } from "../../support/run_program.ts";
import { commitOf, RotatingLedger } from "../../support/rotating_ledger.ts";
import { ShownLines } from "../../support/shown_lines.ts";

Deno.test("what changed is printed by name, node, kind of change and time; -p prints the elements; nothing is exit code 1", async () => {
  using ledger = new AskedLedger();
  const [web, node, patch, since, none, unknown, both, ofSlice] = await Promise.all([
    ledger.ask("log", "web", "--change", "fields"),
    ledger.ask("log", "--node", "node-b", "--change", "readiness"),
    ledger.ask("log", "-p", "--kind", "commit", "--limit", "1"),
    ledger.ask("log", "--since", "2026-11-23T03:12:06Z", "--json"),
    ledger.ask("log", "--kind", "drift"),
    ledger.ask("log", "shop/wbe"),
    ledger.ask("log", "node-a", "--cidr", "10.244.0.2/32"),
    ledger.ask("log", "web-a"),
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
  assert.match(ofSlice.stderr, /web-a: it is an EndpointSlice; name its Service:\n {2}shop\/web\n$/);
  assert.match(unknown.stderr, /what is gone is found by its full name: .*pods\/shop\/web-0/);
});

Deno.test("log --json has every event of a Service, newest first; what is left out at --limit is said", async () => {
  using evening = new CommittedEvening();
  const found = jsonLines(await evening.ask("log", "shop/web", "--json", "--limit", "1000"));
  assert.ok(found.every((record, i) => i === 0 || record.offset < found[i - 1].offset), "newest first");
  const events = evening.records.filter(({ record }) =>
    record.kind === "event" && /^(web|web-[a-z0-9]{5})$/.test(record.key.name) &&
    record.key.namespace === "shop"
  );
  assert.equal(found.filter(({ record }) => record.kind === "event").length, events.length);
  const limited = await evening.ask("log", "--limit", "2");
  assert.equal(limited.stdout.match(/^@/gm)!.length, 2);
  assert.match(limited.stderr, /^older records match too: --limit 20 shows more/);
  assert.match((await evening.ask("log", "--since", "noon")).stderr, /noon: a position is an offset/);
  for (const command of ["log", "outages", "latency", "top", "audit"]) {
    const reversed = await evening.ask(command, "--since", "@60", "--until", "@59");
    assert.deepEqual(
      [reversed.code, reversed.stdout, reversed.stderr],
      [2, "", "error: since @60 until @59: the range ends before it begins; swap them\n"],
    );
  }
});

Deno.test("a flag of log that names another kind of thing, or no whole number, is wrong usage", async () => {
  using evening = new CommittedEvening();
  const cases: [string[], RegExp][] = [
    [["--cidr", "shop/web"], /--cidr shop\/web: it must be a CIDR/],
    [["--cidr", "10.244.0.2"], /--cidr 10\.244\.0\.2: it must be a CIDR/],
    [["--address", "10.244.0.0/16"], /--address .*: it must be an IP address/],
    [["--node", "node-a:30080"], /--node node-a:30080: it must be the name of a node/],
    [["--limit", "2.5"], /It must be a whole number above 0/],
    [["--limit", "0"], /It must be a whole number above 0/],
  ];
  const answers = await Promise.all(cases.map(([args]) => evening.ask("log", ...args)));
  for (const [i, [args, message]] of cases.entries()) {
    assert.equal(answers[i]!.code, 2, `${args.join(" ")}: ${answers[i]!.stdout}`);
    assert.match(answers[i]!.stderr, message);
  }
});

Deno.test("where nothing matches, an unknown namespace is named", async () => {
  using ledger = new AskedLedger();
  const [namespace, far, known] = await Promise.all([
    ledger.ask("log", "--namespace", "shp"),
    ledger.ask("log", "--namespace", "elsewhere"),
    ledger.ask("log", "--namespace", "shop", "--kind", "gap"),
  ]);
  assert.match(namespace.stderr, /matches; --namespace shp: no Service is there, near it are: shop\n$/);
  assert.match(far.stderr, /matches; --namespace elsewhere: no Service is there\n$/);
  assert.match(known.stderr, /nothing in the ledger matches\n$/);
  assert.deepEqual([namespace, far, known].map(({ code }) => code), [1, 1, 1]);
});

Deno.test("commits about a node, a Service, an address or a kind of change are those that brought its changes", async () => {
  using ledger = new AskedLedger();
  const offsets = async (...args: string[]) => {
    const { stdout } = await ledger.ask("log", "--kind", "commit", ...args);
    return [...stdout.matchAll(/^@(\d+) .* commit of @/gm)].map(([, offset]) => Number(offset));
  };
  const [web, nodeA, nodeB, address, readiness, since, patch] = await Promise.all([
    offsets("shop/web"),
    offsets("node-a"),
    offsets("--node", "node-b"),
    offsets("10.244.0.1"),
    offsets("--change", "readiness"),
    offsets("--namespace", "shop", "--since", "2026-11-23T03:12:04Z", "--until", "2026-11-23T03:12:05Z"),
    offsets("node-a", "-p", "--since", "@4"),
  ]);
  assert.deepEqual({ web, nodeA, nodeB, address, readiness, since, patch }, {
    web: [10, 8, 6, 4, 2],
    nodeA: [8, 4, 2],
    nodeB: [8, 6, 2],
    address: [8, 4, 2],
    readiness: [8, 6],
    since: [10, 8],
    patch: [8],
  });
});

Deno.test("the number of a port is that of a Service, also as a NodePort of a node", async () => {
  using ledger = new AskedLedger();
  const [log, endpoints, outages, none, why] = await Promise.all([
    ledger.ask("log", "30080", "--change", "fields"),
    ledger.ask("endpoints", "10.96.0.1:80"),
    ledger.ask("outages", ":30080/tcp"),
    ledger.ask("blame", "30081"),
    ledger.ask("why", "10.244.9.9", "30080"),
  ]);
  assert.match(log.stdout, /^@9 .* Service shop\/web {2}externalTrafficPolicy/);
  assert.match(endpoints.stdout, /^shop\/web +10\.244\.0\.1:8080 +http/m);
  assert.match(outages.stdout, /^shop\/web +http/m);
  assert.match(
    none.stderr,
    /30081: no Service has this port or NodePort at this position; an offset is written @30081/,
  );
  assert.match(why.stderr, /30080: it is a port alone; give NODE:30080\/tcp or shop\/web:http/);
});

Deno.test("a port of a Service has its own changes, records and elements", async () => {
  using ledger = new AskedLedger([
    [appears(service("shop/web 10.96.0.1 http:80/tcp https:443/tcp"))],
    [
      appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
      appears(slice("shop/web-b https:8443/tcp 10.244.0.1")),
    ],
    [appears(service("shop/web 10.96.0.1 http:81/tcp https:443/tcp"))],
  ]);
  const [http, https, patch, records] = await Promise.all([
    ledger.ask("log", "web:http"),
    ledger.ask("log", "web:https"),
    ledger.ask("log", "web:https", "-p"),
    ledger.json("log", "web:https"),
  ]);
  assert.deepEqual(http.stdout.match(/^@\d+/gm), ["@5", "@2", "@0"]);
  assert.deepEqual(https.stdout.match(/^@\d+/gm), ["@3", "@0"]);
  assert.deepEqual(records.map(({ offset }) => offset), [4, 3, 1, 0]);
  assert.match(patch.stdout, /^ {4}\+ .* : 10\.244\.0\.1 \. 8443 \} {2}shop\/web:https {2}by @3$/m);
  assert.doesNotMatch(patch.stdout, /web:http /);
});

Deno.test("log escapes control characters in the name of another program", async () => {
  using evening = new CommittedEvening();
  assert.equal(
    (await evening.ask("log", "--kind", "drift")).stdout,
    `@${
      evening.records.length - 1
    }  2026-11-24 00:45:00.000 +05:45  drift: \\u{1b}[31mnft\\u{202e} (process 7): delete table ip ledgerproxy; rules are put back\n`,
  );
});

Deno.test("log -f prints what there is, oldest first, and then each change as it is written", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("log", "web", "-f", "--limit", "2", "--ledger", ledger.folder);
  await program.until(/^@7 .*\n.*\n.*\n@9 .*\n$/);
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
    for (const address of ["10.244.0.7", "10.244.0.8"]) {
      const event = appears(slice(`shop/web-a http:8080/tcp ${address}@node-c`));
      const offset = writer.append([{ ...event, time: timeAt(60) }]);
      writer.append([commitOf(offset)]);
      await program.until(
        new RegExp(`\\(@${offset + 1} after 1 s\\)(?:\\n .*)*\\+ ${address} ready on node-c\\n`),
      );
    }
  }
  assert.equal(await program.stop(), 0);
});

Deno.test("log -f prints a change with its commit; one that gets none is printed once the ledger is quiet", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("log", "-f", "--limit", "1", "--ledger", ledger.folder);
  await program.until(/^@12 /);
  {
    using writer = new LedgerWriter(folderStorage(ledger.folder, false), { policy: "never" });
    writer.append([{ ...appears(slice("shop/web-a http:8080/tcp 10.244.0.9")), time: timeAt(60) }]);
    await program.until(/\+ 10\.244\.0\.9 ready(.*\n)*/);
    assert.match(await program.until(/@14 .*/), /@14 .* {2}\(not committed\)/);
  }
  assert.equal(await program.stop(), 0);
});

Deno.test("log -f shows each change once and in order while segments begin, end and go", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("log", "web", "-f", "--limit", "1", "--ledger", ledger.folder);
  await program.until(/^@\d+ /);
  const changed: string[] = [];
  {
    using writer = new RotatingLedger(ledger.folder);
    for (let i = 0; i < 4; i++) {
      // A segment ends with a change that may not be shown yet, and goes once it was.
      changed.push(writer.change().address);
      writer.rotate(Infinity);
      changed.push(writer.change().address);
      await program.until(new RegExp(`\\+ ${changed.at(-1)} ready`));
      writer.rotate(0);
    }
    changed.push(writer.change().address);
    await program.until(new RegExp(`\\+ ${changed.at(-1)} ready`));
    const [oldest = ""] = segmentNames(folderStorage(ledger.folder, false));
    assert.ok(segmentFirst(oldest)! > 0, "old segments are removed");
  }
  const text = await program.until(/ready/);
  assert.deepEqual(
    [...text.matchAll(/\+ (10\.244\.7\.\d+) ready/g)].map(([, address]) => address),
    changed,
    text,
  );
  assert.equal(await program.stop(), 0);
});

Deno.test("what retention removes before log -f has read it is named", async () => {
  using ledger = new AskedLedger();
  await using program = new ShownLines("log", "web", "-f", "--limit", "1", "--ledger", ledger.folder);
  await program.until(/^@\d+ /);
  program.signal("SIGSTOP");
  {
    using writer = new RotatingLedger(ledger.folder);
    for (let i = 0; i < 3; i++) {
      writer.change();
      writer.rotate(0);
    }
    const last = writer.change().address;
    program.signal("SIGCONT");
    await program.until(new RegExp(`\\+ ${last} ready`));
  }
  assert.match(await program.errors(), /@14 to @\d+ were removed before they could be read/);
});
