// `top`, `outages` and `latency`, as a user runs them.

import assert from "node:assert/strict";
import { AskedLedger } from "../../support/asked_program.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";

Deno.test("a range of the ledger is asked for its outages, its latencies and what was busy", async () => {
  using ledger = new AskedLedger();
  const [outages, later, gone, top, latency, unknown] = await Promise.all([
    ledger.json("outages", "web"),
    ledger.ask("outages", "web", "--since", "2026-11-23T03:12:04Z"),
    ledger.ask("outages", "shop/gone"),
    ledger.json("top", "--limit", "1"),
    ledger.json("latency", "shop/web", "--until", "@8"),
    ledger.ask("latency", "shop/wbe"),
  ]);
  assert.deepEqual(
    outages.map(({ service, seconds, cause }) => [service, seconds, (cause as { offset: number }).offset]),
    [[
      "shop/web",
      1,
      5,
    ]],
  );
  assert.deepEqual([later.code, later.stdout], [
    1,
    "web (shop/web) did not lose its last endpoint in this range\n",
  ]);
  assert.equal(gone.code, 1, "a Service that is gone is known by the ledger");
  assert.equal(gone.stderr, "");
  assert.deepEqual((top[0]?.["services"] as { service: string }[]).map(({ service }) => service), [
    "shop/web",
  ]);
  assert.deepEqual((latency[0]?.["stages"] as { count: number }[]).map(({ count }) => count), [0, 5, 0]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /Near it are:\n {2}shop\/web\n/);
});

Deno.test("what is no Service is named as what it is, with a question that takes it", async () => {
  using ledger = new AskedLedger();
  for (
    const [text, what] of [["node-a", "a node"], ["10.244.0.1", "an address"], ["shop/", "a namespace"]]
  ) {
    const { code, stderr } = await ledger.ask("outages", text!);
    assert.deepEqual([code, stderr], [
      2,
      `error: ${text}: it must be a Service, and is ${what}; \`services ${text}\` prints the Services there\n`,
    ]);
  }
});

Deno.test("where a port is named, outages are those of this port, in both families", async () => {
  using ledger = new AskedLedger([[
    appears(service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp admin:81/tcp")),
    appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
  ]]);
  const portsOf = async (name: string) => (await ledger.json("outages", name)).map(({ port }) => port);
  assert.deepEqual(await portsOf("web"), ["admin", "admin (IPv6)", "http (IPv6)"]);
  assert.deepEqual(await portsOf("web:admin"), ["admin", "admin (IPv6)"]);
  assert.deepEqual(await portsOf("shop/web:80"), ["http (IPv6)"]);
});
