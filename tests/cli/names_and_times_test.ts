// Names and times on the command line, with the program as a process.

import assert from "node:assert/strict";
import { remadeLedger } from "../support/remade_ledger.ts";
import { jsonLines, ledgerproxy } from "../support/run_program.ts";

const LEDGER = remadeLedger();
addEventListener("unload", () => Deno.removeSync(LEDGER, { recursive: true }));

/** In a terminal whose zone is not UTC. */
const KATHMANDU = { TZ: "Asia/Kathmandu" };

Deno.test("a Service is named in short, in full or by its port; the environment names the ledger", async () => {
  const env = { LEDGERPROXY_LEDGER: LEDGER };
  for (const target of ["web", "shop/web", "web:http", "shop/web:80/tcp"]) {
    const { code, stdout, stderr } = await ledgerproxy(["why", "10.244.0.9", target, "--json"], env);
    assert.equal(code, 0, stderr);
    const { packet, outcomes } = JSON.parse(stdout);
    assert.equal(packet.destination, "10.96.0.1", target);
    assert.equal(outcomes.length, 4);
  }
  const [blamed, differs, same, verified] = await Promise.all([
    ledgerproxy(["blame", "web", "--json"], env),
    ledgerproxy(["diff", "@26", "HEAD", "10.244.2.0/24", "--json"], env),
    ledgerproxy(["diff", "@26", "HEAD", "shop/local", "--json"], env),
    ledgerproxy(["verify", "--ledger", LEDGER]),
  ]);
  assert.ok(jsonLines(blamed).every(({ comment }) => comment.startsWith("shop/web")));
  assert.equal(differs.code, 1);
  assert.ok(
    jsonLines(differs).every(({ before, after }) => /10\.244\.2\./.test(`${before?.value} ${after?.value}`)),
  );
  assert.equal(same.code, same.stdout === "" ? 0 : 1);
  assert.equal(verified.code, 0, verified.stderr);
});

Deno.test("a time is read in the terminal's zone, means what was committed by then, and is said back", async () => {
  // The ledger has its first commit at 10:30:15.325 UTC, which is 16:15:15.325 in Kathmandu.
  const at = (time: string) =>
    ledgerproxy(["why", "10.244.0.9", "web", "--at", time, "--json", "--ledger", LEDGER], KATHMANDU);
  const [local, utc, early] = await Promise.all([
    at("2026-11-26 16:15:15.325"),
    at("2026-11-26T10:30:15.325Z"),
    at("2026-11-26 16:15:15.324"),
  ]);
  assert.deepEqual([local.code, utc.code, early.code], [0, 0, 2], early.stderr);
  assert.equal(JSON.parse(local.stdout).at, 25, "@26 is the commit of the records up to @25");
  assert.equal(local.stdout, utc.stdout);
  assert.match(
    local.stderr,
    /is 2026-11-26 16:15:15\.325 \+05:45: @25, committed by @26 at 2026-11-26 16:15:15\.325/,
  );
  assert.match(early.stderr, /2026-11-26 16:15:15\.324 is 2026-11-26 16:15:15\.324 \+05:45$/m);
  assert.match(early.stderr, /nothing was committed by the time asked for: the first commit .* is @26/);
});

Deno.test("log says what its times mean, also where nothing matches", async () => {
  const flags = ["--since", "2026-11-26 16:45", "--until", "2030-01-01 00:00"];
  const { code, stderr } = await ledgerproxy(["log", ...flags, "--ledger", LEDGER], KATHMANDU);
  assert.equal(code, 1);
  assert.match(stderr, /2026-11-26 16:45 is 2026-11-26 16:45:00\.000 \+05:45;/m);
  assert.match(stderr, /2030-01-01 00:00 is 2030-01-01 00:00:00\.000 \+05:45;/m);
});

Deno.test("where the ledger ends before a time or begins after it, the answer says so, and with which record", async () => {
  const ask = async (...args: string[]) =>
    (await ledgerproxy([...args, "--ledger", LEDGER], { TZ: "UTC" })).stderr;
  const [{ offset: last }] = jsonLines(await ledgerproxy(["log", "--json", "-n", "1", "--ledger", LEDGER]));
  const at = "\\d{4}-\\d\\d-\\d\\d [\\d:.]+ \\+00:00";
  const [shown, compared, traced, within, later, earlier, both] = await Promise.all([
    ask("show", "2030-01-01"),
    ask("diff", "@26", "2030-01-01"),
    ask("why", "10.244.0.9", "web", "--at", "2030-01-01"),
    ask("show", "2026-11-26 10:30:15.325"),
    ask("outages", "--since", "2030-01-01"),
    ask("outages", "--since", "2020-01-01"),
    ask("log", "--since", "2020-01-01", "--until", "2030-01-01"),
  ]);
  const ends = new RegExp(`^2030-01-01 is .*; the ledger ends with (it|@${last} at ${at})$`, "m");
  for (const said of [shown, compared, traced, later, both]) assert.match(said, ends);
  const begins = new RegExp(`^2020-01-01 is .*; the ledger begins with @\\d+ at ${at}$`, "m");
  for (const said of [earlier, both]) assert.match(said, begins);
  assert.doesNotMatch(within, /the ledger/);
});

Deno.test("other questions about a range say it too, and what they found nothing of", async () => {
  const since = ["--since", "2026-11-26 16:45", "--ledger", LEDGER];
  for (const question of ["outages", "latency", "top", "audit"]) {
    const { stderr } = await ledgerproxy([question, ...since], KATHMANDU);
    assert.match(stderr, /2026-11-26 16:45 is 2026-11-26 16:45:00\.000 \+05:45;/m, question);
  }
  const [nothing, never] = await Promise.all([
    ledgerproxy(["outages", "shop/web", "--since", "HEAD", "--ledger", LEDGER]),
    ledgerproxy(["outages", "shop/web", "--ledger", LEDGER]),
  ]);
  assert.equal(nothing.stdout, "no record is in this range\n");
  assert.equal(never.stdout, "shop/web did not lose its last endpoint in this range\n");
});

Deno.test("a namespace with a slash behind it means what is in it", async () => {
  const asked = (...args: string[]) => ledgerproxy([...args, "--json", "--ledger", LEDGER]);
  const [services, endpoints, changes, elements, none] = await Promise.all([
    asked("services", "shop/"),
    asked("endpoints", "shop/"),
    asked("log", "shop/"),
    asked("blame", "shop/"),
    asked("services", "shops/"),
  ]);
  const all = await ledgerproxy(["services", "--json", "--ledger", LEDGER]);
  const names = jsonLines(all).map(({ service }) => service).filter((name) => name.startsWith("shop/"));
  assert.ok(names.length > 1);
  assert.deepEqual(jsonLines(services).map(({ service }) => service), names);
  assert.ok(jsonLines(endpoints).every(({ service }) => service.startsWith("shop/")));
  assert.ok(jsonLines(changes).some(({ record }) => record.key?.namespace === "shop"));
  assert.ok(jsonLines(elements).every(({ comment }) => comment.startsWith("shop/")));
  assert.ok([services, endpoints, changes, elements].every(({ code }) => code === 0));
  assert.equal(none.code, 1);
});

Deno.test("an unknown name is an error with near names, never an empty answer", async () => {
  const cases: [string[], number, RegExp][] = [
    [["why", "10.244.0.9", "shop/wbe"], 1, /shop\/wbe: no Service, .*\n {2}shop\/web\n/],
    [
      ["why", "10.244.0.9", "web:htpp"],
      1,
      /web:htpp: shop\/web has no such port; it has:\n {2}shop\/web:http\n/,
    ],
    [["blame", "stiky"], 1, /Near it are:\n {2}shop\/sticky\n/],
    [["diff", "@26", "HEAD", "lokal"], 1, /Near it are:\n {2}shop\/local\n/],
    [["bisect", "@26", "HEAD", "10.244.0.9", "shp/web"], 1, /Near it are:\n {2}shop\/web\n/],
    // A Service that GOOD does not know yet is known at BAD.
    [["bisect", "@0", "HEAD", "10.244.0.9", "shop/web"], 1, /GOOD, @0, is not as expected/],
    [["blame", "10.9.9.9"], 1, /no element at @\d+ concerns it/],
    [["show", "-5 parsecs"], 2, /a position is an offset/],
    [["why", "10.244.0.9", "web", "--at", "@99999"], 2, /the ledger ends at/],
  ];
  const results = await Promise.all(cases.map(([args]) => ledgerproxy([...args, "--ledger", LEDGER])));
  results.forEach(({ code, stdout, stderr }, i) => {
    const [args, expected, message] = cases[i]!;
    assert.equal(code, expected, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, message);
    assert.equal(stdout, "");
  });
});
