// Packets as people name them, and what becomes of them in their words: the same in a terminal and in a report's page.

import { type Title, titleText } from "../fold/claims.ts";
import type { ServiceName } from "../fold/cluster_state.ts";
import { frontendKey } from "../fold/resource.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Node } from "../kube/objects.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import { endpointText } from "../nft/text.ts";
import type { Outcome, Packet, TraceStep } from "./trace.ts";

/** The packet from `source` to `target` (`ADDRESS:PORT/PROTO`), by the interface `from`; or what is wrong with that. */
export function readPacket(source: string, target: string, from?: string): Packet | string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(target);
  const [destination, sender] = [parseAddress(match?.[1] ?? match?.[2] ?? ""), parseAddress(source)];
  if (match === null || destination === null || Number(match[3]) > 65535 || match[3] === "0") {
    return `${target}: it must be ADDRESS:PORT/PROTO, such as 10.96.0.1:443/tcp or [fd00::1]:53/udp`;
  }
  if (sender === null) return `${source}: it must be the IP address of the sender`;
  if (familyOf(sender) !== familyOf(destination)) {
    return `${source} and ${destination} are of two address families`;
  }
  return {
    source: sender,
    destination,
    protocol: (match[4] ?? "tcp").toLowerCase() as Protocol,
    port: Number(match[3]),
    ...(from === undefined ? {} : { interface: from }),
  };
}

/** All addresses that a Node object names. */
export function nodeAddresses(node: Node | undefined): Address[] {
  return (node?.status.addresses ?? []).map(({ address }) => parseAddress(address))
    .filter((address) => address !== null);
}

/** One place where `packet` may end, with its share. */
export function outcomeText(packet: Packet, outcome: Outcome): string {
  const share = outcome.probability === 1 ? "" : `${(outcome.probability * 100).toFixed(1)} %  `;
  switch (outcome.kind) {
    case "drop":
      return `${share}dropped, without an answer`;
    case "tcp-reset":
      return `${share}refused with a TCP reset`;
    case "port-unreachable":
      return `${share}refused with ICMP port unreachable`;
    case "deliver": {
      const translated = outcome.destination !== packet.destination || outcome.port !== packet.port;
      const target = endpointText(outcome.destination, outcome.port);
      const source = outcome.masqueraded ? ", masqueraded" : "";
      return `${share}${translated ? "to" : "unchanged, to"} ${target}${source}`;
    }
  }
}

/** Who wants what: the Services that claim a resource, the holder first, and which resources more than one wants. */
export interface Contests {
  readonly contested: ReadonlySet<string>;
  readonly claims: ReadonlyMap<string, readonly ServiceName[]>;
  /** Why the holder of what is contested has it. */
  readonly titles: ReadonlyMap<string, Title>;
}

/** Services that want a frontend which another one holds, where the packet met it or was sent to it. */
export function rivals(
  packet: Packet,
  steps: readonly TraceStep[],
  { claims, contested, titles }: Contests,
): string[] {
  const keys = new Set<string>(steps.flatMap(({ found }) => found.map(({ element }) => element.key)));
  // A frontend that no Service serves, because its address is the cluster IP of a Service without that port.
  keys.add(elementKey([packet.destination, packet.protocol, String(packet.port)]));
  return [...keys].flatMap((key) => {
    const claim = frontendKey(familyOf(packet.destination), key);
    const [holder, ...others] = contested.has(claim) ? claims.get(claim) ?? [] : [];
    if (holder === undefined) return [];
    return [`${others.join(", ")} wants ${key} too: ${holder}, ${titleText(titles.get(claim))}, keeps it`];
  });
}
