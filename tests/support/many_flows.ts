// Fills the connection tracking table of this network namespace with UDP flows, through ctnetlink: no packet is sent.

import { writeConcatenation } from "../../src/kernel/data_codec.ts";
import { NetlinkRequests } from "../../src/kernel/netlink_requests.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import type { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";
import * as nf from "../../src/kernel/nf_tables.ts";

/** enum cntl_msg_types and ctattr_type, linux/netfilter/nfnetlink_conntrack.h; NLM_F_CREATE, linux/netlink.h */
const [NEW, TIMEOUT, CREATE] = [0, 7, 0x400];
const UDP = 17;
const SECONDS = 600;
const CLIENT_PORT = 40_000;

/** Begins `count` flows from clients of their own to port 53 of the addresses `target(i)`, which answer themselves. */
export function beginFlows(count: number, target: (i: number) => string): void {
  using socket = new NetlinkSocket();
  const requests = new NetlinkRequests(socket, nf.NFNL_SUBSYS_CTNETLINK);
  for (let i = 0; i < count; i++) {
    const client = `10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    const fill = (writer: NetlinkWriter) => {
      tuple(writer, nf.CTA.TUPLE_ORIG, [client, CLIENT_PORT], [target(i), 53]);
      tuple(writer, nf.CTA.TUPLE_REPLY, [target(i), 53], [client, CLIENT_PORT]);
      attribute(writer, TIMEOUT!, () => writer.u32be(SECONDS));
    };
    requests.ask({ message: NEW!, family: "ip", fill }, nf.NLM_F_ACK | CREATE!);
  }
}

type Side = readonly [address: string, port: number];

function tuple(writer: NetlinkWriter, type: number, source: Side, destination: Side): void {
  const nest = writer.openNest(type);
  const ip = writer.openNest(nf.CTA_TUPLE.IP);
  attribute(writer, nf.CTA_IP.ip.SRC, () => writeConcatenation(writer, ["ipv4_addr"], source[0]));
  attribute(writer, nf.CTA_IP.ip.DST, () => writeConcatenation(writer, ["ipv4_addr"], destination[0]));
  writer.close(ip);
  const protocol = writer.openNest(nf.CTA_TUPLE.PROTO);
  attribute(writer, nf.CTA_PROTO.NUM, () => writer.u8(UDP));
  attribute(writer, nf.CTA_PROTO.SRC_PORT, () => writer.u16be(source[1]));
  attribute(writer, nf.CTA_PROTO.DST_PORT, () => writer.u16be(destination[1]));
  writer.close(protocol);
  writer.close(nest);
}

function attribute(writer: NetlinkWriter, type: number, fill: () => void): void {
  const token = writer.openBytes(type);
  fill();
  writer.close(token);
}
