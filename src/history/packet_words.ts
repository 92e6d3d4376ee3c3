// Packets and their outcomes as text. A terminal and a report's page use the same text.

import { namesText } from "../fold/remarks.ts";
import { frontendClaim } from "../fold/resource.ts";
import { type Title, titleText } from "../fold/title.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Node } from "../kube/objects.ts";
import type { ServiceName } from "../kube/service_name.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import { endpointText } from "../nft/text.ts";
import { shortenedOutcomes } from "./shortened.ts";
import { groupedText } from "./table_words.ts";
import type { Outcome, Packet, TraceStep } from "./trace.ts";

/** Parses a packet from `source` to `target` (`ADDRESS:PORT/PROTO`), received by interface `from`; else what is wrong. */
export function readPacket(source: string, target: string, from?: string): Packet | string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(target);
  const [destination, sender] = [parseAddress(match?.[1] ?? match?.[2] ?? ""), parseAddress(source)];
  if (match === null || destination === undefined || Number(match[3]) > 65535 || match[3] === "0") {
    return `${target}: it must be ADDRESS:PORT/PROTO, such as 10.96.0.1:443/tcp or [fd00::1]:53/udp`;
  }
  if (sender === undefined) return `${source}: it must be the IP address of the sender`;
  if (familyOf(sender) !== familyOf(destination)) {
    return `${source} and ${destination} are of two address families`;
  }
  return {
    source: sender,
    destination,
    protocol: protocolOf(match[4]),
    port: Number(match[3]),
    ...(from === undefined ? {} : { interface: from }),
  };
}

/** The protocol of a packet; TCP where it is left out. */
function protocolOf(text = "tcp"): Protocol {
  switch (text.toLowerCase()) {
    case "udp":
      return "udp";
    case "sctp":
      return "sctp";
    default:
      return "tcp";
  }
}

/** All addresses that a Node object lists. */
export function nodeAddresses(node: Node | undefined): Address[] {
  return (node?.status.addresses ?? []).map(({ address }) => parseAddress(address))
    .filter((address) => address !== undefined);
}

/** One outcome of `packet`, with its probability unless it is certain. */
export function outcomeText(packet: Packet, outcome: Outcome): string {
  const share = outcome.probability === 1 ? "" : `${percentText(outcome.probability)}  `;
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

/** The outcomes of `packet` in one line: the most probable, and how many more there are. */
export function outcomesText(packet: Packet, outcomes: readonly Outcome[], separator = "; "): string {
  const { shown, more } = shortenedOutcomes(outcomes);
  return [
    ...shown.map((outcome) => outcomeText(packet, outcome)),
    ...(more.length > 0 ? [`and ${groupedText(more.length)} more`] : []),
  ].join(separator);
}

/** Lines of outcomes; of many the most probable, and how probable each of the others is. `rest` says where these are. */
export function outcomeLines(
  packet: Packet,
  outcomes: readonly Outcome[],
  rest: string,
  whole = false,
): string[] {
  const { shown, more } = shortenedOutcomes(outcomes, whole);
  const lines = shown.map((outcome) => outcomeText(packet, outcome));
  const [most, least] = [more[0], more.at(-1)].map((one) => percentText(one?.probability ?? 0));
  const each = most === least ? most : `${least} to ${most}`;
  return more.length === 0
    ? lines
    : [...lines, `and ${groupedText(more.length)} more outcomes, each with ${each}${rest}`];
}

/** `33.3 %`. What is possible is never written as zero: one of 3,000 endpoints has `0.03 %`. */
export function percentText(probability: number): string {
  const percent = probability * 100;
  return `${percent < 0.1 ? Number(percent.toPrecision(1)) : percent.toFixed(1)} %`;
}

/** The claims of a state that the text of {@link rivals} needs. */
export interface Contests {
  /** Resources that more than one Service claims. */
  readonly contested: ReadonlySet<string>;
  /** The Services that claim a resource, the holder first. */
  readonly claims: Pick<ReadonlyMap<string, readonly ServiceName[]>, "get">;
  /** Why the holder of a contested resource has it. */
  readonly titles: ReadonlyMap<string, Title>;
}

/** Lines about Services that claim a frontend of another Service, where the packet met that frontend or was sent to it. */
export function rivals(
  packet: Packet,
  steps: readonly TraceStep[],
  { claims, contested, titles }: Contests,
): string[] {
  const family = familyOf(packet.destination);
  const frontends = new Set(steps.flatMap(({ found }) => found.map(({ element }) => element.key)));
  // Such a frontend may be in no map: the address may be the cluster IP of a Service that does not have this port.
  frontends.add(elementKey([packet.destination, packet.protocol, String(packet.port)]));
  return [...frontends].flatMap((frontend) => {
    const claim = frontendClaim(family, frontend);
    const [holder, ...others] = contested.has(claim) ? claims.get(claim) ?? [] : [];
    if (holder === undefined) return [];
    const title = titleText(titles.get(claim));
    return [`${namesText(others)} wants ${frontend} too: ${holder}, ${title}, keeps it`];
  });
}
