// Real packets and chains that see only the first packet of a flow: what a guard, a refusal and other programs' NAT chains
// do to flows that began before, and to packets that are sent again.

import assert from "node:assert/strict";
import {
  AF_INET,
  bindSocket,
  closeDescriptor,
  connectSocket,
  listenSocket,
  newSocket,
  pendingError,
  SOCK_STREAM,
} from "../support/lab/libc.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";
import { Flow, SILENT_MILLISECONDS } from "../support/lab/flow.ts";
import { Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, type Probe, send } from "../support/lab/probe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const [ALLOWED, OTHER] = ["203.0.113.2", "203.0.113.66"];
const BALANCER = "198.51.100.20";
/** How long to wait, in milliseconds, for an answer that is not expected, and for one that is. */
const PATIENCE = { lost: 200, answered: FIRST_ATTEMPT_MILLISECONDS };
/** A SYN is sent again after one second, after two more, and so on. */
const RETRANSMISSION_MILLISECONDS = 20_000;
const PORT = 41_000;

const cluster = (text: string) => decodeAll([nodeManifest(), ...parseScenario(text).objects.map(manifestOf)]);
const web = (ranges: string, endpoints: string) =>
  cluster(`
service shop/web type=LoadBalancer ips=10.96.0.10 ports=dns:53/udp,http:80/tcp balancer=${BALANCER}${
    ranges === "" ? "" : ` ranges=${ranges}`
  }
slice shop/web-a ports=dns:5353/udp,http:8080/tcp ${endpoints}`);
const REMOTE = "10.244.2.5@node-b";
const SERVER = "10.244.2.5:5353";

function newLab(...commands: string[]): Lab {
  const lab = new Lab();
  const timeouts = ["udp_timeout", "udp_timeout_stream"].map((name) =>
    `net.netfilter.nf_conntrack_${name}=30`
  );
  lab.run("node", `sysctl -qw ${timeouts.join(" ")}`, ...commands);
  return lab;
}

const flow = (lab: Lab, source: string, port = PORT) =>
  new Flow(lab, { host: "outside", source, destination: BALANCER, port: 53, protocol: "udp" }, port);
const tcp = (source: string, destination: string, port = 80): Probe => ({
  host: "outside",
  source,
  destination,
  port,
  protocol: "tcp",
});

/** A client outside whose connection is under way. Dispose of it to close its socket. */
class Connecting implements Disposable {
  readonly #client: number;

  constructor(lab: Lab, source: string) {
    this.#client = lab.inside("outside", () => newSocket(AF_INET, SOCK_STREAM));
    bindSocket(this.#client, source, PORT);
    assert.equal(connectSocket(this.#client, BALANCER, 80), 0);
  }

  get error(): number {
    return pendingError(this.#client);
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.#client);
  }
}

/** Counts the SYNs that `host` receives for `port`, before any other rule; with `drop` it answers none. */
function countSyns(lab: Lab, host: "node" | "remote", port: number, drop = false): () => number {
  lab.run(
    host,
    "nft add table ip counting",
    "nft add chain ip counting first '{ type filter hook prerouting priority -350; }'",
    `nft add rule ip counting first 'tcp dport ${port} tcp flags syn / syn,ack counter ${
      drop ? "drop" : ""
    }'`,
  );
  return () => Number(/packets (\d+)/.exec(lab.run(host, "nft list table ip counting"))?.[1]);
}

/** By family: clients that a range excludes later and does not, the balancer, and an endpoint where no program answers. */
const SILENT = {
  ip: { allowed: ALLOWED, other: OTHER, balancer: BALANCER, wide: "203.0.113.0/24", ips: "10.96.0.10" },
  ip6: {
    allowed: "fd00:203::2",
    other: "fd00:203::66",
    balancer: "2001:db8::20",
    wide: "fd00:203::/64",
    ips: "fd00:96::10",
  },
} as const;

for (const family of FAMILIES) {
  Deno.test(`a range that is tightened stops an unanswered UDP flow at its next datagram (${family})`, () => {
    using lab = newLab();
    using proxy = new LabProxy(lab);
    const { allowed, other, balancer, wide, ips } = SILENT[family];
    const endpoint = family === "ip" ? "10.244.2.9@node-b" : "fd00:10:244:2::9@node-b";
    const dns = (ranges: string) =>
      cluster(
        `service shop/dns type=LoadBalancer ips=${ips} ports=dns:53/udp balancer=${balancer} ranges=${ranges}\n` +
          `slice shop/dns-a ports=dns:5353/udp ${family === "ip" ? "" : "v6 "}${endpoint}`,
      );
    const open = (source: string) =>
      new Flow(lab, { host: "outside", source, destination: balancer, port: 53, protocol: "udp" }, PORT);
    proxy.apply(dns(wide));
    using within = open(allowed);
    using without = open(other);
    const entries = (source: string) => {
      const long = family === "ip" ? source : longForm(source);
      return lab.run(
        "node",
        `grep -c 'src=${long} .*sport=${PORT} .*UNREPLIED' /proc/net/nf_conntrack || true`,
      ).trim();
    };
    for (const [one, source] of [[within, allowed], [without, other]] as const) {
      assert.equal(one.ask(SILENT_MILLISECONDS), "");
      assert.equal(entries(source), "1", `an entry of ${source}`);
    }
    proxy.apply(dns(`${allowed}/${family === "ip" ? 32 : 128}`));
    assert.equal(entries(allowed), "1", "the guard lets it through");
    assert.equal(without.ask(SILENT_MILLISECONDS), "");
    assert.equal(entries(other), "0", "the guard dropped the datagram, so no entry came back");
  });
}

/** An IPv6 address as the kernel lists it: `fd00:0203:0000:0000:0000:0000:0000:0002`. */
function longForm(address: string): string {
  const [before, after] = address.split("::").map((half) => half === "" ? [] : half.split(":"));
  const zeros = Array.from({ length: 8 - before!.length - after!.length }, () => "0");
  return [...before!, ...zeros, ...after!].map((group) => group.padStart(4, "0")).join(":");
}

Deno.test("an answered UDP flow outlives a range that excludes its client, as in kube-proxy", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(web("203.0.113.0/24", REMOTE));
  using answered = flow(lab, OTHER);
  assert.equal(answered.ask(), SERVER);
  proxy.apply(web(`${ALLOWED}/32`, REMOTE));
  assert.equal(answered.ask(), SERVER);
  using young = flow(lab, OTHER, PORT + 1);
  assert.equal(young.ask(SILENT_MILLISECONDS), "");
});

Deno.test("a SYN that is sent again meets the range that was tightened meanwhile", async () => {
  using lab = newLab();
  const [atNode, atEndpoint] = [countSyns(lab, "node", 80), countSyns(lab, "remote", 8080, true)];
  using proxy = new LabProxy(lab);
  proxy.apply(web("203.0.113.0/24", REMOTE));
  using _client = new Connecting(lab, OTHER);
  await until("the endpoint has received a SYN", () => atEndpoint() > 0);
  proxy.apply(web(`${ALLOWED}/32`, REMOTE));
  // On a busy machine the SYN may have been sent again before.
  const [before, reached] = [atNode(), atEndpoint()];
  await until("the SYN is sent again", () => atNode() > before, RETRANSMISSION_MILLISECONDS);
  assert.equal(atEndpoint(), reached);
});

Deno.test("a SYN that is sent again is let through where the range was widened meanwhile", async () => {
  using lab = newLab();
  const atNode = countSyns(lab, "node", 80);
  using proxy = new LabProxy(lab);
  proxy.apply(web(`${ALLOWED}/32`, REMOTE));
  using client = new Connecting(lab, OTHER);
  await until("the node has received a SYN", () => atNode() > 0);
  const states = () => lab.run("outside", `ss -tnH state established sport = :${PORT} | wc -l`).trim();
  assert.equal(states(), "0");
  proxy.apply(web("203.0.113.0/24", REMOTE));
  await until("the connection is established", () => states() === "1", RETRANSMISSION_MILLISECONDS);
  assert.equal(client.error, 0);
});

Deno.test("when the last endpoint is gone, a UDP flow is refused at its next datagram, and TCP at once", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.apply(web("", REMOTE));
  using one = flow(lab, ALLOWED);
  assert.equal(one.ask(), SERVER);
  proxy.apply(web("", ""));
  assert.equal(send(lab, tcp(ALLOWED, BALANCER), PATIENCE.answered), "refused");
  const udp: Probe = { ...tcp(ALLOWED, BALANCER, 53), protocol: "udp" };
  assert.equal(send(lab, udp, PATIENCE.answered), "refused");
  assert.equal(one.ask(SILENT_MILLISECONDS), "");
  const entries = lab.run("node", `grep -c 'dst=${BALANCER} .*dport=53 ' /proc/net/nf_conntrack || true`);
  assert.equal(entries.trim(), "0", "refused datagrams leave no entry");
});

for (const priority of [-105, -100]) {
  Deno.test(`a NAT chain of another program at ${priority}, before our frontends, hides no packet from the guard`, () => {
    using lab = newLab();
    using proxy = new LabProxy(lab);
    proxy.apply(web(`${ALLOWED}/32`, REMOTE));
    // Of two chains with one priority the younger comes first.
    lab.run(
      "node",
      "nft add table ip other",
      `nft add chain ip other first '{ type nat hook prerouting priority ${priority}; }'`,
      `nft add rule ip other first 'ip daddr ${BALANCER} tcp dport 80 dnat to 10.244.2.6:8080'`,
    );
    const seen = (source: string, patience: number) => send(lab, tcp(source, BALANCER), patience);
    assert.equal(
      seen(ALLOWED, PATIENCE.answered),
      `10.244.2.6:8080 from ${ALLOWED}`,
      "it is the other program's",
    );
    assert.equal(seen(OTHER, PATIENCE.lost), "lost");
  });
}

Deno.test("an address that another program translates after us is not refused, though it is a cluster IP to us", () => {
  const frontends = ["10.96.0.10 tcp dport 81", "10.96.0.99 tcp dport 80", "198.51.100.30 tcp dport 80"];
  using lab = newLab(
    "nft add table ip other",
    "nft add chain ip other last '{ type nat hook prerouting priority -90; }'",
    ...frontends.map((one) => `nft add rule ip other last 'ip daddr ${one} dnat to 10.244.2.6:8080'`),
  );
  using proxy = new LabProxy(lab);
  proxy.apply(cluster(`
service-cidr all cidrs=10.96.0.0/16
service shop/web ips=10.96.0.10 ports=http:80/tcp
service shop/none ips=10.96.0.11 ports=http:80/tcp external-ips=198.51.100.30`));
  const seen = (destination: string, port: number) =>
    send(lab, tcp(ALLOWED, destination, port), PATIENCE.answered);
  const served = `10.244.2.6:8080 from ${ALLOWED}`;
  assert.deepEqual(
    [seen("10.96.0.10", 81), seen("10.96.0.99", 80), seen("198.51.100.30", 80)],
    [served, served, served],
  );
  assert.deepEqual(
    [seen("10.96.0.10", 82), seen("10.96.0.98", 80), seen("10.96.0.11", 80)],
    ["refused", "lost", "refused"],
  );
});

Deno.test("a packet from outside that is for no frontend has the mark that it came with, and a frontend's is masqueraded", () => {
  using lab = newLab();
  using proxy = new LabProxy(lab);
  proxy.restart({ ...DEFAULT_PROXY_CONFIG, detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16"] } });
  proxy.apply(web("", REMOTE));
  const seen = (destination: string, port: number) =>
    send(lab, tcp(ALLOWED, destination, port), PATIENCE.answered);
  const [pod, direct] = ["10.244.2.6", `10.244.2.6:8080 from ${ALLOWED}`];
  assert.equal(seen(pod, 8080), direct, "no mark is left");
  assert.match(seen(BALANCER, 80), /^10\.244\.2\.5:8080 from (?!203\.)/);
  lab.run(
    "node",
    "nft add table ip other",
    "nft add chain ip other first '{ type filter hook prerouting priority -150; }'",
    "nft add rule ip other first 'mark set mark or 0x4000'",
  );
  assert.match(seen(pod, 8080), /^10\.244\.2\.6:8080 from (?!203\.)/, "the other program's mark is kept");
  assert.match(seen(BALANCER, 80), /^10\.244\.2\.5:8080 from (?!203\.)/);
});

Deno.test("a cluster IP that the node itself has is not refused at ports that a program of the node serves", async () => {
  using lab = newLab("ip address add 10.96.0.10/32 dev lo");
  const listener = lab.inside("node", () => newSocket(AF_INET, SOCK_STREAM));
  bindSocket(listener, "10.96.0.10", 9253);
  listenSocket(listener);
  using proxy = new LabProxy(lab);
  proxy.apply(
    cluster(`service-cidr all cidrs=10.96.0.0/16\nservice shop/dns ips=10.96.0.10 ports=dns:53/udp`),
  );
  const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_STREAM));
  bindSocket(client, "10.244.1.5", PORT);
  connectSocket(client, "10.96.0.10", 9253);
  const states = () => lab.run("pod-1", `ss -tnH state established sport = :${PORT} | wc -l`).trim();
  await until("the connection is established", () => states() === "1");
  [client, listener].forEach(closeDescriptor);
});
