// UDP flows in a real kernel: the next datagram of a flow whose endpoint stopped serving goes to another one; other
// flows stay.

import assert from "node:assert/strict";
import { list, perform } from "../../src/engine/executor.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { Conntrack, type UdpFlows } from "../../src/kernel/conntrack.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { appears } from "../support/cluster_notation.ts";
import { EngineProcess, TIME } from "../support/engine_process.ts";
import { Flow, SILENT_MILLISECONDS } from "../support/lab/flow.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import {
  AF_INET,
  AF_INET6,
  closeDescriptor,
  newSocket,
  sendTo,
  SOCK_DGRAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

const [A, B] = ["10.244.1.6@node-a", "10.244.2.5@node-b"];
const [SERVER_A, SERVER_B] = ["10.244.1.6:5353", "10.244.2.5:5353"];
const SOURCE_PORT = 40_000;
const CONFIG = { kind: "config", time: TIME, version: "0", nodeName: "node-a" } as const;
const TABLES_GONE = "delete table ip ledgerproxy; delete table ip6 ledgerproxy";

function newLab(): Lab {
  const lab = new Lab();
  lab.run(
    "node",
    "sysctl -qw net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=30",
  );
  return lab;
}

const dns = (...endpoints: string[]) =>
  decodeAll([
    nodeManifest(),
    ...parseScenario(`
service shop/dns type=NodePort ips=10.96.0.10,fd00:96::10 ports=dns:53/udp:30053 external-ips=198.51.100.10
slice shop/dns-a ports=dns:5353/udp ${endpoints.filter((endpoint) => !endpoint.startsWith("fd")).join(" ")}
slice shop/dns-b ports=dns:5353/udp v6 ${
      endpoints.filter((endpoint) => endpoint.startsWith("fd")).join(" ")
    }`)
      .objects.map(manifestOf),
  ]);

const flow = (lab: Lab, host: HostName, source: string, destination: string, port = 53) =>
  new Flow(lab, { host, source, destination, port, protocol: "udp" }, SOURCE_PORT);

Deno.test("a flow to a removed endpoint goes to another, by every frontend and in both families", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(dns(A, "fd00:10:244:1::6@node-a"));
  using byCluster = flow(lab, "pod-1", "10.244.1.5", "10.96.0.10");
  using byExternal = flow(lab, "outside", "203.0.113.2", "198.51.100.10");
  using byNodePort = flow(lab, "outside", "203.0.113.66", "192.168.0.2", 30053);
  using v6 = flow(lab, "pod-1", "fd00:10:244:1::5", "fd00:96::10");
  const flows = [byCluster, byExternal, byNodePort, v6];
  const before = [SERVER_A, SERVER_A, SERVER_A, "[fd00:10:244:1::6]:5353"];
  assert.deepEqual(flows.map((one) => one.ask()), before);
  proxy.apply(dns(B, "fd00:10:244:2::5@node-b"));
  assert.deepEqual(flows.map((one) => one.ask()), [SERVER_B, SERVER_B, SERVER_B, "[fd00:10:244:2::5]:5353"]);
});

Deno.test("a flow to an endpoint that stays is kept, also while the endpoint terminates and serves", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(dns(A));
  using one = flow(lab, "pod-1", "10.244.1.5", "10.96.0.10");
  assert.equal(one.ask(), SERVER_A);
  proxy.apply(dns(A, B));
  assert.equal(one.ask(), SERVER_A);
  proxy.apply(dns(`${A}+terminating`, B));
  assert.equal(one.ask(), SERVER_A, "it drains");
  proxy.apply(dns(`${A}+unready`, B));
  assert.equal(one.ask(), SERVER_B, "it does not serve any more");
});

Deno.test("flows to another Service whose port has the number of a NodePort stay, when that loses its endpoint", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  const [v6A, v6B] = ["fd00:10:244:1::6@node-a", "fd00:10:244:2::5@node-b"];
  const game = decodeAll(
    parseScenario(`
service shop/game ips=10.96.0.20,fd00:96::20 ports=udp:30053/udp external-ips=198.51.100.20
slice shop/game-a ports=udp:5353/udp ${A}
slice shop/game-b ports=udp:5353/udp v6 ${v6A}`).objects.map(manifestOf),
  );
  const entries = (port: number) =>
    lab.run("node", `grep -c 'dport=${port} ' /proc/net/nf_conntrack || true`).trim();
  proxy.apply([...dns(A, v6A), ...game]);
  using byCluster = flow(lab, "pod-1", "10.244.1.5", "10.96.0.20", 30053);
  using byExternal = flow(lab, "outside", "203.0.113.2", "198.51.100.20", 30053);
  using v6 = flow(lab, "pod-1", "fd00:10:244:1::5", "fd00:96::20", 30053);
  using byNodePort = flow(lab, "outside", "203.0.113.66", "192.168.0.2", 30053);
  const flows = [byCluster, byExternal, v6, byNodePort];
  assert.deepEqual(flows.map((one) => one.ask()), [SERVER_A, SERVER_A, "[fd00:10:244:1::6]:5353", SERVER_A]);
  assert.equal(entries(30053), "4");
  proxy.apply([...dns(B, v6B), ...game]);
  assert.equal(entries(30053), "3", "that of the NodePort is forgotten, and no other");
  assert.equal(byNodePort.ask(), SERVER_B);
  proxy.apply(game);
  assert.equal(entries(30053), "3");
  assert.equal(byCluster.ask(), SERVER_A);
});

Deno.test("a flow that began before its Service had endpoints goes to the first one", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(decodeAll([nodeManifest()]));
  using early = flow(lab, "outside", "203.0.113.2", "198.51.100.10");
  assert.equal(early.ask(SILENT_MILLISECONDS), "");
  proxy.apply(dns(B));
  assert.equal(early.ask(), SERVER_B);
});

Deno.test("a restart of the proxy deletes no flow", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(dns(A, B));
  using one = flow(lab, "pod-1", "10.244.1.5", "10.96.0.10");
  const server = one.ask();
  const entries = () => lab.run("node", "grep -c 'dport=53 ' /proc/net/nf_conntrack || true").trim();
  const before = entries();
  assert.ok(Number(before) > 0, "there is an entry that could be deleted");
  proxy.restart(DEFAULT_PROXY_CONFIG);
  proxy.apply(dns(A, B));
  assert.equal(entries(), before);
  assert.equal(one.ask(), server);
});

Deno.test("a process that ended before it forgot the flows of its last record forgets them at its next start", () => {
  using lab = newLab();
  using node = newNode(lab);
  const first = node.start();
  first.list(...dns(A));
  using one = flow(lab, "pod-1", "10.244.1.5", "10.96.0.10");
  assert.equal(one.ask(), SERVER_A);
  first.append(dns(B).filter(({ kind }) => kind === "EndpointSlice").map(appears));
  node.start().list(...dns(B));
  assert.equal(one.ask(), SERVER_B);
});

Deno.test("a flow that began before a start made the rules of its ledger goes to an endpoint", () => {
  using lab = newLab();
  using node = newNode(lab);
  node.start().list(...dns(A));
  lab.run("node", `nft '${TABLES_GONE}'`);
  using one = flow(lab, "outside", "203.0.113.2", "198.51.100.10");
  assert.equal(one.ask(SILENT_MILLISECONDS), "");
  node.start().list(...dns(A));
  assert.equal(one.ask(), SERVER_A);
});

Deno.test("a flow that began while rules were gone goes to an endpoint once they are back", () => {
  using lab = newLab();
  using node = newNode(lab);
  const process = node.start();
  process.list(...dns(A));
  const withoutRules = (command: string, source: string) => {
    lab.run("node", `nft '${command}'`);
    using one = flow(lab, "outside", source, "198.51.100.10");
    assert.equal(one.ask(SILENT_MILLISECONDS), "", command);
    perform(process.engine, process.ports, list(process.kernel));
    perform(process.engine, process.ports, { kind: "sync" });
    assert.equal(one.ask(), SERVER_A, command);
  };
  withoutRules(TABLES_GONE, "203.0.113.2");
  withoutRules(
    "flush set ip ledgerproxy single-external-ips; flush map ip ledgerproxy single-external-endpoints",
    "203.0.113.66",
  );
});

Deno.test("the kernel lists the flows to a frontend alone, in both families", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(dns(A, "fd00:10:244:1::6@node-a"));
  using conntrack = lab.inside("node", () => new Conntrack());
  using one = flow(lab, "pod-1", "10.244.1.5", "10.96.0.10");
  using v6 = flow(lab, "pod-1", "fd00:10:244:1::5", "fd00:96::10");
  assert.deepEqual([one.ask(), v6.ask()], [SERVER_A, "[fd00:10:244:1::6]:5353"]);
  begin(lab, "10.244.1.6", 9000, 100);
  begin(lab, "fd00:10:244:1::6", 9000, 100);
  const to = { port: 53, serves: () => false };
  const deletions = Array.from(conntrack.deleteStale([
    { ...to, family: "ip", address: "10.96.0.10" },
    { ...to, family: "ip6", address: "fd00:96::10" },
  ]));
  const counts = deletions.map(({ family, listed, deleted }) => ({ family, listed, deleted }));
  assert.deepEqual(counts, [
    { family: "ip", listed: 1, deleted: 1 },
    { family: "ip6", listed: 1, deleted: 1 },
  ]);
});

Deno.test("many flows are deleted in pieces, and a run that is left in the middle does not disturb the next", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(dns(A));
  using conntrack = lab.inside("node", () => new Conntrack());
  const most = 2000;
  const flows = Array.from({ length: most }, (_, i): UdpFlows => {
    return { family: "ip", address: "10.244.1.6", port: 9000 + i, serves: () => false };
  });
  begin(lab, "10.244.1.6", 9000, most);
  for (const _ of conntrack.deleteStale(flows)) break;
  const pieces = Array.from(conntrack.deleteStale(flows));
  assert.ok(pieces.length > 1, `${pieces.length} pieces`);
  assert.ok(pieces.every(({ listed }) => listed < most / 2), `${pieces.map(({ listed }) => listed)}`);
  const left = lab.run("node", "grep -c 'dport=9[0-9]* ' /proc/net/nf_conntrack || true").trim();
  assert.equal(left, "0");
});

/**
 * Processes that run on the node of `lab`, with one ledger. A start ends the one before. There is another program with a NAT chain,
 * as on most nodes: without one no flow is tracked while our rules are gone.
 */
function newNode(lab: Lab): Disposable & { readonly start: () => EngineProcess } {
  lab.run(
    "node",
    "nft 'table ip cni { chain nat { type nat hook prerouting priority 0; tcp dport 9 redirect; }; }'",
  );
  const resources = new DisposableStack();
  const [kernel, conntrack] = lab.inside("node", () => [new NetlinkKernel(), new Conntrack()] as const);
  resources.use(kernel);
  resources.use(conntrack);
  const storage = memoryStorage();
  let process: EngineProcess | undefined;
  resources.defer(() => process?.[Symbol.dispose]());
  return {
    start() {
      process?.[Symbol.dispose]();
      return process = new EngineProcess(kernel, storage, { conntrack, first: [CONFIG] });
    },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

/** Begins `count` UDP flows from the node to `address`, at the ports from `port` on. */
function begin(lab: Lab, address: string, port: number, count: number): void {
  const socket = lab.inside("node", () => newSocket(address.includes(":") ? AF_INET6 : AF_INET, SOCK_DGRAM));
  try {
    for (let i = 0; i < count; i++) sendTo(socket, new Uint8Array(1), socketAddress(address, port + i));
  } finally {
    closeDescriptor(socket);
  }
}
