// Connection tracking through ctnetlink (linux/netfilter/nfnetlink_conntrack.h). It finds UDP flows to endpoints that
// do not serve any more, and unanswered flows that a guard does not let through, and deletes them, so that the rules decide
// about the next packet. It lists the flows whose destination was translated. No `conntrack` binary has to be installed.

import { FAMILIES, type Family, type Protocol } from "../nft/data_type.ts";
import { readConcatenation } from "./data_codec.ts";
import { PROTOCOLS, readTranslated, type TranslatedFlow } from "./conntrack_flow.ts";
import * as nf from "./nf_tables.ts";
import { type Attributes, attributes, messageAttributes, nested, u32 } from "./netlink_reader.ts";
import { NetlinkRequests } from "./netlink_requests.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import { ERRNO, SystemError } from "./system_error.ts";

/** Flows to a UDP frontend, and the endpoints that may answer them. */
export interface UdpFlows {
  readonly family: Family;
  /** Destination address; undefined for a NodePort, which is reached at any address of the node. */
  readonly address: string | undefined;
  readonly port: number;
  /** Endpoints that serve, each `address . port`: their flows stay. */
  readonly serving: readonly string[];
}

/** Flows to a frontend with a guard. */
export interface GuardedFlows {
  readonly family: Family;
  readonly address: string;
  /** `tcp . 80`. */
  readonly port: string;
  /** Whether the guard lets the address `client` through. */
  passes(client: string): boolean;
}

/** One flow in the kernel's table. */
interface Entry {
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

/** The connection tracking table of the network namespace that it was made in. Dispose of it to close its socket. */
export class Conntrack implements Disposable {
  readonly #socket = new NetlinkSocket();
  readonly #requests = new NetlinkRequests(this.#socket, nf.NFNL_SUBSYS_CTNETLINK);

  /** Deletes entries of `flows` whose endpoint does not serve. Returns how many it deleted. */
  deleteStale(flows: readonly UdpFlows[]): number {
    let deleted = 0;
    for (const family of new Set(flows.map(({ family }) => family))) {
      const byTarget = new Map(
        flows.filter((flow) => flow.family === family).map((flow) => [targetOf(flow), flow]),
      );
      for (const entry of this.#entries(family, "udp")) {
        const port = entry.target.slice(entry.target.lastIndexOf(" ") + 1);
        const flow = byTarget.get(entry.target) ?? byTarget.get(port);
        if (flow !== undefined && !flow.serving.includes(entry.answerer) && this.#delete(family, entry)) {
          deleted++;
        }
      }
    }
    return deleted;
  }

  /** Deletes entries of `flows` that no endpoint has answered and the guard does not let through. Returns how many. */
  deleteUnanswered(flows: readonly GuardedFlows[]): number {
    let deleted = 0;
    for (const family of new Set(flows.map(({ family }) => family))) {
      const guards = new Map(
        flows.filter((flow) => flow.family === family).map((flow) =>
          [`${flow.address} . ${flow.port}`, flow] as const
        ),
      );
      for (const entry of this.#entries(family)) {
        const [address, port] = entry.target.split(" . ");
        const guard = guards.get(`${address} . ${entry.protocol} . ${port}`);
        if (guard === undefined || entry.answered || guard.passes(entry.client)) continue;
        if (this.#delete(family, entry)) deleted++;
      }
    }
    return deleted;
  }

  /** Deletes the flows that `cut` selects. Returns how many. Throws {@link SystemError}. */
  deleteConnections(cut: (flow: Omit<Entry, "tuple"> & { readonly family: Family }) => boolean): number {
    let deleted = 0;
    for (const family of FAMILIES) {
      const found: Entry[] = [];
      this.#requests.stream({ message: nf.IPCTNL_MSG_CT.GET, family, fill: () => {} }, (answer) => {
        for (const entry of readEntry(family, messageAttributes(answer), undefined)) {
          // A copy: the next answer overwrites the buffer.
          if (cut({ family, ...entry })) found.push({ ...entry, tuple: entry.tuple.slice() });
        }
      });
      for (const entry of found) if (this.#delete(family, entry)) deleted++;
    }
    return deleted;
  }

  /** Passes each flow whose destination was translated, by whichever program, to `take`. Throws {@link SystemError}. */
  translated(take: (flow: TranslatedFlow) => void): void {
    for (const family of FAMILIES) {
      this.#requests.stream({ message: nf.IPCTNL_MSG_CT.GET, family, fill: () => {} }, (answer) => {
        const flow = readTranslated(family, messageAttributes(answer));
        if (flow !== undefined) take(flow);
      });
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  /** All flows of `family`, or those of one protocol. */
  #entries(family: Family, only?: Protocol): Entry[] {
    const answers = this.#requests.dump({ message: nf.IPCTNL_MSG_CT.GET, family, fill: () => {} });
    return answers.flatMap((answer) => readEntry(family, messageAttributes(answer), only));
  }

  /** False when the entry expired before it was deleted. */
  #delete(family: Family, { tuple }: Entry): boolean {
    const fill = (writer: NetlinkWriter) => {
      const nest = writer.openNest(nf.CTA.TUPLE_ORIG);
      writer.bytes(tuple);
      writer.close(nest);
    };
    try {
      this.#requests.ask({ message: nf.IPCTNL_MSG_CT.DELETE, family, fill }, nf.NLM_F_ACK);
      return true;
    } catch (error) {
      if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return false;
      throw error;
    }
  }
}

/** As {@link Conntrack.translated}, with a socket of its own. */
export function translatedFlows(take: (flow: TranslatedFlow) => void): void {
  withConntrack((conntrack) => conntrack.translated(take));
}

/** As {@link Conntrack.deleteConnections}, with a socket of its own. */
export function deleteConnections(cut: Parameters<Conntrack["deleteConnections"]>[0]): number {
  return withConntrack((conntrack) => conntrack.deleteConnections(cut));
}

function withConntrack<Result>(use: (conntrack: Conntrack) => Result): Result {
  const conntrack = new Conntrack();
  try {
    return use(conntrack);
  } finally {
    conntrack[Symbol.dispose]();
  }
}

/** `address . port`, or the port alone for a NodePort. */
function targetOf({ address, port }: UdpFlows): string {
  return address === undefined ? String(port) : `${address} . ${port}`;
}

/** The flow in the attributes of one entry; none for a protocol without ports, or for another one than `only`. */
function readEntry(family: Family, entry: Attributes, only: Protocol | undefined): Entry[] {
  const tuple = entry.get(nf.CTA.TUPLE_ORIG);
  const reply = entry.get(nf.CTA.TUPLE_REPLY);
  if (tuple === undefined || reply === undefined) return [];
  const [original, answer] = [attributes(tuple), attributes(reply)];
  const protocol = PROTOCOLS[nested(original, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO.NUM)?.[0] ?? 0];
  if (protocol === undefined || (only !== undefined && protocol !== only)) return [];
  return [{
    protocol,
    client: endpoint(family, original, "SRC").split(" . ")[0]!,
    answered: ((u32(entry, nf.CTA.STATUS) ?? 0) & nf.IPS.SEEN_REPLY) !== 0,
    target: endpoint(family, original, "DST"),
    answerer: endpoint(family, answer, "SRC"),
    tuple,
  }];
}

/** `address . port` of one side of a tuple. */
function endpoint(family: Family, tuple: Attributes, side: "SRC" | "DST"): string {
  const address = nested(tuple, nf.CTA_TUPLE.IP).get(nf.CTA_IP[family][side])!;
  const port = nested(tuple, nf.CTA_TUPLE.PROTO).get(nf.CTA_PROTO[`${side}_PORT`])!;
  const type = family === "ip" ? "ipv4_addr" : "ipv6_addr";
  return `${readConcatenation([type], address)} . ${readConcatenation(["inet_service"], port)}`;
}
