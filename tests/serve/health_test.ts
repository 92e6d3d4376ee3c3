// Health: the status and body of the endpoints, and the health check ports of Services.

import assert from "node:assert/strict";
import { TOO_FEW_DESCRIPTORS } from "../../src/serve/connections.ts";
import { details, type HealthFacts, healthz, livez } from "../../src/serve/health.ts";
import type { LocalEndpoints } from "../../src/fold/service_program.ts";
import { HealthCheckPorts, serveHealth } from "../../src/serve/health_server.ts";
import { NO_NOTES } from "../../src/serve/http_server.ts";
import { OWN_NODE_PROBLEMS, type ProblemFacts } from "../../src/serve/problems.ts";
import { until } from "../support/until.ts";
import { resourceStatus } from "../support/resource_status.ts";

const NOW = Date.parse("2026-11-23T03:12:00.000Z");
const FACTS: HealthFacts = {
  now: NOW,
  elapsed: NOW,
  lastUpdated: NOW - 5000,
  pendingSince: undefined,
  pendingMax: 60_000,
  nodeEligible: true,
  brokenSince: undefined,
  drift: undefined,
  node: undefined,
  ledger: undefined,
  appendedOffset: 9,
  durableOffset: 7,
  aside: new Map(),
  sources: [],
};

Deno.test("the proxy is healthy while no change waits, and for a minute while one does", () => {
  const cases: [number | undefined, number][] = [[undefined, 200], [NOW - 59_999, 200], [NOW - 60_000, 503]];
  for (const [pendingSince, status] of cases) {
    assert.equal(livez({ ...FACTS, pendingSince }).status, status);
    assert.equal(healthz({ ...FACTS, pendingSince }).status, status);
  }
});

Deno.test("a node that the autoscaler will delete is alive, and receives no traffic", () => {
  const facts = { ...FACTS, nodeEligible: false };
  assert.deepEqual([healthz(facts).status, livez(facts).status], [503, 200]);
});

Deno.test("the body is kube-proxy's, with the sources beside it", () => {
  const body = healthz({
    ...FACTS,
    sources: [resourceStatus({ receivedAt: NOW - 1000 })],
  }).body;
  const family = { lastUpdated: "2026-11-23T03:12:00.000Z", healthy: true };
  assert.deepEqual(body, {
    lastUpdated: "2026-11-23T03:12:00.000Z",
    currentTime: "2026-11-23T03:12:00.000Z",
    healthy: true,
    status: { IPv4: family, IPv6: family },
    problems: [],
    node: { problem: "" },
    ledger: { problem: "", unwrittenRecords: 0, appendedOffset: 9, durableOffset: 7 },
    drift: null,
    sources: { Service: { lastHeard: "2026-11-23T03:11:59.000Z", problem: "" } },
    nodeEligible: true,
  });
  const unhealthy = livez({ ...FACTS, pendingSince: 0 }).body;
  assert.equal(unhealthy["lastUpdated"], "2026-11-23T03:11:55.000Z", "the last time it was healthy");
  assert.equal("nodeEligible" in unhealthy, false);
});

Deno.test("a loop that a fault has stopped for a minute is unhealthy", () => {
  for (const [brokenSince, status] of [[NOW - 59_999, 200], [NOW - 60_000, 503]] as const) {
    const { body, status: found } = livez({ ...FACTS, brokenSince });
    assert.deepEqual([found, body["problems"]], [status, ["restarting after a fault"]]);
  }
});

Deno.test("a step of the wall clock, forwards or back, is no time for which a fault lasts or changes wait", () => {
  const day = 24 * 3600_000;
  for (const field of ["brokenSince", "pendingSince"] as const) {
    const status = (now: number, since: number) => livez({ ...FACTS, now, [field]: since }).status;
    assert.equal(status(NOW + day, NOW - 1000), 200, `${field}: a day forwards`);
    assert.equal(status(NOW - day, NOW - 60_000), 503, `${field}: a day back`);
  }
});

Deno.test("an own Node that is missing, deleted, unreadable or without addresses is a 503 of /healthz, not of /livez", () => {
  for (const [node, words] of Object.entries(OWN_NODE_PROBLEMS)) {
    const facts = { ...FACTS, node: node as ProblemFacts["node"] };
    assert.deepEqual([healthz(facts).status, livez(facts).status], [503, 200], node);
    assert.deepEqual(healthz(facts).body["node"], { problem: words });
    assert.deepEqual(healthz(facts).body["problems"], [words]);
  }
});

Deno.test("drift is shown with its program and its changes", () => {
  const drift = {
    process: "nft\u202e",
    pid: 4711,
    changes: ["deleted element ip ledgerproxy endpoints"],
    since: NOW - 3000,
    putBackAt: NOW + 2000,
  };
  const { status, body } = healthz({ ...FACTS, drift });
  assert.equal(status, 200, "the rules are put back, so the node may receive traffic");
  assert.deepEqual(body["problems"], ["another program changes our tables"]);
  assert.deepEqual(body["drift"], {
    process: "nft\\u{202e}",
    pid: 4711,
    changes: ["deleted element ip ledgerproxy endpoints"],
    since: "2026-11-23T03:11:57.000Z",
    putBackAt: "2026-11-23T03:12:02.000Z",
  });
});

Deno.test("the public answers have no text of an error; details have it without credentials", () => {
  const secret = "s3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t";
  const problem =
    `https://admin:${secret}@api.example:6443: 401; bearer ${secret}; token=${secret} ${secret}`;
  const source = resourceStatus({ problem, reason: "forbidden" });
  const facts = {
    ...FACTS,
    aside: new Map([["shop/web", "too large"]]),
    ledger: { reason: `/var/${secret}`, records: 3 },
    sources: [source],
  };
  const answers = JSON.stringify([healthz(facts).body, livez(facts).body]);
  assert.doesNotMatch(answers, /s3cr3t|example|var/);
  assert.deepEqual(healthz(facts).body["problems"], [
    "ledger cannot be written",
    "services set aside",
    "api server refuses us",
  ]);
  assert.deepEqual(healthz(facts).body["sources"], {
    Service: { lastHeard: null, problem: "api server refuses us" },
  });
  assert.deepEqual(details(facts), {
    assertions: [],
    ledger: "/var/...",
    sources: { Service: "https://...@api.example:6443: 401; bearer ...; token=... ..." },
    drift: null,
    setAside: { "shop/web": "too large" },
  });
});

Deno.test("of a disk without room and of a read-only one the details say what to do, and the public answers do not", () => {
  const shown = (reason: string) => String(details({ ...FACTS, ledger: { reason, records: 1 } })["ledger"]);
  for (const reason of ["No space left on device (os error 28)", "Disk quota exceeded (os error 122)"]) {
    assert.match(shown(reason), /^.+ \(os error \d+\): free room .* --retain-megabytes/);
  }
  const reason = "Read-only file system (os error 30): open '/x'";
  assert.ok(shown(reason).startsWith(`${reason}: its disk is read-only`));
  assert.equal(shown("Input/output error (os error 5)"), "Input/output error (os error 5)");
  const answers = JSON.stringify(
    [healthz, livez].map((ask) => ask({ ...FACTS, ledger: { reason, records: 1 } })),
  );
  assert.doesNotMatch(answers, /os error|read-only/);
});

Deno.test("the endpoints answer in JSON; other paths are not found", async () => {
  let facts = FACTS;
  const address = { hostname: "127.0.0.1", port: 20_256 };
  await using _server = serveHealth(address, () => facts);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`);
    return [response.status, response.headers.get("content-type"), (await response.text()).slice(0, 1)];
  };
  assert.deepEqual(await get("/healthz"), [200, "application/json", "{"]);
  facts = { ...FACTS, nodeEligible: false };
  assert.deepEqual(await get("/healthz"), [503, "application/json", "{"]);
  assert.deepEqual(await get("/livez"), [200, "application/json", "{"]);
  assert.deepEqual((await get("/nothing"))[0], 404);
});

Deno.test("a health check port follows its Service: its count, its port, and a port that is in use", async () => {
  const warnings: string[] = [];
  await using ports = new HealthCheckPorts(
    () => FACTS,
    ({ name }, text) => warnings.push(`${name}: ${text}`),
  );
  const [port, other] = [20_257, 20_258];
  const one = (ip: number) => ({ namespace: "shop", name: "web", port, localEndpoints: { ip } });
  const ask = async (at: number) => {
    const response = await fetch(`http://127.0.0.1:${at}/any/path`);
    return [response.status, response.headers.get("x-load-balancing-endpoint-weight"), await response.json()];
  };
  const answer = (localEndpoints: number) => ({
    service: { namespace: "shop", name: "web" },
    localEndpoints,
    serviceProxyHealthy: true,
  });
  ports.follow([one(2)], ["127.0.0.1"]);
  assert.deepEqual(await ask(port), [200, "2", answer(2)]);
  ports.follow([one(0)], ["127.0.0.1"]);
  assert.deepEqual(await ask(port), [503, "0", answer(0)]);
  const taken = Deno.listen({ hostname: "127.0.0.1", port: other });
  ports.follow([{ ...one(1), port: other }], ["127.0.0.1"]);
  assert.match(
    warnings[0]!,
    /^web: health check port 20258 on 127\.0\.0\.1 cannot be opened: ./,
  );
  taken.close();
  ports.follow([{ ...one(1), port: other }], ["127.0.0.1"]);
  assert.deepEqual(await ask(other), [200, "1", answer(1)]);
});

Deno.test("a health check port answers in both families, in each for the endpoints of that family", async () => {
  await using ports = new HealthCheckPorts(() => FACTS, (_, text) => assert.fail(text));
  const port = 20_259;
  const asked = async (localEndpoints: LocalEndpoints, hostnames: readonly string[]) => {
    ports.follow([{ namespace: "shop", name: "web", port, localEndpoints }], hostnames);
    await until("its ports are open", () => ports.open === hostnames.length);
    return await Promise.all(["127.0.0.1", "[::1]"].map(async (host) => {
      const answer = await fetch(`http://${host}:${port}/`);
      const weight = answer.headers.get("x-load-balancing-endpoint-weight");
      return [answer.status, weight, (await answer.json()).localEndpoints];
    }));
  };
  // One server for each address, and one for all.
  for (const hostnames of [["127.0.0.1", "::1"], ["::"]]) {
    assert.deepEqual(await asked({ ip: 2, ip6: 2 }, hostnames), [[200, "2", 2], [200, "2", 2]]);
    assert.deepEqual(await asked({ ip: 0, ip6: 1 }, hostnames), [[503, "0", 0], [200, "1", 1]]);
    assert.deepEqual(await asked({ ip: 3, ip6: 0 }, hostnames), [[200, "3", 3], [503, "0", 0]]);
    // A Service of one family may be asked in the other.
    assert.deepEqual(await asked({ ip: 1 }, hostnames), [[200, "1", 1], [200, "1", 1]]);
    assert.deepEqual(await asked({ ip6: 1 }, hostnames), [[200, "1", 1], [200, "1", 1]]);
  }
});

Deno.test("health check ports beyond the bound are not opened, and are reported", async () => {
  const warnings: string[] = [];
  await using ports = new HealthCheckPorts(
    () => FACTS,
    ({ name }, text) => warnings.push(`${name}: ${text}`),
    NO_NOTES,
    () => 2,
  );
  const service = (number: number) => ({
    namespace: "shop",
    name: `s${number}`,
    port: 20_260 + number,
    localEndpoints: { ip: 1 },
  });
  const asked = (number: number) =>
    fetch(`http://127.0.0.1:${20_260 + number}/`).then(async (answer) => {
      await answer.body?.cancel();
      return answer.status;
    }, () => "closed");
  ports.follow([service(0), service(1), service(2)], ["127.0.0.1"]);
  assert.deepEqual(await Promise.all([0, 1, 2].map(asked)), [200, 200, "closed"]);
  assert.deepEqual(warnings, [
    `s2: health check port 20262 on 127.0.0.1 cannot be opened: ${TOO_FEW_DESCRIPTORS}`,
  ]);
  assert.match(warnings.join(), /too few descriptors: raise the limit of open files .*ulimit -n/);
  ports.follow([service(1), service(2)], ["127.0.0.1"]);
  assert.deepEqual(await Promise.all([0, 1, 2].map(asked)), ["closed", 200, 200]);
});

Deno.test("of many health check ports a part is opened at once, and the others follow; a Service that goes meanwhile has none", async () => {
  const [first, count, gone] = [20_300, 120, 119];
  await using ports = new HealthCheckPorts(() => FACTS, (_, text) => assert.fail(text));
  const services = Array.from({ length: count }, (_, i) => {
    return { namespace: "shop", name: `s${i}`, port: first + i, localEndpoints: { ip: 1 } };
  });
  ports.follow(services, ["127.0.0.1"]);
  const free = services.filter(({ port }) => isFree(port)).length;
  assert.ok(free > 0 && free < count, `${free} of ${count} are not open yet`);
  ports.follow(services.filter((_, i) => i !== gone), ["127.0.0.1"]);
  await until("the others are open", () => services.filter(({ port }) => isFree(port)).length === 1);
  assert.ok(isFree(first + gone));
});

/** Whether no server listens on `port` of 127.0.0.1. */
function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    return false;
  }
}
