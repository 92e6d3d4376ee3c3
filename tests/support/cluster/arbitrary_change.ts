// Random changes of a cluster, as a person with kubectl or a controller makes them: a few Services of every kind with slices in every
// condition are made, changed and deleted, one at a time or several at once. What a Service is to be may depend on what it is now.

import fc from "fast-check";
import { ENDPOINTS } from "../scenario/arbitrary_scenario.ts";
import { type Manifest, nodeManifest } from "../scenario/scenario.ts";
import type { Json } from "./control_plane.ts";

/** One object that is written or deleted. */
export type Write =
  | { readonly kind: "Service"; readonly name: string; readonly wish: ServiceWish }
  | { readonly kind: "EndpointSlice"; readonly name: string; readonly manifest: Manifest }
  | { readonly kind: "Node"; readonly manifest: Manifest }
  | { readonly kind: "delete"; readonly of: "Service" | "EndpointSlice"; readonly name: string };

const SERVICES = 6;
const EXTERNAL = ["198.51.100.10", "198.51.100.11", "fd00:198::10", "fd00:198::11"];
const BALANCERS = ["198.51.100.20", "198.51.100.21", "fd00:198::20", ...EXTERNAL.slice(1, 3)];
const RANGES = [
  ...["203.0.113.0/26", "203.0.113.66/32", "203.0.113.0/24", "10.244.0.0/16", "10.0.0.0/9"],
  ...["192.168.0.0/24", "fd00:203::2/128", "fd00:10:244::/48", "0.0.0.0/0"],
];
const SERVICE_PORTS: readonly (readonly Json[])[] = [
  [{ port: 80 }],
  [{ name: "http", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }],
  [{ name: "http", port: 81 }],
  [{ name: "tcp", port: 443 }, { name: "udp", port: 443, protocol: "UDP" }],
  [{ name: "http", port: 80 }, { name: "sctp", port: 80, protocol: "SCTP" }],
];
const SLICE_PORTS: readonly Json[] = [
  { name: "", port: 8080 },
  { name: "http", port: 8080 },
  { name: "dns", port: 5353, protocol: "UDP" },
  { name: "tcp", port: 8443 },
  { name: "udp", port: 8443, protocol: "UDP" },
  { name: "sctp", port: 8080, protocol: "SCTP" },
];

/** The addresses of all endpoints that a change may make. */
export const ENDPOINT_ADDRESSES: ReadonlySet<string> = new Set(ENDPOINTS.flatMap(({ v4, v6 }) => [v4, v6]));

/** What a Service is to be, apart from what only its present object decides. */
export interface ServiceWish {
  readonly number: number;
  readonly type: string;
  readonly headless: boolean;
  readonly families: readonly ("IPv4" | "IPv6")[];
  readonly ownAddress: boolean;
  readonly ownNodePorts: boolean;
  readonly nodePorts: boolean;
  readonly ports: readonly Json[];
  readonly external: string;
  readonly internal: string;
  readonly affinity: number;
  readonly externalIPs: readonly string[];
  readonly ranges: readonly string[];
  readonly balancers: readonly { readonly ip: string; readonly ipMode: string }[];
  readonly proxyName: string;
}

const wish: fc.Arbitrary<ServiceWish> = fc.record({
  number: fc.nat(SERVICES - 1),
  type: fc.constantFrom("ClusterIP", "ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer", "ExternalName"),
  headless: fc.constantFrom(true, ...Array<boolean>(11).fill(false)),
  families: fc.constantFrom<("IPv4" | "IPv6")[]>(["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]),
  ownAddress: fc.boolean(),
  ownNodePorts: fc.boolean(),
  nodePorts: fc.constantFrom(true, true, true, false),
  ports: fc.constantFrom(...SERVICE_PORTS),
  external: fc.constantFrom("", "Cluster", "Local"),
  internal: fc.constantFrom("", "Cluster", "Local"),
  affinity: fc.constantFrom(0, 0, 0, 60, 10_800),
  externalIPs: some([...EXTERNAL, "10.96.1.1", "10.96.1.2", "fd00:96::100"]),
  ranges: some(RANGES),
  balancers: some(BALANCERS).chain((ips) =>
    fc.constantFrom("VIP", "VIP", "Proxy").map((ipMode) => ips.map((ip) => ({ ip, ipMode })))
  ),
  proxyName: fc.constantFrom("other", ...Array<string>(14).fill("")),
});

/** None, or up to three of `all`. */
function some(all: readonly string[]): fc.Arbitrary<string[]> {
  return fc.oneof(fc.constant<string[]>([]), fc.subarray([...all], { minLength: 1, maxLength: 3 }));
}

const sliceName = fc.tuple(fc.nat(SERVICES - 1), fc.constantFrom("v4", "v6"), fc.constantFrom("a", "b"));

const slice: fc.Arbitrary<Write> = fc.record({
  place: sliceName,
  strays: fc.constantFrom(true, ...Array<boolean>(14).fill(false)),
  all: fc.constantFrom(true, true, false),
  ports: fc.subarray([...SLICE_PORTS], { minLength: 1 }),
  moved: fc.constantFrom(0, 0, 0, 0, 1),
  weight: fc.constantFrom("", "", "", "", "", "3"),
  endpoints: fc.subarray([...ENDPOINTS], { maxLength: 6 }).chain((chosen) =>
    fc.tuple(...chosen.map((one) => fc.tuple(fc.constant(one), condition, hints)))
  ),
}).map(({ place: [number, family, part], strays, all, ports, moved, weight, endpoints }) => {
  const name = `s${number}-${family}${part}`;
  const v6 = family === "v6";
  return {
    kind: "EndpointSlice",
    name,
    manifest: {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name,
        namespace: "shop",
        labels: { "kubernetes.io/service-name": `s${strays ? (number + 1) % SERVICES : number}` },
        ...(weight === "" ? {} : { annotations: { "ledgerproxy.io/weight": weight } }),
      },
      addressType: v6 ? "IPv6" : "IPv4",
      ports: (all ? SLICE_PORTS : ports).map(({ port, ...rest }) => ({
        ...rest,
        port: moved && port === 8080 ? 8443 : port,
      })),
      endpoints: endpoints.map(([{ v4, v6: six, node }, conditions, hints]) => ({
        addresses: [v6 ? six : v4],
        nodeName: node,
        conditions,
        ...hints,
      })),
    },
  };
});

const condition = fc.constantFrom<Json>(
  ...Array<Json>(5).fill({ ready: true, serving: true, terminating: false }),
  {},
  { ready: false, serving: false, terminating: false },
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: false, terminating: true },
);
const hints = fc.constantFrom<Json>(
  ...Array<Json>(4).fill({}),
  { zone: "zone-1", hints: { forZones: [{ name: "zone-1" }] } },
  { zone: "zone-2", hints: { forZones: [{ name: "zone-2" }, { name: "zone-1" }] } },
  { zone: "zone-2", hints: { forZones: [{ name: "zone-2" }] } },
  { hints: { forNodes: [{ name: "node-a" }] } },
);

const write: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 8,
    arbitrary: wish.map((wish): Write => ({ kind: "Service", name: `s${wish.number}`, wish })),
  },
  { weight: 12, arbitrary: slice },
  {
    weight: 2,
    arbitrary: fc.nat(SERVICES - 1).map((n): Write => ({ kind: "delete", of: "Service", name: `s${n}` })),
  },
  {
    weight: 2,
    arbitrary: sliceName.map(([n, family, part]): Write => ({
      ...{ kind: "delete", of: "EndpointSlice", name: `s${n}-${family}${part}` },
    })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom("zone-1", "zone-2"),
      fc.constantFrom([], ["203.0.113.1"], ["203.0.113.1", "fd00:203::1"]),
    ).map(([zone, more]): Write => ({
      kind: "Node",
      manifest: nodeManifest(zone, ["192.168.0.2", "fd00:192::2", ...more]),
    })),
  },
);

/** One object three times out of four, else up to four at once. */
export const arbitraryChange: fc.Arbitrary<Write[]> = fc.oneof(
  { weight: 3, arbitrary: write.map((one) => [one]) },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(write, { minLength: 2, maxLength: 4, selector: placeOf }),
  },
);

function placeOf(write: Write): string {
  if (write.kind === "Node") return "Node";
  return write.kind === "delete" ? `${write.of} ${write.name}` : `${write.kind} ${write.name}`;
}

/** The manifest of a Service as a person writes it over `live`: what only the API server decides is left out. */
export function serviceManifest(wish: ServiceWish, live: Json | undefined): Manifest {
  const { number, type, ports, external, internal, affinity, externalIPs, ranges, proxyName } = wish;
  const metadata = {
    name: `s${number}`,
    namespace: "shop",
    ...(proxyName === "" ? {} : { labels: { "service.kubernetes.io/service-proxy-name": proxyName } }),
  };
  const head = { apiVersion: "v1", kind: "Service", metadata };
  if (type === "ExternalName") return { ...head, spec: { type, externalName: "shop.example" } };
  const open = type !== "ClusterIP" || externalIPs.length > 0;
  const numbered = wish.ownNodePorts && type !== "ClusterIP" && wish.nodePorts;
  const headless = wish.headless && type === "ClusterIP";
  const spec = {
    type,
    ...addressFields(wish, headless, (live?.["spec"] as Json | undefined) ?? {}),
    ports: ports.map((port, i) => numbered ? { ...port, nodePort: 30_000 + number * 10 + i } : port),
    ...(externalIPs.length > 0 ? { externalIPs } : {}),
    ...(external !== "" && open ? { externalTrafficPolicy: external } : {}),
    ...(internal === "" ? {} : { internalTrafficPolicy: internal }),
    ...(type === "LoadBalancer" && ranges.length > 0 ? { loadBalancerSourceRanges: ranges } : {}),
    ...(type === "LoadBalancer" && !wish.nodePorts ? { allocateLoadBalancerNodePorts: false } : {}),
    ...(affinity === 0 ? {} : {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: affinity } },
    }),
  };
  return { ...head, spec };
}

/** The first cluster IP of a Service never changes, the second one may come and go. */
function addressFields({ number, families, ownAddress }: ServiceWish, headless: boolean, live: Json): Json {
  if (headless) return { clusterIP: "None" };
  const [kept] = (live["clusterIPs"] ?? []) as string[];
  const policy = families.length > 1 ? "RequireDualStack" : "SingleStack";
  if (kept !== undefined && kept !== "None") {
    const [first] = live["ipFamilies"] as string[];
    const both = [first, first === "IPv4" ? "IPv6" : "IPv4"];
    return { ipFamilyPolicy: policy, ipFamilies: families.length > 1 ? both : [first] };
  }
  const own = { IPv4: `10.96.1.${number + 1}`, IPv6: `fd00:96::10${number}` };
  return {
    ipFamilyPolicy: policy,
    ipFamilies: families,
    ...(ownAddress ? { clusterIP: own[families[0]!], clusterIPs: families.map((one) => own[one]) } : {}),
  };
}
