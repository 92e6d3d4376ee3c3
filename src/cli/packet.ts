// Packets as people name them, and what becomes of them in their words.

import { type ClusterState, ownNode } from "../fold/cluster_state.ts";
import { type Outcome, type Packet, type Trace, trace } from "../history/trace.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import { endpointText } from "../nft/text.ts";
import { UsageError } from "./usage_error.ts";

/** The packet from `source` to `target` (`ADDRESS:PORT/PROTO`), by the interface `from`. Throws {@link UsageError}. */
export function parsePacket(source: string, target: string, from: string | undefined): Packet {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(target);
  const [destination, sender] = [parseAddress(match?.[1] ?? match?.[2] ?? ""), parseAddress(source)];
  if (match === null || destination === null || Number(match[3]) > 65535 || match[3] === "0") {
    throw new UsageError(
      `${target}: it must be ADDRESS:PORT/PROTO, such as 10.96.0.1:443/tcp or [fd00::1]:53/udp`,
    );
  }
  if (sender === null) throw new UsageError(`${source}: it must be the IP address of the sender`);
  if (familyOf(sender) !== familyOf(destination)) {
    throw new UsageError(`${source} and ${destination} are of two address families`);
  }
  return {
    source: sender,
    destination,
    protocol: (match[4] ?? "tcp").toLowerCase() as Protocol,
    port: Number(match[3]),
    ...(from === undefined ? {} : { interface: from }),
  };
}

/** Traces `packet` through the rules of `state`. */
export function traceAt(state: ClusterState, packet: Packet): Trace {
  return trace({ tables: state.tables, elements: state.desired }, packet, nodeAddresses(state));
}

/** All addresses the own Node object names. */
function nodeAddresses(state: ClusterState): Address[] {
  return (ownNode(state)?.status.addresses ?? []).map(({ address }) => parseAddress(address)).filter((
    address,
  ) => address !== null);
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
