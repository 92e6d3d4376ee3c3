// The command of the container: Deno with the permissions that the program needs, and the program. The image's ENTRYPOINT is the
// same command with any network address, because an image does not know the API server. Deno opens a path that it allows
// as it is written, wherever links lead, and a call of libc passes all of its checks: what bounds the program is NET_ADMIN as the
// only capability, the seccomp profile and the read-only root file system. These permissions bound a fault of a library.

import { type Cidr, contains, familyOf, parseAddress, parseCidr } from "../kube/address.ts";
import { nodePortScope, type ProxyConfig, servesLocalhost } from "../kube/proxy_config.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import { endpointText } from "../nft/text.ts";

/** Where the node's folder is mounted in the container. */
export const LEDGER_FOLDER = "/var/lib/ledgerproxy";
/** Where a configuration is mounted: the folder of the kubeconfig in kubeadm's configuration of kube-proxy. */
export const CONFIG_FOLDER = "/var/lib/kube-proxy";
/** The token and the certificate of the pod's account. In Debian /var/run leads to /run, and Deno asks for both paths. */
const ACCOUNT_FOLDERS = ["/var/run", "/run"].map((run) => `${run}/secrets/kubernetes.io/serviceaccount`);
/** Deno and the program. The workers of `replay` read the program again. */
const PROGRAM_FOLDER = "/ledgerproxy";
/** Debian's glibc for each architecture of the image (kernel/libc.ts). */
const LIBC = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6"];
/**
 * Old objects are collected each time they have grown by half. By a quarter, a first sync of 10,000 Services took an eighth more CPU
 * time for collections that found little. V8's own rule waits longer, and does not count what the runtime has outside of its heap
 * until then: 230 bytes for each hash (Deno 2.9.6), and every element that changes is hashed. A start fills an empty heap, and what
 * it makes stays: a collection before 400 MB would find little to free (10,000 Services have 90 to 110 MB then, 50,000 less than 400).
 * From the first collection on, which comes soon after a start (node/free_memory.ts) and at once in a question (cli/program.ts), V8
 * follows what is in use. Why not --initial-old-space-size? V8 takes that as the least at which it collects for as long as the
 * process runs, so the garbage of a small node waits up to there.
 */
const V8_FLAGS =
  "--v8-flags=--expose-gc,--max-semi-space-size=4,--heap-growing-percent=50,--preconfigured-old-space-size=400";
/** The variable with the address of the node, which only the kubelet knows. */
export const HOST_IP = "HOST_IP";

/** The command. `net` has the addresses that may be used, as Deno writes them; without it all may. */
export function runtimeCommand(net?: readonly string[]): string[] {
  const paths = (...all: string[]) => all.join(",");
  return [
    `${PROGRAM_FOLDER}/deno`,
    "run",
    "--no-prompt",
    "--no-remote",
    V8_FLAGS,
    `--allow-ffi=${paths(...LIBC)}`,
    net === undefined ? "--allow-net" : `--allow-net=${net.join()}`,
    `--allow-read=${paths(PROGRAM_FOLDER, LEDGER_FOLDER, CONFIG_FOLDER, ...ACCOUNT_FOLDERS)}`,
    `--allow-write=${LEDGER_FOLDER}`,
    "--allow-env",
    "--allow-sys=hostname,networkInterfaces,osRelease,uid",
    `${PROGRAM_FOLDER}/ledgerproxy.js`,
  ];
}

/** What decides about the addresses that the program uses. */
export interface Addresses {
  /** URL of the API server; absent where only a configuration in the cluster names it. */
  readonly apiServer?: string | undefined;
  /** Whether a configuration in the cluster may change the addresses below. */
  readonly configured: boolean;
  /** The addresses that the program listens on. */
  readonly listens: readonly { readonly hostname: string; readonly port: number }[];
  readonly proxy: ProxyConfig;
  /** The families of nodes' addresses, as far as a cluster says them. */
  readonly families: readonly Family[];
}

/** The addresses that the program uses, or why they are not known before it runs. */
export type Network =
  | { readonly known: true; readonly net: readonly string[] }
  | { readonly known: false; readonly why: string };

/** The network of a node. Health check ports of Services are on the node's own addresses. */
export function networkOf({ apiServer, configured, listens, proxy, families }: Addresses): Network {
  if (configured) return unknown("a configuration in the cluster names them");
  const { hostname = "", host = "", port = "" } = apiServer === undefined ? {} : new URL(apiServer);
  const server = parseAddress(hostname.replace(/^\[(.*)\]$/, "$1"));
  if (server === undefined) {
    return unknown("the API server has a name, which does not say of which family nodes are");
  }
  const detected = proxy.detectLocal.mode === "ClusterCIDR" ? proxy.detectLocal.cidrs.map(parseCidr) : [];
  const known = new Set([...families, ...detected.map((cidr) => cidr?.family)]);
  if (known.size === 0) return unknown("nothing says of which families the nodes' addresses are");
  // Health check ports are on a node's addresses of both families. The kubelet could give a pod both, but Deno wants brackets around
  // the second one (2.9.6).
  if (known.size > 1) {
    return unknown("nodes or pods have addresses of both families, and a pod is given only one of its node");
  }
  if (FAMILIES.some((one) => servesLocalhost(proxy, one))) {
    return unknown("NodePorts on loopback lead to any endpoint");
  }
  const nodes = nodeAddresses(proxy, familyOf(server), known.has("ip6"));
  if (nodes === undefined) {
    return unknown("Deno has no ranges of IPv6 addresses, which --nodeport-addresses would need");
  }
  const api = port === "" ? `${host}:443` : host;
  return {
    known: true,
    net: [api, ...listens.flatMap(placesOf), ...nodes],
  };
}

/** What an address to listen on is to the runtime: 0.0.0.0 and :: mean both families (serve/listening.ts). */
function placesOf({ hostname, port }: Addresses["listens"][number]): string[] {
  const places = WILDCARDS.includes(hostname) ? WILDCARDS : [hostname];
  return places.map((one) => endpointText(one, port));
}

const WILDCARDS = ["0.0.0.0", "::"];

function unknown(why: string): Network {
  return { known: false, why };
}

/**
 * Where health check ports listen, on any port (node/health_check_following.ts); undefined where that cannot be written. `ipv6`:
 * whether Services may have IPv6.
 */
function nodeAddresses(proxy: ProxyConfig, family: Family, ipv6: boolean): string[] | undefined {
  const scopes = FAMILIES.map((one) => nodePortScope(proxy, one));
  const [ipv4All, ipv6All] = scopes.map(({ all }) => all);
  if (ipv4All && ipv6All) return ["0.0.0.0", "[::]"];
  // Then each address of the node's IPv6 has a socket.
  if (ipv6All && ipv6) return undefined;
  const cidrs = scopes.flatMap((scope) => scope.all ? [] : scope.cidrs).filter((cidr) => !isLoopback(cidr));
  if (cidrs.some((cidr) => cidr.family === "ip6")) return undefined;
  const primary = scopes.some((scope) => !scope.all && scope.primary);
  const own = proxy.bindAddress ?? `$(${HOST_IP})`;
  const isIpv6 = proxy.bindAddress === undefined ? family === "ip6" : own.includes(":");
  return [
    ...(ipv4All ? ["0.0.0.0"] : []),
    ...cidrs.map(({ address, length }) => `${address}/${length}`),
    ...(primary ? [isIpv6 ? `[${own}]` : own] : []),
  ];
}

/** The program opens no health check port on loopback. */
function isLoopback({ address }: Cidr): boolean {
  return LOOPBACK.some((cidr) => contains(cidr, address));
}

const LOOPBACK = ["127.0.0.0/8", "::1/128"].map((text) => parseCidr(text)!);
