// A small network of hosts: a node under test, two pods on it, another node with its pods, and clients outside. Hosts are network
// namespaces in this process. Servers listen on every possible endpoint, over TCP and UDP.
//
//   pod-1 10.244.1.5 --+                     +-- remote: node 192.168.0.3, pods 10.244.2.5, .6, .7
//   pod-2 10.244.1.6 --+-- node 192.168.0.2 -+
//                                            +-- outside: clients 203.0.113.2, .66, pod of a third node 10.244.3.9

import { FAMILIES, type Family } from "../../../src/nft/data_type.ts";
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  currentNamespace,
  enterNamespace,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  listenSocket,
  newNamespace,
  newSocket,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
} from "./libc.ts";

export type HostName = "node" | "pod-1" | "pod-2" | "remote" | "outside";

/** Addresses of the hosts; those of the node come first in their family. */
export const ADDRESSES: Readonly<Record<HostName, Readonly<Record<Family, readonly string[]>>>> = {
  node: { ip: ["192.168.0.2", "203.0.113.1"], ip6: ["fd00:192::2", "fd00:203::1"] },
  "pod-1": { ip: ["10.244.1.5"], ip6: ["fd00:10:244:1::5"] },
  "pod-2": { ip: ["10.244.1.6"], ip6: ["fd00:10:244:1::6"] },
  remote: {
    ip: ["192.168.0.3", "10.244.2.5", "10.244.2.6", "10.244.2.7"],
    ip6: ["fd00:192::3", "fd00:10:244:2::5", "fd00:10:244:2::6", "fd00:10:244:2::7"],
  },
  outside: {
    ip: ["203.0.113.2", "203.0.113.66", "10.244.3.9"],
    ip6: ["fd00:203::2", "fd00:203::66", "fd00:10:244:3::9"],
  },
};

/** Addresses of the node's own side of its links to pods. */
export const NODE_LINKS = { ip: "169.254.1.1", ip6: "fd00:169::1" };

/** Ports that every address with endpoints on it listens on. */
export const SERVER_PORTS: readonly number[] = [8080, 8443, 5353];

/** The pods' interfaces on the node: `veth-pod-1`. */
export const POD_INTERFACE_PREFIX = "veth-pod";

const OUT = "eth0";

/** One listening socket. */
export interface Server {
  readonly descriptor: number;
  readonly stream: boolean;
  /** `10.244.1.5:8080`, `[fd00::1]:8080`. */
  readonly name: string;
}

/** A host: its namespace, and a socket that receives ICMP errors there. */
export interface Host {
  readonly namespace: number;
  readonly icmp: Readonly<Record<Family, number>>;
}

/** The network. Dispose of it to remove it. */
export class Lab implements Disposable {
  readonly hosts = new Map<HostName, Host>();
  readonly servers: readonly Server[];
  readonly #home = currentNamespace();

  constructor() {
    for (const name of Object.keys(ADDRESSES) as HostName[]) this.#addHost(name);
    this.#wire();
    this.servers = (["node", "pod-1", "pod-2", "remote"] as const).flatMap((name) => this.#serve(name));
  }

  /** Runs `action` with the calling thread in the namespace of `host`. */
  inside<T>(host: HostName, action: () => T): T {
    enterNamespace(this.hosts.get(host)!.namespace);
    try {
      return action();
    } finally {
      enterNamespace(this.#home);
    }
  }

  /** Runs shell `commands` in `host`. Throws with their output when one fails. */
  run(host: HostName, ...commands: readonly string[]): string {
    return this.inside(host, () => shell(commands.join("\n")));
  }

  [Symbol.dispose](): void {
    for (const { descriptor } of this.servers) closeDescriptor(descriptor);
    for (const { icmp, namespace } of this.hosts.values()) {
      [icmp.ip, icmp.ip6, namespace].forEach(closeDescriptor);
    }
    closeDescriptor(this.#home);
  }

  #addHost(name: HostName): void {
    const namespace = newNamespace();
    const icmp = {
      ip: newSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP),
      ip6: newSocket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6),
    };
    // No search for duplicate addresses: an IPv6 address is usable at once.
    shell(
      "ip link set lo up\nsysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 " +
        "net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0",
    );
    enterNamespace(this.#home);
    this.hosts.set(name, { namespace, icmp });
  }

  #wire(): void {
    this.run(
      "node",
      "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
      // Entries of UDP must not outlive the probe that made them, or a later one may meet them.
      "sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1 net.netfilter.nf_conntrack_udp_timeout_stream=1",
      "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0",
    );
    for (const pod of ["pod-1", "pod-2"] as const) this.#link(pod, NODE_LINKS.ip, NODE_LINKS.ip6, [32, 128]);
    this.#link("remote", ADDRESSES.node.ip[0]!, ADDRESSES.node.ip6[0]!, [24, 64]);
    this.#link("outside", ADDRESSES.node.ip[1]!, ADDRESSES.node.ip6[1]!, [24, 64]);
    // The default route of the node, for packets to cluster IPs that no rule translates.
    this.run(
      "node",
      `ip route add default via ${ADDRESSES.remote.ip[0]}`,
      `ip -6 route add default via ${ADDRESSES.remote.ip6[0]}`,
    );
  }

  /** A cable from the node to `host`, whose other addresses are on its loopback and routed there. */
  #link(host: HostName, nodeIp: string, nodeIp6: string, [length, length6]: readonly [number, number]): void {
    const [device, peer] = [`veth-${host}`, this.hosts.get(host)!.namespace];
    const { ip: [first, ...others], ip6: [first6, ...others6] } = ADDRESSES[host];
    this.run(
      "node",
      `ip link add ${device} type veth peer name ${OUT} netns /proc/${Deno.pid}/fd/${peer}`,
      `ip address add ${nodeIp}/${length} dev ${device}`,
      `ip address add ${nodeIp6}/${length6} dev ${device} nodad`,
      `ip link set ${device} up`,
    );
    this.run(
      host,
      `ip address add ${first}/${length} dev ${OUT}`,
      `ip address add ${first6}/${length6} dev ${OUT} nodad`,
      `ip link set ${OUT} up`,
      ...others.map((address) => `ip address add ${address}/32 dev lo`),
      ...others6.map((address) => `ip address add ${address}/128 dev lo nodad`),
      `ip route replace ${nodeIp} dev ${OUT}`,
      `ip route add default via ${nodeIp} dev ${OUT}`,
      `ip -6 route replace ${nodeIp6} dev ${OUT}`,
      `ip -6 route add default via ${nodeIp6} dev ${OUT}`,
    );
    const direct = length === 32;
    const routes = [...(direct ? [first] : []), ...others].map((address) =>
      `ip route add ${address} dev ${device}${direct ? "" : ` via ${first}`}`
    );
    const routes6 = [...(direct ? [first6] : []), ...others6].map((address) =>
      `ip -6 route add ${address} dev ${device}${direct ? "" : ` via ${first6}`}`
    );
    this.run("node", ...routes, ...routes6);
  }

  #serve(host: HostName): Server[] {
    return this.inside(host, () =>
      FAMILIES.flatMap((family) => {
        // Programs of the node listen on its first address only. Nothing listens on its other address.
        const addresses = host === "node" ? ADDRESSES.node[family].slice(0, 1) : ADDRESSES[host][family];
        return addresses.flatMap((address) =>
          SERVER_PORTS.flatMap((port) =>
            [SOCK_STREAM, SOCK_DGRAM].map((type) => serverAt(address, port, type))
          )
        );
      }));
  }
}

function serverAt(address: string, port: number, type: number): Server {
  const v6 = address.includes(":");
  const descriptor = newSocket(v6 ? AF_INET6 : AF_INET, type);
  bindSocket(descriptor, address, port);
  if (type === SOCK_STREAM) listenSocket(descriptor);
  return { descriptor, stream: type === SOCK_STREAM, name: `${v6 ? `[${address}]` : address}:${port}` };
}

/** Runs a shell script in the namespace of the calling thread. Throws with its output when it fails. */
export function shell(script: string): string {
  const { success, stdout, stderr } = new Deno.Command("sh", { args: ["-ec", script] }).outputSync();
  if (!success) throw new Error(`${script}\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
