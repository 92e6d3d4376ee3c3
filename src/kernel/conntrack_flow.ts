// Reads one entry of the connection tracking table: as a flow whose destination was translated, which people read, and as one that
// may be deleted. Numbers are those of
// linux/netfilter/nf_conntrack_tcp.h, nf_conntrack_sctp.h and nfnetlink_conntrack.h.

import { addressType, type Family, type Protocol } from "../nft/data_type.ts";
import { endpointText } from "../nft/text.ts";
import { readConcatenation } from "./data_codec.ts";
import * as nf from "./nf_tables.ts";
import { type Attributes, attributes, nested, u32 } from "./netlink_reader.ts";

/** A flow whose destination the kernel translated. */
export interface TranslatedFlow {
  readonly protocol: Protocol;
  /** Where it comes from: `10.244.1.9:40312`. */
  readonly client: string;
  /** What the client sent to: `10.96.0.1:80`. */
  readonly target: string;
  /** Who answers: `10.244.0.33:8080`. */
  readonly answerer: string;
  /** `ESTABLISHED`, `TIME_WAIT`; of UDP `REPLIED` or `UNREPLIED`. */
  readonly state: string;
  /** Milliseconds since 1970; undefined unless the sysctl net.netfilter.nf_conntrack_timestamp was on when it began. */
  readonly began: number | undefined;
}

/** Protocols with ports, by their number. */
export const PROTOCOLS: Readonly<Record<number, Protocol>> = { 6: "tcp", 17: "udp", 132: "sctp" };

const TCP_STATES = [
  ...["NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT"],
  ...["CLOSE", "SYN_SENT2"],
];
const SCTP_STATES = [
  ...["NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD"],
  ...["SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT"],
];

/** The flow in the attributes of one entry; undefined where its destination was not translated, and for other protocols. */
export function readTranslated(family: Family, entry: Attributes): TranslatedFlow | undefined {
  const status = u32(entry, nf.CTA.STATUS) ?? 0;
  if ((status & nf.IPS.DST_NAT) === 0) return undefined;
  const [original, reply] = [nested(entry, nf.CTA.TUPLE_ORIG), nested(entry, nf.CTA.TUPLE_REPLY)];
  const protocol = PROTOCOLS[nested(original, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO.NUM)?.[0] ?? 0];
  const [client, target] = [sideOf(family, original, "SRC"), sideOf(family, original, "DST")];
  const answerer = sideOf(family, reply, "SRC");
  if (protocol === undefined || client === "" || target === "" || answerer === "") return undefined;
  return {
    protocol,
    client,
    target,
    answerer,
    state: stateOf(protocol, entry, status),
    began: beganAt(entry),
  };
}

/** One side of a tuple; "" for an entry without it. */
function sideOf(family: Family, tuple: Attributes, side: "SRC" | "DST"): string {
  const address = nested(tuple, nf.CTA_TUPLE.IP).get(nf.CTA_IP[family][side]);
  const port = nested(tuple, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO[`${side}_PORT`]);
  if (address === undefined || port === undefined) return "";
  const type = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  return endpointText(readConcatenation([type], address), (port[0]! << 8) | port[1]!);
}

function stateOf(protocol: Protocol, entry: Attributes, status: number): string {
  if (protocol === "udp") return (status & nf.IPS.SEEN_REPLY) === 0 ? "UNREPLIED" : "REPLIED";
  const info = nested(entry, nf.CTA.PROTOINFO).get(nf.CTA_PROTOINFO[protocol === "tcp" ? "TCP" : "SCTP"]);
  const number = info === undefined ? 0 : attributes(info).get(nf.CTA_PROTOINFO_STATE)?.[0] ?? 0;
  return (protocol === "tcp" ? TCP_STATES : SCTP_STATES)[number] ?? String(number);
}

/** The kernel gives nanoseconds since 1970, big-endian. */
function beganAt(entry: Attributes): number | undefined {
  const start = nested(entry, nf.CTA.TIMESTAMP).get(nf.CTA_TIMESTAMP_START);
  if (start === undefined) return undefined;
  return Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, false) / 1_000_000n);
}

/** A flow as what decides whether it is deleted. Valid as long as the buffer that it was read from. */
export interface TrackedFlow {
  readonly protocol: Protocol;
  /** Address of the client. */
  readonly client: string;
  /** Whether the endpoint has answered. */
  readonly answered: boolean;
  /** `address . port` that the client sent to. */
  readonly target: string;
  /** `address . port` of the endpoint that answers. */
  readonly answerer: string;
  /** The original tuple in the kernel's bytes: a deletion names the flow by it. */
  readonly tuple: Uint8Array;
}

/** The flow in the attributes of one entry; undefined for a protocol without ports. */
export function readTracked(family: Family, entry: Attributes): TrackedFlow | undefined {
  const tuple = entry.get(nf.CTA.TUPLE_ORIG);
  const reply = entry.get(nf.CTA.TUPLE_REPLY);
  if (tuple === undefined || reply === undefined) return undefined;
  const [original, answer] = [attributes(tuple), attributes(reply)];
  const protocol = PROTOCOLS[nested(original, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO.NUM)?.[0] ?? 0];
  if (protocol === undefined) return undefined;
  return {
    protocol,
    client: addressOf(family, original, "SRC"),
    answered: ((u32(entry, nf.CTA.STATUS) ?? 0) & nf.IPS.SEEN_REPLY) !== 0,
    target: endpoint(family, original, "DST"),
    answerer: endpoint(family, answer, "SRC"),
    tuple,
  };
}

/** `address . port` of one side of a tuple. */
function endpoint(family: Family, tuple: Attributes, side: "SRC" | "DST"): string {
  const port = nested(tuple, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO[`${side}_PORT`])!;
  return `${addressOf(family, tuple, side)} . ${readConcatenation(["inet_service"], port)}`;
}

function addressOf(family: Family, tuple: Attributes, side: "SRC" | "DST"): string {
  const address = nested(tuple, nf.CTA_TUPLE.IP).get(nf.CTA_IP[family][side])!;
  return readConcatenation([addressType(family)], address);
}
