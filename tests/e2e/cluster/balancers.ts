// A load balancer for the tests. It gives each Service of type LoadBalancer an address, and routes that address, in the network
// namespace that this runs in, to the nodes with equal cost; with externalTrafficPolicy Local only to nodes whose health check
// answers. The destination of a packet stays the Service's address (ipMode VIP).
//
//   deno run -A balancers.ts API_URL CA_FILE TOKEN

const [api, caFile, token] = Deno.args as [string, string, string];
const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(caFile)] });
const POOL = { IPv4: "172.31.200.", IPv6: "fd00:172:31:200::" };
/** Sources outside of the nodes' network, because the tests distinguish clients from nodes. */
const CLIENT = { IPv4: "198.51.100.1", IPv6: "2001:db8:51::1" };
const FINALIZER = "service.kubernetes.io/load-balancer-cleanup";
const FAILURES_MAX = 3;
const EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers";

interface Service {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
  readonly spec: {
    readonly type: string;
    readonly loadBalancerClass?: string;
    readonly ipFamilies: readonly (keyof typeof POOL)[];
    readonly externalTrafficPolicy?: string;
    readonly healthCheckNodePort?: number;
    readonly sessionAffinity: string;
  };
  readonly status: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

interface Node {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}

/** Next hops by address, as the kernel has them. */
const routes = new Map<string, string>();
/** Number in the pools by UID of the Service. */
const numbers = new Map<string, number>();
let last = 0;

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(api + path, {
    client,
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/merge-patch+json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

async function list<Item>(path: string): Promise<readonly Item[]> {
  return ((await call("GET", path)) as { readonly items: readonly Item[] }).items;
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) console.log("ip", args.join(" "), new TextDecoder().decode(stderr).trim());
}

const pathOf = ({ metadata: { namespace, name } }: Service) =>
  `/api/v1/namespaces/${namespace}/services/${name}`;
const addressesOf = ({ status }: Service) => (status.loadBalancer?.ingress ?? []).map(({ ip }) => ip);

async function answers(node: string, port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${node}:${port}/`, { signal: AbortSignal.timeout(500) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Failed checks in a row, by node and port. */
const failures = new Map<string, number>();

/**
 * Whether a node gets connections. One that answered before is taken out after several failures in a row, as the load balancers of
 * clouds do (three for GCE): a proxy that starts again is not a node that is gone.
 */
async function healthy(node: string, port: number): Promise<boolean> {
  const place = `${node}:${port}`;
  const before = failures.get(place) ?? FAILURES_MAX;
  const now = await answers(node, port) ? 0 : before + 1;
  failures.set(place, now);
  return now < FAILURES_MAX;
}

/** The Service's number: that of its address, or a free one. An address that was given back is not used again soon. */
function numberOf(service: Service): number {
  const { uid } = service.metadata;
  const known = addressesOf(service).map((ip) => Number(ip?.match(/^172\.31\.200\.(\d+)$/)?.[1]));
  let number = numbers.get(uid) ?? known.find((one) => one > 0);
  while (number === undefined) {
    last = last % 254 + 1;
    if (![...numbers.values()].includes(last)) number = last;
  }
  numbers.set(uid, number);
  return number;
}

/** Gives up the address of a Service that needs none any more. */
async function release(service: Service): Promise<void> {
  const { finalizers = [] } = service.metadata;
  if (!finalizers.includes(FINALIZER)) return;
  if (addressesOf(service).length > 0) {
    await call("PATCH", `${pathOf(service)}/status`, { status: { loadBalancer: null } });
  }
  const rest = finalizers.filter((one) => one !== FINALIZER);
  await call("PATCH", pathOf(service), { metadata: { finalizers: rest } });
}

/** Gives the Service its addresses, and returns the next hops of each. */
async function balance(service: Service, nodes: readonly Node[]): Promise<readonly [string, string][]> {
  const { finalizers = [] } = service.metadata;
  if (!finalizers.includes(FINALIZER)) {
    await call("PATCH", pathOf(service), { metadata: { finalizers: [...finalizers, FINALIZER] } });
  }
  const number = numberOf(service);
  const { ipFamilies, externalTrafficPolicy, healthCheckNodePort, sessionAffinity } = service.spec;
  const ingress = ipFamilies.map((family) => ({ ip: POOL[family] + number, ipMode: "VIP" }));
  if (addressesOf(service).join() !== ingress.map(({ ip }) => ip).join()) {
    await call("PATCH", `${pathOf(service)}/status`, { status: { loadBalancer: { ingress } } });
  }
  const port = externalTrafficPolicy === "Local" ? healthCheckNodePort : undefined;
  const hops = (await Promise.all(nodes.map(async ({ metadata, status }) => {
    const internal = status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) =>
      address
    );
    const used = metadata.labels[EXCLUDED] === undefined &&
      (port === undefined || await healthy(internal[0]!, port));
    return used ? internal : [];
  }))).flat().sort();
  return ingress.map(({ ip }) => {
    const family = hops.filter((hop) => hop.includes(":") === ip.includes(":"));
    // With affinity a client must reach the same node each time. All clients here have one address.
    const used = sessionAffinity === "ClientIP" ? family.slice(0, 1) : family;
    return [ip, used.flatMap((hop) => ["nexthop", "via", hop]).join(" ")];
  });
}

async function route(address: string, hops: string): Promise<void> {
  const six = address.includes(":");
  const family = six ? ["-6"] : [];
  if (six || hops === "") await ip(...family, "route", "flush", "exact", address);
  if (hops === "") return;
  const source = CLIENT[six ? "IPv6" : "IPv4"];
  await ip(...family, "route", "replace", address, "src", source, ...hops.split(" "));
}

async function once(): Promise<void> {
  const nodes = await list<Node>("/api/v1/nodes");
  const services = await list<Service>("/api/v1/services");
  const wanted = new Map<string, string>();
  const balanced = (service: Service) =>
    service.spec.type === "LoadBalancer" && service.spec.loadBalancerClass === undefined &&
    service.metadata.deletionTimestamp === undefined;
  await Promise.all(services.map(async (service) => {
    try {
      if (!balanced(service)) return await release(service);
      for (const [address, hops] of await balance(service, nodes)) wanted.set(address, hops);
    } catch (error) {
      console.log(pathOf(service), error instanceof Error ? error.message : error);
    }
  }));
  const kept = new Set(services.filter(balanced).map(({ metadata }) => metadata.uid));
  for (const uid of numbers.keys()) if (!kept.has(uid)) numbers.delete(uid);
  for (const [address, hops] of wanted) {
    if (routes.get(address) === hops) continue;
    console.log(address, hops);
    await route(address, hops);
    routes.set(address, hops);
  }
  for (const address of [...routes.keys()].filter((one) => !wanted.has(one))) {
    await route(address, "");
    routes.delete(address);
  }
}

await Deno.writeTextFile("/proc/sys/net/ipv4/fib_multipath_hash_policy", "1");
await Deno.writeTextFile("/proc/sys/net/ipv6/fib_multipath_hash_policy", "1");
await ip("address", "replace", `${CLIENT.IPv4}/32`, "dev", "lo");
await ip("address", "replace", `${CLIENT.IPv6}/128`, "dev", "lo");
// Packets to an address without a Service go to loopback, where the kernel drops them, because their source is local.
await ip("route", "replace", `${POOL.IPv4}0/24`, "dev", "lo", "src", CLIENT.IPv4);
await ip("-6", "route", "replace", `${POOL.IPv6}/64`, "dev", "lo", "src", CLIENT.IPv6);
while (true) {
  try {
    await once();
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
}
