// What one new Service costs the kernel, by kind of Service: beside others, and beside one more with ClientIP affinity on 100
// ports with 50 endpoints, which any tenant can make. Every kind is measured in turn, and the Service is deleted again.
//
//   deno task bench:new-service [OTHERS ...]

import { CommittingNode } from "./committing_node.ts";
import { table } from "./table.ts";

const ROUNDS = 60;
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

/** Median and least microseconds of a commit that adds a Service, by kind. */
function measure(node: CommittingNode): Map<string, { readonly median: number; readonly least: number }> {
  const times = new Map(Object.keys(KINDS).map((kind) => [kind, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [kind, text] of Object.entries(KINDS)) {
      node.fold(serviceOf(text));
      times.get(kind)!.push(node.commit());
      node.remove(serviceOf(text));
      node.commit();
    }
  }
  return new Map([...times].map(([kind, found]) => {
    const sorted = found.sort((a, b) => a - b);
    return [kind, { median: sorted[sorted.length >> 1]!, least: sorted[0]! }];
  }));
}

const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : [1000, 10_000];
for (const count of sizes) {
  using node = new CommittingNode();
  node.fold(others(count));
  node.commit();
  const alone = measure(node);
  node.fold(affinityService());
  node.commit();
  const beside = measure(node);
  table(
    `A new Service beside ${
      count.toLocaleString("en")
    } others with 3 endpoints (microseconds in the kernel), and beside ` +
      `one more with affinity, ${PORTS} ports and ${ENDPOINTS} endpoints`,
    [
      ["new Service", "p50", "least", "with affinity p50", "least", "ratio p50", "ratio least"],
      ...Object.keys(KINDS).map((kind) => {
        const [a, b] = [alone.get(kind)!, beside.get(kind)!];
        return [
          kind,
          a.median.toFixed(0),
          a.least.toFixed(0),
          b.median.toFixed(0),
          b.least.toFixed(0),
          (b.median / a.median).toFixed(2),
          (b.least / a.least).toFixed(2),
        ];
      }),
    ],
  );
}
