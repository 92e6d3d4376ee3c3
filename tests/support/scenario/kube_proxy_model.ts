// What kube-proxy does with a packet, written down once more from its definitions and by other means than the fold's: no slots, no
// rules, no state from one change to the next. Laws compare the fold with it for thousands of clusters, where a real kube-proxy
// takes a second for each. It has our deliberate differences: the rank of claims, no second look after translation, and UDP flows
// that stay with an endpoint which is ready and does not serve.

import { contains, familyOf, parseAddress, parseCidr } from "../../../src/kube/address.ts";
import { choosesByClient } from "../../../src/kube/client_choice.ts";
import type { EndpointSlice, KubeObject, Node, Service } from "../../../src/kube/objects.ts";
import type { ProxyConfig } from "../../../src/kube/proxy_config.ts";
import type { Packet } from "../../../src/history/trace.ts";

/** Everything that decides: the objects, the configuration, and the node. */
export interface ModelWorld {
  readonly objects: readonly KubeObject[];
  readonly config: ProxyConfig;
  readonly nodeName: string;
  /** Addresses of the node's interfaces, without loopback. */
  readonly own: readonly string[];
}

/** Every possible end of a packet, as `deliver 10.0.0.1 80`, `deliver 10.0.0.1 80 masqueraded`, `drop`, `refuse`. */
export type ModelEnds = readonly string[];

interface ModelEndpoint {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly local: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
  readonly weight: number;
}

/** One port of one Service in one family. */
interface ModelPort {
  readonly service: Service;
  readonly protocol: string;
  readonly port: number;
  readonly nodePort: number;
  readonly clusterIP: string;
  readonly balancers: readonly string[];
  readonly external: readonly string[];
  readonly ranges: readonly string[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly cluster: readonly ModelEndpoint[];
  readonly local: readonly ModelEndpoint[];
  readonly any: boolean;
  readonly serving: readonly string[];
  /** Addresses of the ready endpoints on this node, whatever the policies. */
  readonly localReady: readonly string[];
}

/** What this node answers to the load balancer's health checks of a Service in one family: 200 where it has endpoints. */
export interface ModelHealthCheck {
  readonly port: number;
  readonly localEndpoints: number;
}

/** A frontend that a packet meets, the endpoints that it may go to, and whether it is masqueraded. */
interface ModelWay {
  readonly port: ModelPort;
  readonly endpoints: readonly ModelEndpoint[];
  readonly mark: boolean;
}

/** The world as one family sees it. */
export class KubeProxyModel {
  readonly ports: readonly ModelPort[];
  readonly #node: Node | undefined;

  constructor(readonly world: ModelWorld, readonly family: "ip" | "ip6") {
    const { objects, nodeName } = world;
    this.#node = objects.find((one): one is Node => one.kind === "Node" && one.metadata.name === nodeName);
    const slices = objects.filter((one): one is EndpointSlice => one.kind === "EndpointSlice");
    this.ports = objects.filter((one): one is Service => one.kind === "Service").filter(isServed)
      .sort((a, b) => bornText(a) < bornText(b) ? -1 : 1)
      .flatMap((service) => this.#portsOf(service, slices));
  }

  /** Every possible end of `packet`, sorted. */
  ends(packet: Packet): ModelEnds {
    return [...new Set(this.#walk(packet))].sort();
  }

  /** Whether a client has one of the ends of `packet` alone. */
  isChosen({ destination, protocol, port }: Packet): boolean {
    const found = this.#at(destination, protocol, port)?.port ?? this.#atNodePort(protocol, port);
    return found !== undefined && choosesByClient(found.service);
  }

  /** UDP frontends, as `10.96.0.1 udp 53` and `udp 30053`, each with the endpoints that may keep its flows. */
  udpFrontends(): Map<string, readonly string[]> {
    const found = new Map<string, readonly string[]>();
    for (const port of this.ports.filter(({ protocol }) => protocol === "udp")) {
      for (const address of [port.clusterIP, ...port.balancers, ...port.external]) {
        if (this.#at(address, "udp", port.port)?.port === port) {
          found.set(`${address} udp ${port.port}`, port.serving);
        }
      }
      if (port.nodePort > 0 && this.#atNodePort("udp", port.nodePort) === port) {
        found.set(`udp ${port.nodePort}`, port.serving);
      }
    }
    return found;
  }

  /** The health checks of Services that have this family, by name. As LocalReadyEndpoints, an address counts once for all ports. */
  healthChecks(): Map<string, ModelHealthCheck> {
    const found = new Map<string, ModelHealthCheck>();
    for (const { service: { metadata, spec } } of this.ports) {
      const { type, externalTrafficPolicy, healthCheckNodePort: port } = spec;
      if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || !port) continue;
      const name = `${metadata.namespace}/${metadata.name}`;
      const mine = this.ports.filter(({ service }) => service.metadata.name === metadata.name);
      const localEndpoints = new Set(mine.flatMap(({ localReady }) => localReady)).size;
      found.set(name, { port, localEndpoints });
    }
    return found;
  }

  /** For how many seconds the client of `packet` is led to the same endpoint again; 0: it is not. */
  pinSeconds(packet: Packet): number {
    const way = this.#isDropped(packet) ? undefined : this.#way(packet);
    if (way === undefined || way.endpoints.length === 0) return 0;
    const { sessionAffinity, sessionAffinityConfig } = way.port.service.spec;
    return sessionAffinity === "ClientIP" ? sessionAffinityConfig?.clientIP?.timeoutSeconds || 10_800 : 0;
  }

  #portsOf(service: Service, slices: readonly EndpointSlice[]): ModelPort[] {
    const { spec, status, metadata } = service;
    const listed = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP!];
    const clusterIP = this.#addresses(listed)[0];
    if (clusterIP === undefined) return [];
    const ingress = (status?.loadBalancer?.ingress ?? [])
      .filter(({ ip, ipMode }) => ip && (ipMode === undefined || ipMode === "VIP")).map(({ ip }) => ip!);
    const balancers = this.#addresses(ingress);
    const external = this.#addresses(spec.externalIPs ?? []);
    const isExposed = ["LoadBalancer", "NodePort"].includes(spec.type ?? "") ||
      (spec.externalIPs ?? []).length > 0;
    const ranges = (spec.loadBalancerSourceRanges ?? []).filter((one) =>
      parseCidr(one)?.family === this.family
    );
    const mine = slices.filter((slice) =>
      slice.metadata.namespace === metadata.namespace &&
      slice.metadata.labels?.["kubernetes.io/service-name"] === metadata.name &&
      slice.metadata.labels["service.kubernetes.io/headless"] === undefined &&
      slice.addressType === (this.family === "ip" ? "IPv4" : "IPv6")
    );
    return (spec.ports ?? []).map(({ name = "", port, protocol = "TCP", nodePort = 0 }) => {
      const all = once(
        mine.flatMap((slice) =>
          slice.ports.filter((one) =>
            (one.name ?? "") === name && (one.protocol ?? "TCP") === protocol && one.port
          )
            .flatMap((one) => this.#endpoints(slice, one.port!))
        ),
      );
      const ready = all.filter((one) => one.ready);
      const lingering = all.filter((one) => !one.ready && one.serving && one.terminating);
      const isOpen = nodePort > 0 || balancers.length > 0 || external.length > 0;
      const internalLocal = spec.internalTrafficPolicy === "Local";
      const externalLocal = isExposed && spec.externalTrafficPolicy === "Local";
      const near = this.#near(ready);
      const isLocal = (one: ModelEndpoint) => one.local;
      const localReady = ready.filter(isLocal);
      return {
        ...{ service, port, nodePort, clusterIP, balancers, external, ranges, internalLocal, externalLocal },
        protocol: protocol.toLowerCase(),
        cluster: internalLocal && !isOpen ? [] : near.length > 0 ? near : lingering,
        local: !internalLocal && !(externalLocal && isOpen)
          ? []
          : localReady.length > 0
          ? localReady
          : lingering.filter(isLocal),
        any: ready.length + lingering.length > 0,
        localReady: localReady.map(({ address }) => address),
        serving: all.filter((one) => one.serving || one.ready).map((one) => `${one.address} . ${one.port}`)
          .sort(),
      };
    });
  }

  #addresses(texts: readonly string[]): string[] {
    return texts.map(parseAddress).filter((one) =>
      one !== undefined && familyOf(one) === this.family
    ) as string[];
  }

  #endpoints(slice: EndpointSlice, port: number): ModelEndpoint[] {
    const weight = Number(slice.metadata.annotations?.["ledgerproxy.io/weight"] ?? 1);
    return slice.endpoints.flatMap(({ addresses, conditions = {}, nodeName, hints = {} }) => {
      const address = this.#addresses(addresses.slice(0, 1))[0];
      if (address === undefined) return [];
      return [{
        ...{ address, port },
        weight,
        ready: (conditions.ready ?? true) && weight > 0,
        serving: conditions.serving ?? true,
        // One without weight gets no new connection, and what it has goes on.
        terminating: conditions.terminating === true && conditions.ready === false && weight > 0,
        local: nodeName === this.world.nodeName,
        zones: (hints.forZones ?? []).map(({ name }) => name),
        nodes: (hints.forNodes ?? []).map(({ name }) => name),
      }];
    });
  }

  /** The ready endpoints near this node, where the hints of all say which. */
  #near(ready: readonly ModelEndpoint[]): readonly ModelEndpoint[] {
    const zone = this.#node?.metadata.labels?.["topology.kubernetes.io/zone"] ?? "";
    for (const [of, name] of [["nodes", this.world.nodeName], ["zones", zone]] as const) {
      const hinted = name !== "" && ready.every((one) => one[of].length > 0);
      const near = ready.filter((one) => one[of].includes(name));
      if (hinted && near.length > 0) return near;
    }
    return ready;
  }

  /** The port that a frontend leads to, and whether through its cluster IP. */
  #at(address: string, protocol: string, number: number) {
    const owner = this.ports.find(({ clusterIP }) => clusterIP === address)?.service;
    const matching = this.ports.filter((one) => one.protocol === protocol && one.port === number);
    if (owner !== undefined) {
      const port = matching.find(({ service, clusterIP }) => service === owner && clusterIP === address);
      return port && { port, internal: true };
    }
    const port = matching.find(({ balancers }) => balancers.includes(address)) ??
      matching.find(({ external }) => external.includes(address));
    return port && { port, internal: false };
  }

  #atNodePort(protocol: string, number: number): ModelPort | undefined {
    return this.ports.find((one) => one.protocol === protocol && one.nodePort === number);
  }

  #walk(packet: Packet): string[] {
    const { source, destination, protocol, port: number } = packet;
    if (this.#isDropped(packet)) return ["drop"];
    const way = this.#way(packet);
    if (way !== undefined && way.endpoints.length > 0) {
      return way.endpoints.map(({ address, port, local }) => {
        // A packet from elsewhere to the node itself does not leave it.
        const stays = !this.#isOwn(source) && this.#isOwn(address);
        const hairpin = source === address && (local || this.#isHairpin(address, protocol, port));
        return `deliver ${address} ${port}${!stays && (way.mark || hairpin) ? " masqueraded" : ""}`;
      });
    }
    if (way !== undefined) return [way.port.any ? "drop" : "refuse"];
    if (this.#isOwn(destination)) return [`deliver ${destination} ${number}`];
    if (this.#isClusterIP(destination)) return ["refuse"];
    return [this.#isUnallocated(destination) ? "drop" : `deliver ${destination} ${number}`];
  }

  #isOwn(address: string): boolean {
    return this.world.own.includes(address) || loops(address);
  }

  #isClusterIP(address: string): boolean {
    return this.ports.some(({ clusterIP }) => clusterIP === address);
  }

  /** Whether source ranges keep the packet out. */
  #isDropped(packet: Packet): boolean {
    const frontend = this.#at(packet.destination, packet.protocol, packet.port);
    return frontend !== undefined && this.#isFenced(frontend.port, packet);
  }

  /** What `packet` meets; undefined where that is no frontend. */
  #way(packet: Packet): ModelWay | undefined {
    const { source, destination, protocol, port: number } = packet;
    const frontend = this.#at(destination, protocol, number);
    const isClusterIP = this.#isClusterIP(destination);
    const own = this.#isOwn(source);
    const local = this.#isLocal(packet, own);
    const marked = isClusterIP && (this.world.config.masqueradeAll || local === false);
    if (frontend?.internal) {
      const { port } = frontend;
      return { port, endpoints: port.internalLocal ? port.local : port.cluster, mark: marked };
    }
    const nodePort = frontend === undefined && this.#isOwn(destination) && !loops(destination) &&
        this.#servesNodePorts(destination)
      ? this.#atNodePort(protocol, number)
      : undefined;
    const port = frontend?.port ?? nodePort;
    if (port === undefined) return undefined;
    const { endpoints, mark } = this.#external(port, local === true, own);
    return { port, endpoints, mark: mark || marked };
  }

  #external(port: ModelPort, local: boolean, own: boolean) {
    if (!port.externalLocal) return { endpoints: port.cluster, mark: true };
    if (local || own) return { endpoints: port.cluster, mark: own };
    return { endpoints: port.local, mark: false };
  }

  /** Whether an endpoint is reached by the hairpin set through any Service, as the set has no Services. */
  #isHairpin(address: string, protocol: string, number: number): boolean {
    return this.ports.some((port) =>
      port.protocol === protocol &&
      [...port.cluster, ...port.local].some((one) =>
        one.local && one.address === address && one.port === number
      )
    );
  }

  #isFenced({ balancers, ranges }: ModelPort, { source, destination }: Packet): boolean {
    if (!balancers.includes(destination) || ranges.length === 0) return false;
    const inRanges = (address: string) => ranges.some((one) => contains(parseCidr(one)!, address as never));
    const admitsNode = this.#nodeAddresses().slice(0, 1).some(inRanges);
    return !inRanges(source) && !(admitsNode && balancers.includes(source));
  }

  /** undefined where no setting separates local traffic from other traffic. */
  #isLocal({ source, interface: device = "" }: Packet, own: boolean): boolean | undefined {
    const { detectLocal } = this.world.config;
    const from = own ? "" : device;
    if (detectLocal.mode === "BridgeInterface") return from === detectLocal.name;
    if (detectLocal.mode === "InterfaceNamePrefix") return from.startsWith(detectLocal.prefix);
    const all = detectLocal.mode === "ClusterCIDR" ? detectLocal.cidrs : this.#node?.spec.podCIDRs ?? [];
    const first = all.map(parseCidr).find((cidr) => cidr?.family === this.family);
    return first && contains(first, source);
  }

  #nodeAddresses(): string[] {
    const listed = this.#node?.status.addresses ?? [];
    const of = (type: string) => listed.filter((one) => one.type === type).map(({ address }) => address);
    return this.#addresses([...of("InternalIP"), ...of("ExternalIP")]);
  }

  #servesNodePorts(address: string): boolean {
    const { nodePortAddresses: words } = this.world.config;
    const [first] = this.#nodeAddresses();
    const cidrs = (words.length === 0 ? ["primary"] : words).flatMap((word) =>
      word === "all"
        ? ["0.0.0.0/0", "::/0"]
        : word === "primary"
        ? [`${first}/${this.family === "ip" ? 32 : 128}`]
        : [word]
    ).map(parseCidr).filter((cidr) => cidr?.family === this.family);
    const primary = words.length === 0 || words.includes("primary");
    if (cidrs.length === 0) return !primary;
    return cidrs.some((cidr) => contains(cidr!, address as never));
  }

  #isUnallocated(address: string): boolean {
    return this.world.objects.some((one) =>
      one.kind === "ServiceCIDR" &&
      (one.spec.cidrs ?? []).map(parseCidr).some((cidr) =>
        cidr !== undefined && contains(cidr, address as never)
      )
    );
  }
}

function isServed({ spec, metadata }: Service): boolean {
  if (metadata.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return false;
  return !["", "None"].includes(spec.clusterIP ?? "") && spec.type !== "ExternalName";
}

const loops = (address: string) => address.startsWith("127.") || address === "::1";

function bornText({ metadata }: Service): string {
  return `${metadata.creationTimestamp ?? "~"} ${metadata.namespace}/${metadata.name}`;
}

/** Of an endpoint in two slices the better one: ready, then lingering, then serving, then local. */
function once(all: readonly ModelEndpoint[]): ModelEndpoint[] {
  const best = new Map<string, ModelEndpoint>();
  const worth = (one: ModelEndpoint) =>
    [
      `${+one.ready}${+(!one.ready && one.serving && one.terminating)}${+one.serving}${+one.local}`,
      ` ${one.zones.join()} ${one.nodes.join()} ${one.weight}`,
    ].join("");
  for (const one of all) {
    const key = `${one.address} ${one.port}`;
    const before = best.get(key);
    if (before === undefined || worth(one) > worth(before)) best.set(key, one);
  }
  return [...best.values()];
}
