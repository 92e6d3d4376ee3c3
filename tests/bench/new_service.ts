// What one new Service costs the kernel, by kind of Service: beside others, and beside one more with ClientIP affinity on 100
// ports with 50 endpoints, which any tenant can make. Both nodes exist at the same time and take turns, so that ratios are
// paired; each Service is deleted again.
//
//   deno task bench:new-service [OTHERS ...]

import { closeDescriptor, currentNamespace, enterNamespace, newNamespace } from "../support/lab/libc.ts";
import { CommittingNode } from "./committing_node.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const ROUNDS = 100;
const PORTS = 100;
const ENDPOINTS = 50;

const KINDS: Readonly<Record<string, string>> = {
  "one endpoint": "ips=10.250.0.1 ports=http:80/tcp|10.128.0.1@",
  "three endpoints": "ips=10.250.0.1 ports=http:80/tcp|10.128.0.1@ 10.128.0.2@ 10.128.0.3@",
  "no endpoint": "ips=10.250.0.1 ports=http:80/tcp|",
  "external IP": "ips=10.250.0.1 ports=http:80/tcp external-ips=192.0.2.1|10.128.0.1@",
  "NodePort": "type=NodePort ips=10.250.0.1 ports=http:80/tcp:30080|10.128.0.1@",
  "external policy Local":
    "type=LoadBalancer ips=10.250.0.1 ports=http:80/tcp:30080 balancer=192.0.2.1 external=Local|10.128.0.1@",
  "source ranges":
    "type=LoadBalancer ips=10.250.0.1 ports=http:80/tcp balancer=192.0.2.1 ranges=203.0.113.0/24|10.128.0.1@",
  "ClientIP affinity": "ips=10.250.0.1 ports=http:80/tcp affinity=60|10.128.0.1@ 10.128.0.2@",
};

/** A Service of each kind of text in {@link KINDS}, named `name`. */
function serviceOf(kind: string): string {
  const [fields, endpoints] = kind.split("|");
  return `service shop/new ${fields}\nslice shop/new-a ports=http:8080/tcp ${endpoints}`;
}

function others(count: number): string {
  const place = (i: number) => `${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  return Array.from(
    { length: count },
    (_, i) =>
      `service shop/s${i} ips=11.${place(i)} ports=http:80/tcp\n` +
      `slice shop/s${i}-a ports=http:8080/tcp 12.${place(i)}@ 13.${place(i)}@ 14.${place(i)}@`,
  ).join("\n");
}

function affinityService(): string {
  const ports = Array.from({ length: PORTS }, (_, i) => `p${i}:${1000 + i}/tcp`).join(",");
  const targets = Array.from({ length: PORTS }, (_, i) => `p${i}:${9000 + i}/tcp`).join(",");
  const endpoints = Array.from({ length: ENDPOINTS }, (_, i) => `10.129.0.${i + 1}@`).join(" ");
  return `service evil/pinned ips=10.251.0.1 affinity=60 ports=${ports}\n` +
    `slice evil/pinned-a ports=${targets} ${endpoints}`;
}

/** A new node in a network namespace of its own. */
function nodeApart(): CommittingNode {
  const home = currentNamespace();
  const namespace = newNamespace();
  const node = new CommittingNode();
  enterNamespace(home);
  [home, namespace].forEach(closeDescriptor);
  return node;
}

/** Microseconds of a commit on `node` that adds a Service. It is deleted again. */
function addOne(node: CommittingNode, service: string): number {
  node.fold(service);
  const microseconds = node.commit();
  node.remove(service);
  node.commit();
  return microseconds;
}

/** The table of a node with `count` others, beside which a Service with affinity is added. */
function measure(count: number): void {
  using alone = nodeApart();
  using beside = nodeApart();
  const nodes = [alone, beside];
  for (const node of nodes) node.fold(others(count));
  beside.fold(affinityService());
  for (const node of nodes) node.commit();
  const rows = Object.entries(KINDS).map(([kind, text]) => {
    const times = nodes.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      nodes.forEach((node, i) => times[i]!.push(addOne(node, serviceOf(text))));
    }
    const ratios = times[1]!.map((time, round) => time / times[0]![round]!);
    const [one, two] = times.map((found) => [percentile(found, 0.1), percentile(found, 0.5)]);
    return [kind, ...[...one!, ...two!].map((time) => time.toFixed(0)), percentile(ratios, 0.5).toFixed(2)];
  });
  table(
    `A new Service beside ${
      count.toLocaleString("en")
    } others with 3 endpoints (microseconds in the kernel), and beside ` +
      `one more with affinity, ${PORTS} ports and ${ENDPOINTS} endpoints`,
    [["new Service", "p10", "p50", "with affinity p10", "p50", "ratio, p50 of pairs"], ...rows],
  );
}

const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [1000, 10_000, 50_000];
for (const count of sizes) measure(count);
