// NodePorts that are served on loopback too (KEP-6032), and the endpoints of each. The kernel does not route packets between loopback
// and other addresses, so no rule can serve them: a listener forwards their connections (serve/localhost_forwarder.ts).

import { type ProxyConfig, servesLocalhost } from "../kube/proxy_config.ts";
import { canonicalAddress, destinationOf, FAMILIES, type Family } from "../nft/data_type.ts";
import { endpointOfClient } from "./choice_chains.ts";
import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ServiceProgram } from "./service_program.ts";

/** One TCP NodePort with at least one endpoint. */
export interface LocalhostNodePort {
  /** The ServicePort's name: `shop/web:http`. */
  readonly name: string;
  readonly family: Family;
  readonly port: number;
  /** Where its connections may go, at least one: those of the node under externalTrafficPolicy Local. */
  readonly endpoints: readonly { readonly hostname: string; readonly port: number }[];
  /** Seconds for which connections get the same endpoint, counted from the last one; 0: no affinity. */
  readonly affinitySeconds: number;
}

/** Finds the NodePorts of states. It remembers those of programs that stay: most changes concern one Service. */
export class LocalhostNodePorts {
  readonly #known = new WeakMap<ServiceProgram, readonly Claimed[]>();
  /** The families that the last configuration puts on loopback: it is seldom another one. */
  #families: { readonly config: ProxyConfig; readonly served: readonly Family[] } | undefined;

  /** All of `state` that its configuration puts on loopback, of Services that hold their NodePort. */
  of(state: Pick<ClusterState, "config" | "programs" | "claims" | "aside">): LocalhostNodePort[] {
    const families = this.#familiesOf(state.config);
    if (families.length === 0) return [];
    const found: LocalhostNodePort[] = [];
    for (const [service, program] of state.programs) {
      // Most Services have no NodePort. This is called for each change, so they must cost little.
      if (program.shape === undefined || !program.shape.ports.some(hasNodePort)) continue;
      if (state.aside.has(service)) continue;
      for (const port of this.#nodePortsOf(program)) {
        if (families.includes(port.family) && holderOf(state, port.claim) === service) found.push(port);
      }
    }
    return found;
  }

  #familiesOf(config: ProxyConfig): readonly Family[] {
    if (this.#families?.config !== config) {
      this.#families = { config, served: FAMILIES.filter((family) => servesLocalhost(config, family)) };
    }
    return this.#families.served;
  }

  #nodePortsOf(program: ServiceProgram): readonly Claimed[] {
    const known = this.#known.get(program);
    if (known !== undefined) return known;
    const found = nodePortsOf(program);
    this.#known.set(program, found);
    return found;
  }
}

/** A NodePort, and the name under which Services claim it. */
interface Claimed extends LocalhostNodePort {
  readonly claim: string;
}

const hasNodePort = ({ nodePort }: { readonly nodePort?: unknown }) => nodePort !== undefined;

function nodePortsOf({ shape, slots }: ServiceProgram): Claimed[] {
  return (shape?.ports ?? []).flatMap(({ port, nodePort, lists }): Claimed[] => {
    const list = slots.get(port.externalLocal ? lists.local : lists.cluster);
    if (nodePort === undefined || port.protocol !== "tcp" || list === undefined) return [];
    const { name, family, affinitySeconds } = port;
    // All clients on loopback have one address there.
    const chosen = port.byClient
      ? [endpointOfClient(list, family, LOOPBACK_ADDRESS[family])]
      : list.endpoints;
    return [{
      claim: nodePort.claim,
      name,
      family,
      port: port.nodePort,
      endpoints: chosen.map(placeOf),
      affinitySeconds,
    }];
  });
}

const LOOPBACK_ADDRESS = { ip: canonicalAddress("127.0.0.1"), ip6: canonicalAddress("::1") } as const;

function placeOf(endpoint: string): LocalhostNodePort["endpoints"][number] {
  const { address, port } = destinationOf(endpoint);
  return { hostname: address, port };
}
