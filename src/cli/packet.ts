// Packets on the command line.

import { type ClusterState, ownNode } from "../fold/cluster_state.ts";
import { nodeAddresses, readPacket } from "../history/packet_words.ts";
import { type Packet, type Trace, trace } from "../history/trace.ts";
import { UsageError } from "../node/usage_error.ts";

/** The packet from `source` to `target` (`ADDRESS:PORT/PROTO`), by the interface `from`. Throws {@link UsageError}. */
export function parsePacket(source: string, target: string, from: string | undefined): Packet {
  const packet = readPacket(source, target, from);
  if (typeof packet === "string") throw new UsageError(packet);
  return packet;
}

/** Traces `packet` through the rules of `state`. */
export function traceAt(state: ClusterState, packet: Packet): Trace {
  return trace({ tables: state.tables, elements: state.desired }, packet, nodeAddresses(ownNode(state)));
}
