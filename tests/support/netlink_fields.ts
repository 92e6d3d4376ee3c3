// Netlink attributes as values, to write what this program's own encoders never write.

import { NetlinkWriter } from "../../src/kernel/netlink_writer.ts";
import { NFTA_DATA } from "../../src/kernel/nf_tables.ts";

/** Attributes by type: a number of 32 bits, bytes as they are, or attributes. */
export interface Fields {
  readonly [type: number]: number | Uint8Array | Fields;
}

/** An nft_data nest with `bytes`. */
export function data(...bytes: number[]): Fields {
  return { [NFTA_DATA.VALUE]: Uint8Array.from(bytes) };
}

/** Writes `fields`. */
export function writeFields(writer: NetlinkWriter, fields: Fields): void {
  for (const [text, value] of Object.entries(fields)) {
    const type = Number(text);
    if (typeof value === "number") writer.attributeU32(type, value);
    else {
      const isBytes = value instanceof Uint8Array;
      const token = isBytes ? writer.openBytes(type) : writer.openNest(type);
      if (isBytes) writer.bytes(value);
      else writeFields(writer, value);
      writer.close(token);
    }
  }
}

/** The bytes that `write` writes. */
export function bytesOf(write: (writer: NetlinkWriter) => void): Uint8Array {
  const writer = new NetlinkWriter();
  write(writer);
  return writer.finish();
}

/** What `read` returns; `threw ...` where it throws, so that an assertion can say so. */
export function outcomeOf<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    return `threw ${error}`;
  }
}
