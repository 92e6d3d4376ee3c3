// ClientIP affinity with real packets: which endpoint a client reaches, how long its pin lasts, and what ends it.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { PINS_MAX } from "../../src/limits/rules.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, send } from "../support/lab/probe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ALL = ["10.244.1.6@node-a", "10.244.2.5@node-b", "10.244.2.6@node-b", "10.244.2.7@node-b"];
const SERVERS = ALL.map((endpoint) => endpoint.replace(/@.*/, ":8080"));
/** Each of four endpoints is missed by so many with probability below e^-20. */
const CONNECTIONS = 80;

function cluster(fields: string, endpoints: readonly string[], others = "") {
  const text = `
service shop/web type=NodePort ips=10.96.0.10,fd00:96::10 ports=http:80/tcp:30080,dns:53/udp:30053 ${fields}
slice shop/web-a ports=http:8080/tcp,dns:5353/udp ${endpoints.join(" ")}
${others}`;
  return decodeAll([nodeManifest(), ...parseScenario(text).objects.map(manifestOf)]);
}

/** The servers that answer `connections` connections of one client, or datagrams. */
function servers(
  lab: Lab,
  host: HostName,
  source: string,
  destination: string,
  port: number,
  { protocol = "tcp", connections = CONNECTIONS }: { protocol?: "tcp" | "udp"; connections?: number } = {},
): string[] {
  const seen = Array.from(
    { length: connections },
    () =>
      send(lab, { host, source, destination, port, protocol }, FIRST_ATTEMPT_MILLISECONDS).split(
        " from ",
      )[0]!,
  );
  return [...new Set(seen)].sort();
}

/** The pins of both families, as nft prints them. */
function pinsOf(lab: Lab): string[] {
  return ["ip", "ip6"].flatMap((family) =>
    lab.run("node", `nft list map ${family} ledgerproxy affinity-pins`).match(
      /\S+ \. \S+[^,={}]*? timeout [^,}]*/g,
    ) ?? []
  );
}

const fromPod = (lab: Lab) => servers(lab, "pod-1", "10.244.1.5", "10.96.0.10", 80);
const fromPodByNodePort = (lab: Lab) => servers(lab, "pod-1", "10.244.1.5", "192.168.0.2", 30080);

Deno.test("all connections of a client go to one endpoint, by every frontend", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(cluster("affinity=60", ALL));
  const [first, ...rest] = fromPod(lab);
  assert.deepEqual(rest, []);
  assert.deepEqual(fromPodByNodePort(lab), [first]);
  const clients = ["203.0.113.2", "203.0.113.66", "10.244.3.9"].map((source) =>
    servers(lab, "outside", source, "10.96.0.10", 80)
  );
  assert.ok(clients.every((seen) => seen.length === 1));
});

Deno.test("a pin stays through a restart and changes of other endpoints and Services", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(cluster("affinity=60", ALL));
  const [pinned] = fromPod(lab);
  proxy.restart(DEFAULT_PROXY_CONFIG);
  proxy.apply(cluster("affinity=60", ALL));
  assert.deepEqual(fromPod(lab), [pinned]);
  const other = ALL.find((endpoint) => !pinned!.startsWith(endpoint.split("@")[0]!))!;
  const without = ALL.filter((endpoint) => endpoint !== other);
  proxy.apply(cluster("affinity=60 external-ips=198.51.100.10", without));
  assert.deepEqual(fromPod(lab), [pinned]);
  const elsewhere =
    "service shop/new ips=10.96.0.11 ports=:80/tcp\nslice shop/new-a ports=:8080/tcp 10.244.2.5@node-b";
  proxy.apply(cluster("affinity=60", ALL, elsewhere));
  assert.deepEqual(fromPod(lab), [pinned]);
});

Deno.test("a pin ends when its endpoint goes, and when affinity is turned off", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(cluster("affinity=60", ALL));
  const [pinned] = fromPod(lab);
  const without = ALL.filter((endpoint) => !pinned!.startsWith(endpoint.split("@")[0]!));
  proxy.apply(cluster("affinity=60", without));
  const [next, ...rest] = fromPod(lab);
  assert.deepEqual(rest, []);
  assert.notEqual(next, pinned);
  proxy.apply(cluster("", ALL));
  assert.deepEqual(fromPod(lab), SERVERS);
  assert.equal(lab.run("node", "nft list ruleset").includes("renew/"), false, "its chain is gone");
});

Deno.test("a changed timeout is applied, and existing pins stay", async () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(cluster("affinity=3600", ALL));
  const [pinned] = fromPod(lab);
  // Long enough for a connection and a listing on a busy machine.
  proxy.apply(cluster("affinity=5", ALL));
  assert.deepEqual(fromPod(lab), [pinned]);
  const pins = () => lab.run("node", "nft list ruleset").includes("expires");
  assert.ok(pins());
  await until("the pin has timed out", () => !pins());
});

const EVERYWHERE = "type=LoadBalancer ips=10.96.0.10,fd00:96::10 ports=http:80/tcp:30080,dns:53/udp:30053 " +
  "external-ips=198.51.100.10,fd00:198::10 balancer=198.51.100.20,fd00:198::20";
const ALL6 = [
  "fd00:10:244:1::6@node-a",
  "fd00:10:244:2::5@node-b",
  "fd00:10:244:2::6@node-b",
  "fd00:10:244:2::7@node-b",
];
const ENDPOINTS_OF = { ip: ALL, ip6: ALL6 };
const FRONTENDS = {
  ip: ["10.96.0.10", "198.51.100.10", "198.51.100.20", "192.168.0.2"],
  ip6: ["fd00:96::10", "fd00:198::10", "fd00:198::20", "fd00:192::2"],
};
const CLIENTS = {
  ip: [["outside", "203.0.113.2"], ["outside", "203.0.113.66"], ["outside", "10.244.3.9"], [
    "pod-1",
    "10.244.1.5",
  ]],
  ip6: [["outside", "fd00:203::2"], ["outside", "fd00:203::66"], ["pod-1", "fd00:10:244:1::5"]],
} as const;

function everywhere(fields: string, endpoints: typeof ENDPOINTS_OF = ENDPOINTS_OF) {
  const text = `
service shop/web ${EVERYWHERE} ${fields}
slice shop/web-a ports=http:8080/tcp,dns:5353/udp ${endpoints.ip.join(" ")}
slice shop/web-b ports=http:8080/tcp,dns:5353/udp ${endpoints.ip6.join(" ")}`;
  return decodeAll([nodeManifest(), ...parseScenario(text).objects.map(manifestOf)]);
}

/** The servers that a client of `family` reaches by all frontends of a port. */
function byEveryFrontend(lab: Lab, family: "ip" | "ip6", client: number, protocol: "tcp" | "udp"): string[] {
  const [host, source] = CLIENTS[family][client]!;
  const [port, nodePort] = protocol === "tcp" ? [80, 30080] : [53, 30053];
  const seen = FRONTENDS[family].flatMap((address, i) =>
    servers(lab, host, source, address, i === 3 ? nodePort : port, { protocol, connections: 6 })
  );
  return [...new Set(seen)].sort();
}

Deno.test("each client has one endpoint of a ServicePort at all of its frontends, in both families, over TCP and UDP", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(everywhere("affinity=60"));
  for (const family of ["ip", "ip6"] as const) {
    for (const protocol of ["tcp", "udp"] as const) {
      for (const client of CLIENTS[family].keys()) {
        const seen = byEveryFrontend(lab, family, client, protocol);
        assert.equal(seen.length, 1, `${family} ${protocol} ${client}: ${seen}`);
        assert.match(seen[0]!, protocol === "tcp" ? /:8080$/ : /:5353$/);
      }
    }
  }
  assert.equal(
    pinsOf(lab).length,
    2 * (CLIENTS.ip.length + CLIENTS.ip6.length),
    "one for each client and ServicePort",
  );
});

Deno.test("under Local policies a client is pinned to an endpoint that the policy allows", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const local = { ip: ["10.244.1.5@node-a", ...ALL], ip6: ["fd00:10:244:1::5@node-a", ...ALL6] };
  proxy.apply(everywhere("affinity=60 external=Local internal=Local", local));
  for (const family of ["ip", "ip6"] as const) {
    for (const protocol of ["tcp", "udp"] as const) {
      const [seen, ...others] = byEveryFrontend(lab, family, 0, protocol);
      assert.deepEqual(others, []);
      assert.match(seen!, /1\.[56]:|1::[56]\]:/, "an endpoint of the node");
    }
  }
  // A pod may use all endpoints of external addresses. Once it has used the cluster IP, its pin is a local one.
  const [host, source] = CLIENTS.ip[3];
  const far = () => servers(lab, host, source, "198.51.100.10", 80, { connections: 3 });
  const first = far();
  assert.equal(first.length, 1);
  const [internal, ...rest] = servers(lab, host, source, "10.96.0.10", 80, { connections: 6 });
  assert.deepEqual(rest, []);
  assert.match(internal!, /^10\.244\.1\.[56]:/);
  assert.deepEqual(far(), [internal], "all frontends share the pin");
});

Deno.test("a pin stays while others of the list come, go and change places", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  for (const family of ["ip", "ip6"] as const) {
    proxy.apply(everywhere("affinity=3600"));
    const [pinned] = byEveryFrontend(lab, family, 0, "tcp");
    const isPinned = (endpoint: string) =>
      pinned!.replace(/[[\]]/g, "").startsWith(`${endpoint.split("@")[0]}:`);
    for (const gone of ENDPOINTS_OF[family].filter((endpoint) => !isPinned(endpoint))) {
      const left = ENDPOINTS_OF[family].filter((endpoint) => endpoint !== gone);
      proxy.apply(everywhere("affinity=3600", { ...ENDPOINTS_OF, [family]: left }));
      assert.deepEqual(byEveryFrontend(lab, family, 0, "tcp"), [pinned], `without ${gone}`);
      proxy.apply(
        everywhere("affinity=3600", { ...ENDPOINTS_OF, [family]: [...left].reverse().concat(gone) }),
      );
      assert.deepEqual(byEveryFrontend(lab, family, 0, "tcp"), [pinned], `${gone} is back`);
    }
    const alone = ENDPOINTS_OF[family].filter(isPinned);
    proxy.apply(everywhere("affinity=3600", { ...ENDPOINTS_OF, [family]: alone }));
    assert.deepEqual(byEveryFrontend(lab, family, 0, "tcp"), [pinned], "the only one");
  }
});

Deno.test("a client whose endpoint has gone gets another one, and keeps it when the first is back", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  for (const family of ["ip", "ip6"] as const) {
    proxy.apply(everywhere("affinity=3600"));
    const [pinned] = byEveryFrontend(lab, family, 0, "udp");
    const pins = pinsOf(lab);
    const isPinned = (endpoint: string) =>
      pinned!.replace(/[[\]]/g, "").startsWith(`${endpoint.split("@")[0]}:`);
    const left = ENDPOINTS_OF[family].filter((endpoint) => !isPinned(endpoint));
    proxy.apply(everywhere("affinity=3600", { ...ENDPOINTS_OF, [family]: left }));
    assert.equal(pinsOf(lab).length, pins.length, "the pin of the endpoint that is gone does no harm");
    const [next, ...others] = byEveryFrontend(lab, family, 0, "udp");
    assert.deepEqual(others, []);
    assert.notEqual(next, pinned);
    assert.equal(pinsOf(lab).length, pins.length, "and is replaced");
    proxy.apply(everywhere("affinity=3600"));
    assert.deepEqual(byEveryFrontend(lab, family, 0, "udp"), [next]);
  }
});

Deno.test("affinity that is turned on, off and on again pins while it is on", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  for (const _ of [1, 2]) {
    proxy.apply(everywhere(""));
    assert.equal(servers(lab, "outside", "203.0.113.2", "10.96.0.10", 80).length, ALL.length);
    proxy.apply(everywhere("affinity=60"));
    for (const family of ["ip", "ip6"] as const) {
      assert.equal(byEveryFrontend(lab, family, 0, "tcp").length, 1);
    }
  }
});

Deno.test("each connection renews the pin of its client", async () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(everywhere("affinity=600"));
  for (const family of ["ip", "ip6"] as const) {
    const [pinned] = byEveryFrontend(lab, family, 0, "tcp");
    const expires = () => {
      const [, minutes, seconds] = /expires (?:(\d+)m)?(?:(\d+)s)?/.exec(pinsOf(lab).at(-1)!)!;
      return Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
    };
    await until("some seconds have passed", () => expires() < 595);
    const before = expires();
    const [host, source] = CLIENTS[family][0];
    assert.deepEqual(servers(lab, host, source, FRONTENDS[family][1]!, 80, { connections: 1 }), [pinned]);
    // Without the connection it is never later than before, however long a listing takes.
    const after = expires();
    assert.ok(after > before, `${before} s, and then ${after} s`);
  }
});

Deno.test("clients without room in the map of pins reach an endpoint by every frontend all the same", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const file = Deno.makeTempFileSync();
  for (const endpoints of [ENDPOINTS_OF, { ip: ALL.slice(0, 2), ip6: ALL6.slice(0, 2) }]) {
    proxy.apply(everywhere("affinity=60", endpoints));
    // An element that a packet deletes takes its room until the kernel collects it.
    lab.run(
      "node",
      "nft flush map ip ledgerproxy affinity-pins",
      "nft flush map ip6 ledgerproxy affinity-pins",
    );
    lab.run(
      "node",
      `nft list ruleset | sed 's/size ${PINS_MAX}/size 1/' > ${file}`,
      "nft flush ruleset",
      `nft -f ${file}`,
    );
    for (const family of ["ip", "ip6"] as const) {
      assert.equal(byEveryFrontend(lab, family, 0, "tcp").length, 1, "the first client is pinned");
      const seen = byEveryFrontend(lab, family, 1, "tcp");
      assert.ok(seen.every((server) => server.endsWith(":8080")), `${family}: ${seen}`);
    }
    assert.equal(pinsOf(lab).length, 2, "one in each family");
  }
  Deno.removeSync(file);
});
