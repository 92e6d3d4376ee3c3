// Objects that no user should write: ports out of range, huge lists, other families, names at the limit, control
// characters, duplicates, overlapping ranges.

import fc from "fast-check";

const long = (length: number) => "x".repeat(length);

/** Mostly valid values, so that the wrong ones are among objects that could break. */
const mostly = <T>(good: readonly T[], bad: readonly T[]) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.constantFrom(...bad) },
  );

const name = mostly(
  ["web", "a", "0", long(63), "drop"],
  [long(64), long(253), "a.b", "UPPER", 'quo"te', "new\nline", "nul\u0000", "é", "-x", ""],
);
const port = mostly<unknown>([80, 443, 1, 65535], [0, -1, 65536, 1.5, 1e9, "80", null]);
const portName = mostly<unknown>(
  ["http", "http", "", long(63), null, undefined],
  [long(64), "p/q", 'p"', "p\u0007"],
);
const protocol = mostly<unknown>(["TCP", "TCP", "UDP", "SCTP", null, undefined], ["tcp", "ICMP", ""]);
const address = mostly(
  [
    "10.0.0.1",
    "10.0.0.2",
    "10.00.000.1",
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "224.0.0.1",
    "fd00::1",
    "FD00:0::1",
    "::",
    "::1",
    "::ffff:10.0.0.1",
  ],
  ["fe80::1%eth0", "256.0.0.1", "10.0.0.1/32", "host.example", " 10.0.0.3 ", "", "None"],
);
const range = fc.constantFrom(
  "10.0.0.0/8",
  "10.0.0.0/8",
  "10.1.0.0/16",
  "10.1.2.3/16",
  "0.0.0.0/0",
  "10.0.0.1/32",
  "255.255.255.255/32",
  "128.0.0.0/1",
  "::/0",
  "fd00::/61",
  "fd00::1/128",
  "::ffff:10.0.0.0/104",
  " 192.0.2.0/024 ",
  "10.0.0.0/33",
  "10.0.0.0",
  "",
);
const some = <T>(one: fc.Arbitrary<T>, maxLength = 6) => fc.array(one, { maxLength });
const many = fc.constantFrom(0, 0, 0, 300).map((count) =>
  Array.from({ length: count }, (_, i) => `10.${1 + (i >> 8)}.${i & 255}.7`)
);

const service = fc.record({
  name,
  namespace: mostly(["shop"], [long(63), long(64), "a.b", "sh op"]),
  type: mostly<unknown>(["ClusterIP", "NodePort", "LoadBalancer", "", undefined], [
    "ExternalName",
    "Nonsense",
  ]),
  ports: some(
    fc.record({ name: portName, port, protocol, nodePort: fc.oneof(port, fc.constant(undefined)) }),
  ),
  ips: some(address, 3),
  external: fc.tuple(some(address), many).map(([few, lots]) => [...few, ...lots]),
  balancer: some(fc.record({ ip: address, ipMode: fc.constantFrom("VIP", "Proxy", "?", undefined) })),
  ranges: some(range),
  policy: fc.constantFrom("Local", "Cluster", "Sideways", undefined),
  internal: fc.constantFrom("Local", "Cluster", undefined),
  affinity: fc.constantFrom("ClientIP", "None", "Sometimes"),
  timeout: fc.constantFrom<unknown>(1, 86_400, 0, -5, 1e12, 1.5, null, undefined),
  health: port,
}).map((s) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: s.name, namespace: s.namespace },
  spec: {
    type: s.type,
    clusterIP: s.ips[0] ?? "",
    clusterIPs: s.ips,
    ports: s.ports,
    externalIPs: s.external,
    loadBalancerSourceRanges: s.ranges,
    externalTrafficPolicy: s.policy,
    internalTrafficPolicy: s.internal,
    sessionAffinity: s.affinity,
    sessionAffinityConfig: { clientIP: { timeoutSeconds: s.timeout } },
    healthCheckNodePort: s.health,
  },
  status: { loadBalancer: { ingress: s.balancer } },
}));

const slice = fc.record({
  owner: name,
  number: fc.integer({ min: 0, max: 2 }),
  type: mostly(["IPv4", "IPv6"], ["FQDN", "IPv5"]),
  ports: some(fc.record({ name: portName, port, protocol })),
  endpoints: fc.tuple(some(address), many).map(([few, lots]) => [...few, ...lots]),
  node: fc.constantFrom("node-a", "", undefined),
}).map((s) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `slice-${s.number}`,
    namespace: "shop",
    labels: { "kubernetes.io/service-name": s.owner },
  },
  addressType: s.type,
  ports: s.ports,
  endpoints: s.endpoints.map((one) => ({ addresses: [one], nodeName: s.node })),
}));

const serviceCidr = fc.record({ name: fc.constantFrom("a", "b"), cidrs: some(range) }).map((s) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: { name: s.name },
  spec: { cidrs: s.cidrs },
}));

const node = some(address, 4).map((addresses) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a" },
  spec: { podCIDRs: ["nonsense", "10.0.0.0/8"] },
  status: { addresses: addresses.map((one) => ({ type: "InternalIP", address: one })) },
}));

/** A random cluster of such objects, as a source would read it. */
export const hostileClusters: fc.Arbitrary<unknown[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: service },
    { weight: 6, arbitrary: slice },
    { weight: 1, arbitrary: serviceCidr },
    { weight: 1, arbitrary: node },
  ) as fc.Arbitrary<unknown>,
  { minLength: 1, maxLength: 8 },
);
