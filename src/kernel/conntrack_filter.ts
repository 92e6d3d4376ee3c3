// Which flows the kernel lists: CTA_FILTER (Linux 5.8, net/netfilter/nf_conntrack_netlink.c). Why not list all? A node can have a
// million flows, and this program would read each of them because one UDP endpoint went. A filter may select more than what was
// asked for, so the caller looks at each flow again.

import { LISTINGS_OF_FLOWS_MAX } from "../limits/commits.ts";
import type { Family, Protocol } from "../nft/data_type.ts";
import { writeConcatenation } from "./data_codec.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import * as nf from "./nf_tables.ts";

/** Flows of one protocol, as their client began them. */
export interface FlowFilter {
  readonly protocol: Protocol;
  /** Where the client sent to; undefined: anywhere. */
  readonly address?: string | undefined;
  /** undefined: to any port. */
  readonly port?: number | undefined;
}

/** What the filter compares in the original tuple (CTA_FILTER_F_*, net/netfilter/nf_internals.h). */
const COMPARED = { DESTINATION: 1 << 1, PROTOCOL: 1 << 3, DESTINATION_PORT: 1 << 5 } as const;

const PROTOCOL_NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/**
 * Filters that together select all flows to `targets`. Each costs a walk over the kernel's whole table, so there are few:
 * where that needs it they select more. Those of IPv6 have no address: Linux 6.18 lists the flows to all other addresses
 * (ctnetlink_filter_match_tuple takes the result of ipv6_addr_cmp for its opposite).
 */
export function filtersOf(family: Family, targets: readonly FlowFilter[]): FlowFilter[] {
  if (family === "ip6") targets = targets.map(({ protocol, port }) => ({ protocol, port }));
  const coarser: ((filter: FlowFilter) => FlowFilter)[] = [
    (filter) => filter,
    ({ protocol, address, port }) => address === undefined ? { protocol, port } : { protocol, address },
  ];
  for (const coarsen of coarser) {
    const found = distinct(targets.map(coarsen));
    if (found.length <= LISTINGS_OF_FLOWS_MAX) return found;
  }
  return distinct(targets.map(({ protocol }) => ({ protocol })));
}

function distinct(filters: readonly FlowFilter[]): FlowFilter[] {
  return [
    ...new Map(filters.map((filter) => [`${filter.protocol} ${filter.address} ${filter.port}`, filter]))
      .values(),
  ];
}

/** Writes the attributes that restrict a listing to `filter`. */
export function writeFilter(writer: NetlinkWriter, family: Family, filter: FlowFilter): void {
  const { protocol, address, port } = filter;
  const tuple = writer.openNest(nf.CTA.TUPLE_ORIG);
  if (address !== undefined) {
    const ip = writer.openNest(nf.CTA_TUPLE.IP);
    const type = family === "ip" ? "ipv4_addr" : "ipv6_addr";
    attribute(writer, nf.CTA_IP[family].DST, () => writeConcatenation(writer, [type], address));
    writer.close(ip);
  }
  const nest = writer.openNest(nf.CTA_TUPLE.PROTO);
  attribute(writer, nf.CTA_PROTO.NUM, () => writer.u8(PROTOCOL_NUMBERS[protocol]));
  if (port !== undefined) attribute(writer, nf.CTA_PROTO.DST_PORT, () => writer.u16be(port));
  writer.close(nest);
  writer.close(tuple);
  const compared = COMPARED.PROTOCOL | (address === undefined ? 0 : COMPARED.DESTINATION) |
    (port === undefined ? 0 : COMPARED.DESTINATION_PORT);
  const outer = writer.openNest(nf.CTA.FILTER);
  attribute(writer, nf.CTA_FILTER_ORIG_FLAGS, () => writer.u32host(compared));
  writer.close(outer);
}

function attribute(writer: NetlinkWriter, type: number, fill: () => void): void {
  const token = writer.openBytes(type);
  fill();
  writer.close(token);
}
