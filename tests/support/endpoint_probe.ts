// Asks the kernel for single elements of the maps of endpoints, which costs microseconds whatever else the maps hold.

import { attributeList, attributes, messageAttributes, nested } from "../../src/kernel/netlink_reader.ts";
import { NetlinkRequests } from "../../src/kernel/netlink_requests.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";

const TCP = 6;

/** A slot of a TCP frontend: address, port, number. */
export interface Slot {
  readonly address: string;
  readonly port: number;
  readonly slot: number;
}

/** Reads from nf_tables of the namespace in which it is made. Dispose of it to close its socket. */
export class EndpointProbe implements Disposable {
  readonly #socket = new NetlinkSocket();
  readonly #requests = new NetlinkRequests(this.#socket, nf.NFNL_SUBSYS_NFTABLES);

  /**
   * The IPv4 address of the endpoint in `slot`; undefined where the slot, the map or the table is not there. The only endpoint of
   * a frontend is in slot 0.
   */
  endpoint(slot: Slot): string | undefined {
    const found = this.#find("endpoints", keyOf(slot));
    return found ??
      (slot.slot === 0 ? this.#find("single-endpoints", keyOf(slot).subarray(0, 12)) : undefined);
  }

  #find(map: string, elementKey: Uint8Array<ArrayBuffer>): string | undefined {
    try {
      const [answer] = this.#requests.ask({
        message: nf.MSG.GETSETELEM,
        family: "ip",
        fill(writer) {
          writer.attributeString(nf.NFTA_SET_ELEM_LIST.TABLE, "ledgerproxy");
          writer.attributeString(nf.NFTA_SET_ELEM_LIST.SET, map);
          const list = writer.openNest(nf.NFTA_SET_ELEM_LIST.ELEMENTS);
          const element = writer.openNest(1);
          const key = writer.openNest(nf.NFTA_SET_ELEM.KEY);
          const value = writer.openBytes(nf.NFTA_DATA.VALUE);
          writer.bytes(elementKey);
          for (const token of [value, key, element, list]) writer.close(token);
        },
      }, 0);
      const [found] = attributeList(messageAttributes(answer!).get(nf.NFTA_SET_ELEM_LIST.ELEMENTS)!);
      const data = nested(attributes(found![1]), nf.NFTA_SET_ELEM.DATA).get(nf.NFTA_DATA.VALUE)!;
      return data.subarray(0, 4).join(".");
    } catch (error) {
      if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** The key as the kernel has it: each part padded to four bytes; the number of the slot in the order of the host. */
function keyOf({ address, port, slot }: Slot): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(16);
  key.set(address.split(".").map(Number));
  key[4] = TCP;
  const view = new DataView(key.buffer);
  view.setUint16(8, port);
  view.setUint32(12, slot, true);
  return key;
}
