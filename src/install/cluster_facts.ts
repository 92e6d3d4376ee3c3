// What a running cluster says about itself: where its API server is, which addresses its pods have, and how kube-proxy is
// configured. All of it is read from objects that kubeadm, its kin and Amazon EKS make; what is not there is left out.

import { readDocuments } from "../ingest/manifest_documents.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Family } from "../nft/data_type.ts";

/** Reads an object by its path; undefined where there is none, or where it may not be read. */
export type Get = (path: string) => Promise<unknown>;

/** What was found. */
export interface ClusterFacts {
  /** URL of the API server, as the cluster's own components reach it. */
  readonly apiServer?: string;
  /** The addresses of all pods, as kube-proxy's --cluster-cidr has them: `10.244.0.0/16,fd00::/56`. */
  readonly clusterCidr?: string;
  /** Whether every Node has pod CIDRs, so that local traffic can be known by them. */
  readonly podCidrs: boolean;
  /** The families of the addresses that the Nodes and their pods have, where any Node has one. */
  readonly families?: readonly Family[];
  /** The files of kube-proxy's ConfigMap, where it has a `config.conf`. */
  readonly config?: Readonly<Record<string, string>>;
  /** How kube-proxy makes its rules, where that file says so: `iptables` where it leaves the mode out. */
  readonly kubeProxyMode?: string;
}

const SYSTEM = "/api/v1/namespaces/kube-system/configmaps";

/** Asks the cluster. */
export async function clusterFacts(get: Get): Promise<ClusterFacts> {
  // Alone: a person logs in once, and where this fails no other request is under way.
  const info = await get("/api/v1/namespaces/kube-public/configmaps/cluster-info");
  const [kubeadm, kubeProxy, eks, nodes] = await Promise.all([
    get(`${SYSTEM}/kubeadm-config`),
    get(`${SYSTEM}/kube-proxy`),
    get(`${SYSTEM}/kube-proxy-config`),
    get("/api/v1/nodes"),
  ]);
  const apiServer = textAt(
    firstDocument("cluster-info", textAt(info, "data", "kubeconfig")),
    "clusters",
    0,
    "cluster",
    "server",
  );
  const clusterCidr = textAt(
    firstDocument("kubeadm-config", textAt(kubeadm, "data", "ClusterConfiguration")),
    "networking",
    "podSubnet",
  );
  const config = configFiles(valueAt(kubeProxy, "data"), textAt(eks, "data", "config"));
  const items = valueAt(nodes, "items");
  const families = Array.isArray(items) ? [...new Set(items.flatMap(familiesOf))].sort() : [];
  return {
    ...(apiServer === undefined ? {} : { apiServer }),
    ...(clusterCidr === undefined ? {} : { clusterCidr }),
    podCidrs: Array.isArray(items) && items.length > 0 &&
      items.every((node) => textAt(node, "spec", "podCIDR") !== undefined),
    ...(families.length === 0 ? {} : { families }),
    ...(config === undefined ? {} : { config, kubeProxyMode: modeOf(config) }),
  };
}

/**
 * The files of kube-proxy's configuration; undefined where there is none. The addon of EKS has it in a ConfigMap of its own, and only
 * the kubeconfig in that of kube-proxy (EKS user guide, "Manage kube-proxy", 2026).
 */
function configFiles(files: unknown, eks: string | undefined): Readonly<Record<string, string>> | undefined {
  const known = isFiles(files) ? files : {};
  if (known["config.conf"] !== undefined) return known;
  return eks === undefined ? undefined : { ...known, "config.conf": eks };
}

/** kube-proxy's own default on Linux is iptables (1.37). */
function modeOf(config: Readonly<Record<string, string>>): string {
  return textAt(firstDocument("kube-proxy", config["config.conf"]), "mode") ?? "iptables";
}

/** The families of a Node's addresses and pod CIDRs. Each list has at most one entry of each family, or a few. */
function familiesOf(node: unknown): Family[] {
  const cidrs = [valueAt(node, "spec", "podCIDR"), ...listAt(node, "spec", "podCIDRs")];
  const addresses = listAt(node, "status", "addresses").map((one) => valueAt(one, "address"));
  return [...cidrs, ...addresses].flatMap((text) => {
    const address = typeof text === "string" ? parseAddress(text.replace(/\/.*$/, "")) : undefined;
    return address === undefined ? [] : [familyOf(address)];
  });
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

function firstDocument(name: string, text: string | undefined): unknown {
  return text === undefined ? undefined : readDocuments(name, text, "kubernetes").values[0];
}

/** The value at a path of keys and indexes; undefined where the path ends early. */
function valueAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, key) => typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined,
    value,
  );
}

/** The text at a path; undefined where there is none, or an empty one. */
function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const text = valueAt(value, ...path);
  return typeof text === "string" && text !== "" ? text : undefined;
}

function isFiles(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((one) => typeof one === "string");
}
