// One entry of the connection tracking table as a flow, for each protocol; entries that are none of ours are left out.

import assert from "node:assert/strict";
import { readTranslated } from "../../src/kernel/conntrack_flow.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { attributes } from "../../src/kernel/netlink_reader.ts";
import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";

interface EntryParts {
  readonly protocol: number;
  readonly status: number;
  readonly state?: number;
  readonly nanoseconds?: bigint;
}

/** Writes a nest with what `fill` writes. */
function nest(writer: NetlinkWriter, type: number, fill: () => void): void {
  const token = writer.openNest(type);
  fill();
  writer.close(token);
}

function bytesOf(writer: NetlinkWriter, type: number, bytes: readonly number[]): void {
  const token = writer.openBytes(type);
  writer.bytes(Uint8Array.from(bytes));
  writer.close(token);
}

function tupleOf(writer: NetlinkWriter, type: number, protocol: number, from: number[], to: number[]): void {
  nest(writer, type, () => {
    nest(writer, nf.CTA_TUPLE.IP, () => {
      bytesOf(writer, nf.CTA_IP.ip.SRC, from.slice(0, 4));
      bytesOf(writer, nf.CTA_IP.ip.DST, to.slice(0, 4));
    });
    nest(writer, nf.CTA_TUPLE.PROTO, () => {
      bytesOf(writer, nf.CTA_PROTO.NUM, [protocol]);
      bytesOf(writer, nf.CTA_PROTO.SRC_PORT, from.slice(4));
      bytesOf(writer, nf.CTA_PROTO.DST_PORT, to.slice(4));
    });
  });
}

/** 10.244.1.5:40000 to 10.96.0.10:80, answered by 10.244.2.5:8080. */
function entryOf({ protocol, status, state, nanoseconds }: EntryParts) {
  const writer = new NetlinkWriter();
  const [client, target] = [[10, 244, 1, 5, 0x9c, 0x40], [10, 96, 0, 10, 0, 80]];
  tupleOf(writer, nf.CTA.TUPLE_ORIG, protocol, client, target);
  tupleOf(writer, nf.CTA.TUPLE_REPLY, protocol, [10, 244, 2, 5, 0x1f, 0x90], client);
  writer.attributeU32(nf.CTA.STATUS, status);
  if (state !== undefined) {
    const kind = protocol === 6 ? nf.CTA_PROTOINFO.TCP : nf.CTA_PROTOINFO.SCTP;
    nest(
      writer,
      nf.CTA.PROTOINFO,
      () => nest(writer, kind, () => bytesOf(writer, nf.CTA_PROTOINFO_STATE, [state])),
    );
  }
  if (nanoseconds !== undefined) {
    nest(writer, nf.CTA.TIMESTAMP, () => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, nanoseconds);
      bytesOf(writer, nf.CTA_TIMESTAMP_START, [...bytes]);
    });
  }
  return readTranslated("ip", attributes(writer.finish()));
}

Deno.test("a TCP connection has its client, target, answerer, state and the time when it began", () => {
  const nanoseconds = BigInt(Date.parse("2026-11-23T03:12:00.123Z")) * 1_000_000n;
  assert.deepEqual(entryOf({ protocol: 6, status: nf.IPS.DST_NAT, state: 3, nanoseconds }), {
    protocol: "tcp",
    client: "10.244.1.5:40000",
    target: "10.96.0.10:80",
    answerer: "10.244.2.5:8080",
    state: "ESTABLISHED",
    began: Date.parse("2026-11-23T03:12:00.123Z"),
  });
});

Deno.test("UDP has a state by whether it was answered, SCTP its own, and an unknown state is its number", () => {
  const { DST_NAT, SEEN_REPLY } = nf.IPS;
  assert.equal(entryOf({ protocol: 17, status: DST_NAT })?.state, "UNREPLIED");
  assert.equal(entryOf({ protocol: 17, status: DST_NAT | SEEN_REPLY })?.state, "REPLIED");
  assert.equal(entryOf({ protocol: 132, status: DST_NAT, state: 4 })?.state, "ESTABLISHED");
  assert.equal(entryOf({ protocol: 6, status: DST_NAT, state: 200 })?.state, "200");
  assert.equal(entryOf({ protocol: 6, status: DST_NAT, state: 7 })?.began, undefined);
});

Deno.test("an entry that was not translated, of another protocol, or without tuples is left out", () => {
  assert.equal(entryOf({ protocol: 6, status: nf.IPS.SEEN_REPLY, state: 3 }), undefined);
  assert.equal(entryOf({ protocol: 1, status: nf.IPS.DST_NAT }), undefined);
  assert.equal(readTranslated("ip", new Map([[nf.CTA.STATUS, Uint8Array.of(0, 0, 0, 0x20)]])), undefined);
});
