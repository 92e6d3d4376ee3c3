// Prints the time of each commit of nf_tables in this network namespace, by the kernel's notification: `deno run commit_times.ts`. Why not
// ask for the generation again and again? A timer of the runtime takes 2 ms, and asking takes time from the proxy.

import { messages } from "../../../src/kernel/netlink_reader.ts";
import { NetlinkSocket } from "../../../src/kernel/netlink_socket.ts";
import { MSG, NFNLGRP_NFTABLES } from "../../../src/kernel/nf_tables.ts";
import { ERRNO, SystemError } from "../../../src/kernel/system_error.ts";
import { printTime } from "./observer.ts";

using socket = new NetlinkSocket(NFNLGRP_NFTABLES);
printTime();
for (;;) {
  const datagram = received();
  // The kernel sends the new generation last.
  if (datagram !== undefined && [...messages(datagram)].some(({ type }) => (type & 0xff) === MSG.NEWGEN)) {
    printTime();
  }
}

/** The next datagram; undefined where none has come for some seconds. */
function received(): Uint8Array | undefined {
  try {
    return socket.receive(true);
  } catch (error) {
    if (error instanceof SystemError && error.errno === ERRNO.EAGAIN) return undefined;
    throw error;
  }
}
