// When the kernel has applied a commit of nf_tables, by its notification. Why not ask for its generation again and again? A timer of
// the runtime takes 2 ms, half of which each change would seem to take longer, and asking takes time from the proxy.

import { messages } from "../../../src/kernel/netlink_reader.ts";
import { NetlinkSocket } from "../../../src/kernel/netlink_socket.ts";
import { MSG, NFNLGRP_NFTABLES } from "../../../src/kernel/nf_tables.ts";

/** The commits of a network namespace: that of the calling thread when it is made. Dispose of it after the last {@link next}. */
export class Commits implements Disposable {
  readonly #socket = new NetlinkSocket(NFNLGRP_NFTABLES);

  /** Resolves when the kernel has applied the next commit. Throws SystemError where none comes within 10 seconds. */
  async next(): Promise<void> {
    while (!holdsEnd(await this.#socket.receiveBeside()));
  }

  /** Forgets the commits so far. */
  drain(): void {
    while (this.#socket.receive(false) !== undefined);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** Whether a batch ends in `datagram`: the kernel sends the new generation last. */
function holdsEnd(datagram: Uint8Array): boolean {
  return [...messages(datagram)].some(({ type }) => (type & 0xff) === MSG.NEWGEN);
}
