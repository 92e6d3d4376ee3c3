// ClientIP affinity with real packets: which endpoint a client reaches, how long its pin lasts, and what ends it.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import { send } from "../support/lab/probe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ALL = ["10.244.1.6@node-a", "10.244.2.5@node-b", "10.244.2.6@node-b", "10.244.2.7@node-b"];
const SERVERS = ALL.map((endpoint) => endpoint.replace(/@.*/, ":8080"));
const CONNECTIONS = 40;

function cluster(fields: string, endpoints: readonly string[], others = "") {
  const text = `
service shop/web type=NodePort ips=10.96.0.10,fd00:96::10 ports=http:80/tcp:30080,dns:53/udp:30053 ${fields}
slice shop/web-a ports=http:8080/tcp,dns:5353/udp ${endpoints.join(" ")}
${others}`;
  return decodeAll([nodeManifest(), ...parseScenario(text).objects.map(manifestOf)]);
}

/** The servers that answer `CONNECTIONS` connections of one client. */
function servers(lab: Lab, host: HostName, source: string, destination: string, port: number): string[] {
  const seen = Array.from(
    { length: CONNECTIONS },
    () => send(lab, { host, source, destination, port, protocol: "tcp" }, 1000).split(" from ")[0]!,
  );
  return [...new Set(seen)].sort();
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
  assert.equal(lab.run("node", "nft list ruleset").includes("shop/web/tcp"), false, "its chains are gone");
});

Deno.test("a changed timeout is applied, and existing pins stay", async () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.apply(cluster("affinity=3600", ALL));
  const [pinned] = fromPod(lab);
  proxy.apply(cluster("affinity=1", ALL));
  assert.deepEqual(fromPod(lab), [pinned]);
  const pins = () => lab.run("node", "nft list ruleset").includes("expires");
  assert.ok(pins());
  await until("the pin has timed out", () => !pins());
});
