// The real kube-proxy, in nftables mode, on the node of a lab, with a real API server. Tests send it the same packets as us.

import type { ProxyConfig } from "../../../src/kube/proxy_config.ts";
import { until } from "../until.ts";
import { type Lab, shell } from "../lab/lab.ts";
import { type Manifest, NODE_NAME, nodeManifest, ZONE, ZONE_LABEL } from "../scenario/scenario.ts";
import { ApiError, type ControlPlane, end, type Json, startProgram } from "./control_plane.ts";

/** Both ends of the cable between the API server and the node. */
export const API_ADDRESS = "198.18.0.1";
const NODE_API_ADDRESS = "198.18.0.2";
const NODE_API_ADDRESS_2 = "198.18.0.3";

/** kube-proxy starts, lists and makes its rules, on a machine that may do other work. */
const FOLLOW_MILLISECONDS = 120_000;
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const SERVICES = "/api/v1/namespaces/shop/services";
const MARKER_ENDPOINTS = {
  IPv4: ["10.250.0.1", "10.250.0.2"],
  IPv6: ["fd00:250::1", "fd00:250::2"],
} as const;
const ZONES = ["zone-1", "zone-2", "zone-3"];
/** How long kube-proxy may take for the zone of its node before the label is set again. */
const ZONE_MILLISECONDS = 3000;

/**
 * Prepares this namespace for an API server at {@link API_ADDRESS} that the node of `lab` reaches. A second lab takes
 * another `device`.
 */
export function connectApi(lab: Lab, device = "api"): void {
  const { namespace } = lab.hosts.get("node")!;
  const first = device === "api";
  const nodeAddress = first ? NODE_API_ADDRESS : NODE_API_ADDRESS_2;
  shell([
    `ip link add ${device} type veth peer name api netns /proc/${Deno.pid}/fd/${namespace}`,
    `ip link set ${device} up`,
    ...(first ? [`ip address add ${API_ADDRESS}/32 dev ${device}`] : []),
    `ip route add ${nodeAddress} dev ${device} src ${API_ADDRESS}`,
  ].join("\n"));
  lab.run(
    "node",
    `ip address add ${nodeAddress}/32 dev api`,
    "ip link set api up",
    `ip route add ${API_ADDRESS} dev api src ${nodeAddress}`,
  );
}

/** Takes the cable away. */
export function disconnectApi(): void {
  shell("ip link delete api");
}

/** Makes the namespace of all Services, and the own Node. */
export async function furnishApi(plane: ControlPlane): Promise<void> {
  await plane.call("POST", "/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop" },
  });
  const { status, ...node } = nodeManifest();
  const made = await plane.call("POST", "/api/v1/nodes", node);
  await plane.call("PUT", `/api/v1/nodes/${NODE_NAME}/status`, { ...made, status } as Json);
}

/** Gives the own Node the label of `zone`; takes it away where that is "". */
async function labelZone(plane: ControlPlane, zone: string): Promise<void> {
  const path = `/api/v1/nodes/${NODE_NAME}`;
  const node = await plane.call("GET", path);
  const metadata = node["metadata"] as Json & { labels?: Record<string, string> };
  if ((metadata.labels?.[ZONE_LABEL] ?? "") === zone) return;
  const { [ZONE_LABEL]: _, ...others } = metadata.labels ?? {};
  const labels = zone === "" ? others : { ...others, [ZONE_LABEL]: zone };
  await plane.call("PUT", path, { ...node, metadata: { ...metadata, labels } });
}

/** A Service that is newer than all others of a cluster. */
export interface Marker {
  readonly name: string;
  /** The zone of the own Node; "" where it has none. */
  readonly zone: string;
}

/** One run of kube-proxy with one configuration; dispose of it to end it and remove its rules. */
export class Oracle implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder = Deno.makeTempDirSync({ prefix: "ledgerproxy-oracle-" });

  constructor(readonly plane: ControlPlane, readonly lab: Lab, config: ProxyConfig) {
    const file = `${this.#folder}/config`;
    Deno.writeTextFileSync(file, JSON.stringify(kubeProxyConfiguration(config, plane.kubeconfig())));
    this.#process = lab.inside(
      "node",
      () => startProgram("kube-proxy", [`--config=${file}`], `${this.#folder}/log`),
    );
  }

  /** The local endpoints that its health check port `port` counts at `address`; undefined where nothing answers. */
  localEndpoints(address: string, port: number): number | undefined {
    const host = address.includes(":") ? `[${address}]` : address;
    const answer = this.lab.run("node", `curl -s -g --max-time 10 http://${host}:${port}/ || true`);
    return answer.trim() === "" ? undefined : JSON.parse(answer).localEndpoints;
  }

  /**
   * Waits until kube-proxy's rules contain `marker` in both families, as its hints say for the zone of the node. kube-proxy 1.37 may
   * lose that zone at a start, because it registers its handler after the event may have come (cmd/kube-proxy/app/server.go), and then
   * takes no hint into account. So the label is set again.
   */
  async follows({ name, zone }: Marker): Promise<void> {
    let setAgainAt = performance.now() + ZONE_MILLISECONDS;
    await until(`kube-proxy serves ${name}; it says ${this.#lastWords()}`, async () => {
      const chains = this.lab.run("node", "nft -t list ruleset || true").split("chain ")
        .filter((chain) => chain.includes(`-shop/${name}/tcp/ {`));
      if (chains.length < 2) return false;
      const own = Object.values(MARKER_ENDPOINTS).map(([first]) => first);
      const hasOne = chains.filter((chain) =>
        own.some((one) => new RegExp(`dnat to \\[?${one}\\b`).test(chain))
      );
      const isOne = hasOne.length === 2;
      const isBoth = chains.every((chain) => chain.includes("numgen"));
      if (zone === "" ? isBoth : isOne) return true;
      if (performance.now() > setAgainAt) {
        setAgainAt = performance.now() + ZONE_MILLISECONDS;
        await labelZone(this.plane, "elsewhere");
        await labelZone(this.plane, zone);
      }
      return false;
    }, FOLLOW_MILLISECONDS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#process);
    for (const family of ["ip", "ip6"]) {
      this.lab.run("node", `nft delete table ${family} kube-proxy 2> /dev/null || true`);
    }
    Deno.removeSync(this.#folder, { recursive: true });
  }

  #lastWords(): string {
    return Deno.readTextFileSync(`${this.#folder}/log`).split("\n").slice(-4).join(" / ");
  }
}

/** The cluster in the API server: replaced as a whole, and read back as the server has it. */
export class ApiCluster {
  #generation = 0;

  constructor(readonly plane: ControlPlane) {}

  /**
   * Makes the Services and slices those of `manifests`, by updates where the API allows them, and the zone of the own Node that of a
   * Node among them; returns a Service that is newer than all of them.
   */
  async replace(manifests: readonly Manifest[]): Promise<Marker> {
    const node = manifests.find(({ kind }) => kind === "Node");
    const zone = node === undefined ? ZONE : node.metadata.labels?.[ZONE_LABEL] ?? "";
    if (node !== undefined) await labelZone(this.plane, zone);
    for (const [kind, path] of [["Service", SERVICES], ["EndpointSlice", SLICES]] as const) {
      const { items } = await this.plane.call("GET", path);
      const old = new Map((items as Manifest[]).map((item) => [item.metadata.name, item]));
      const wanted = manifests.filter((manifest) => manifest.kind === kind);
      const names = new Set(
        wanted.filter((one) => keepsAddresses(old.get(one.metadata.name), one)).map(nameOf),
      );
      // An address or port must be free before another object that claims it is made.
      const gone = [...old.keys()].filter((name) => !names.has(name));
      await Promise.all(gone.map((name) => this.plane.call("DELETE", `${path}/${name}`)));
      for (const name of gone) old.delete(name);
      await Promise.all(wanted.map((manifest) => this.#put(path, manifest, old.get(nameOf(manifest)))));
    }
    const name = `marker-${++this.#generation}`;
    await this.#put(SERVICES, markerService(name), undefined);
    for (const type of ["IPv4", "IPv6"] as const) {
      await this.#put(SLICES, markerSlice({ name, zone }, type), undefined);
    }
    return { name, zone };
  }

  /** Everything a proxy reads, as the API server has it. */
  async read(): Promise<unknown[]> {
    const lists = [
      ["Service", "v1", "/api/v1/services"],
      ["EndpointSlice", "discovery.k8s.io/v1", "/apis/discovery.k8s.io/v1/endpointslices"],
      ["Node", "v1", "/api/v1/nodes"],
      ["ServiceCIDR", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1/servicecidrs"],
    ] as const;
    const answers = await Promise.all(lists.map(([, , path]) => this.plane.call("GET", path)));
    return answers.flatMap(({ items }, i) => {
      const [kind, apiVersion] = lists[i]!;
      return (items as Json[]).map((item) => ({ kind, apiVersion, ...item }));
    });
  }

  /** Updates `old` to `manifest`; makes it anew where that is not allowed, as with another cluster IP. */
  async #put(path: string, manifest: Manifest, old: Manifest | undefined): Promise<void> {
    const { status: _, ...wanted } = manifest;
    if (old === undefined) {
      return await this.#status(path, manifest, await this.plane.call("POST", path, wanted));
    }
    const { name } = manifest.metadata;
    const { resourceVersion } = old.metadata as Json;
    const metadata = { ...manifest.metadata, resourceVersion };
    try {
      await this.#status(
        path,
        manifest,
        await this.plane.call("PUT", `${path}/${name}`, { ...wanted, metadata }),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await this.plane.call("DELETE", `${path}/${name}`);
      await this.#put(path, manifest, undefined);
    }
  }

  async #status(path: string, { kind, metadata, status }: Manifest, made: Json): Promise<void> {
    if (kind !== "Service") return;
    await this.plane.call("PUT", `${path}/${metadata.name}/status`, { ...made, status: status ?? {} });
  }
}

function nameOf({ metadata }: Manifest): string {
  return metadata.name;
}

/** Whether `old` can become `wanted`: cluster IPs never change. */
function keepsAddresses(old: Manifest | undefined, wanted: Manifest): boolean {
  const ips = (manifest: Manifest) => String((manifest["spec"] as Json | undefined)?.["clusterIPs"] ?? "");
  return old !== undefined && ips(old) === ips(wanted);
}

function markerService(name: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { ports: [{ port: 1 }], ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4", "IPv6"] },
  };
}

/** With its hints a proxy that knows the zone uses the first endpoint alone, and one that knows no zone both. */
function markerSlice({ name, zone }: Marker, addressType: "IPv4" | "IPv6"): Manifest {
  const own = zone === "" ? ZONES : [zone];
  const others = ["elsewhere", ...ZONES].filter((one) => !own.includes(one));
  const zones = [own, others];
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${addressType.toLowerCase()}`,
      namespace: "shop",
      labels: { "kubernetes.io/service-name": name },
    },
    addressType,
    ports: [{ port: 1, name: "" }],
    endpoints: MARKER_ENDPOINTS[addressType].map((address, i) => ({
      addresses: [address],
      conditions: { ready: true },
      hints: { forZones: zones[i]!.map((name) => ({ name })) },
    })),
  };
}

/** kube-proxy's configuration file for `config`. */
export function kubeProxyConfiguration(config: ProxyConfig, kubeconfig: string): Json {
  const { detectLocal } = config;
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    hostnameOverride: NODE_NAME,
    clientConnection: { kubeconfig, qps: 1000, burst: 1000 },
    nftables: {
      minSyncPeriod: "1ms",
      masqueradeAll: config.masqueradeAll,
      masqueradeBit: config.masqueradeBit,
    },
    detectLocalMode: detectLocal.mode,
    ...(detectLocal.mode === "ClusterCIDR" ? { clusterCIDR: detectLocal.cidrs.join(",") } : {}),
    detectLocal: {
      ...(detectLocal.mode === "BridgeInterface" ? { bridgeInterface: detectLocal.name } : {}),
      ...(detectLocal.mode === "InterfaceNamePrefix" ? { interfaceNamePrefix: detectLocal.prefix } : {}),
    },
    ...(config.nodePortAddresses.length > 0 ? { nodePortAddresses: config.nodePortAddresses } : {}),
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    // Without it a health check of a Service is not answered at all.
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
  };
}
