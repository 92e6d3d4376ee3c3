// Connection tracking through ctnetlink (linux/netfilter/nfnetlink_conntrack.h). It finds UDP flows to endpoints that
// do not serve any more, and unanswered flows that a guard does not let through, and deletes them, so that the rules decide
// about the next packet. It lists the flows whose destination was translated. No `conntrack` binary has to be installed.

import { assert } from "../invariant.ts";
import { concatenationParts, FAMILIES, type Family, lastPart } from "../nft/data_type.ts";
import { FLOWS_AT_ONCE, FLOWS_WALK_MILLISECONDS, FLOWS_WALKED_AT_ONCE } from "../limits/commits.ts";
import { filtersOf, type FlowFilter, writeFilter } from "./conntrack_filter.ts";
import {
  PROTOCOLS,
  readTracked,
  readTranslated,
  type TrackedFlow,
  type TranslatedFlow,
} from "./conntrack_flow.ts";
import * as nf from "./nf_tables.ts";
import { messageAttributes, type NetlinkMessage } from "./netlink_reader.ts";
import { NetlinkRequests, type Request } from "./netlink_requests.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import type { NetlinkWriter } from "./netlink_writer.ts";
import { ERRNO, SystemError } from "./system_error.ts";

/** Flows to a UDP frontend, and the endpoints that may answer them. */
export interface UdpFlows {
  readonly family: Family;
  /** Destination address; undefined for a NodePort, which is reached at any address of the node. */
  readonly address: string | undefined;
  readonly port: number;
  /** Whether the endpoint, `address . port`, serves what the client sent to, `target`, now: such flows stay. */
  serves(endpoint: string, target: string): boolean;
}

/** Flows to a frontend with a guard. */
export interface GuardedFlows {
  readonly family: Family;
  readonly address: string;
  /** `tcp . 80`. */
  readonly port: string;
  /** Whether the guard lets the address `client` through now. */
  passes(client: string): boolean;
}

/** One piece of the work of deleting flows. Other work may be done before the next. */
export interface FlowsDeleted {
  readonly family: Family;
  /** How many flows the kernel listed. */
  readonly listed: number;
  readonly deleted: number;
  readonly microseconds: number;
  /** Whether the kernel still works on the listing, on another thread: nothing can be done before it has. */
  readonly waits?: true;
}

/** Decides whether a flow is deleted. */
type Unwanted = (entry: TrackedFlow) => boolean;

/** The connection tracking table of the network namespace that it was made in. Dispose of it to close its sockets. */
export class Conntrack implements Disposable {
  readonly #listing = new NetlinkSocket();
  readonly #lists = new NetlinkRequests(this.#listing, nf.NFNL_SUBSYS_CTNETLINK);
  /** Flows are deleted while they are listed, through a socket of its own: no list of them is kept. */
  readonly #deletion = new NetlinkSocket();
  readonly #deletions = new NetlinkRequests(this.#deletion, nf.NFNL_SUBSYS_CTNETLINK);
  /** Whether the kernel takes filters, as far as it is known. */
  #filters = true;

  /**
   * Deletes entries of `flows` whose endpoint does not serve, a piece at a time. Let it run to its end before another begins.
   * `mayWait`: whether pieces may wait for another thread, where the kernel needs long for one. Throws {@link SystemError}, as all
   * of these do.
   */
  *deleteStale(flows: readonly UdpFlows[], mayWait = false): Generator<FlowsDeleted, void, void> {
    for (const family of new Set(flows.map(({ family }) => family))) {
      const own = flows.filter((flow) => flow.family === family);
      const byTarget = new Map(own.map((flow) => [targetOf(flow), flow]));
      const isStale = ({ protocol, target, answerer }: TrackedFlow) => {
        const flow = protocol === "udp" ? byTarget.get(target) ?? byTarget.get(lastPart(target)) : undefined;
        return flow !== undefined && !flow.serves(answerer, target);
      };
      const targets = own.map(({ address, port }) => ({ protocol: "udp", address, port } as const));
      yield* this.#deleteWhere(family, targets, isStale, mayWait);
    }
  }

  /** Deletes entries of `flows` that no endpoint has answered and the guard does not let through, a piece at a time. */
  *deleteUnanswered(
    flows: readonly GuardedFlows[],
    mayWait = false,
  ): Generator<FlowsDeleted, void, void> {
    for (const family of new Set(flows.map(({ family }) => family))) {
      const own = flows.filter((flow) => flow.family === family);
      const guards = new Map(own.map((flow) => [`${flow.address} . ${flow.port}`, flow]));
      const isExcluded = ({ protocol, target, answered, client }: TrackedFlow) => {
        if (answered) return false;
        const [address, port] = concatenationParts(target);
        const guard = guards.get(`${address} . ${protocol} . ${port}`);
        return guard !== undefined && !guard.passes(client);
      };
      yield* this.#deleteWhere(family, own.map(guardedTarget), isExcluded, mayWait);
    }
  }

  /** Deletes the TCP and SCTP flows that `cut` selects, a piece at a time. Pieces may wait. */
  *deleteConnections(
    cut: (flow: TrackedFlow & { readonly family: Family }) => boolean,
  ): Generator<FlowsDeleted, void, void> {
    const targets = [{ protocol: "tcp" }, { protocol: "sctp" }] as const;
    for (const family of FAMILIES) {
      yield* this.#deleteWhere(
        family,
        targets,
        (entry) => entry.protocol !== "udp" && cut({ family, ...entry }),
        true,
      );
    }
  }

  /** Passes each flow whose destination was translated, by whichever program, to `take`. Throws {@link SystemError}. */
  translated(take: (flow: TranslatedFlow) => void): void {
    for (const family of FAMILIES) {
      this.#lists.stream({ message: nf.IPCTNL_MSG_CT.GET, family, fill: () => {} }, (answer) => {
        const flow = readTranslated(family, messageAttributes(answer));
        if (flow !== undefined) take(flow);
      });
    }
  }

  [Symbol.dispose](): void {
    this.#listing[Symbol.dispose]();
    this.#deletion[Symbol.dispose]();
  }

  /** Deletes the flows to `targets` that are unwanted. */
  *#deleteWhere(
    family: Family,
    targets: readonly FlowFilter[],
    isUnwanted: Unwanted,
    mayWait: boolean,
  ): Generator<FlowsDeleted, void, void> {
    for (const filter of this.#filters ? filtersOf(family, targets) : []) {
      try {
        yield* this.#deleteListed(family, this.#listed(family, filter, mayWait), isUnwanted);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#filters = false;
        break;
      }
    }
    if (!this.#filters) yield* this.#deleteListed(family, this.#listed(family, undefined, false), isUnwanted);
  }

  /** The flows that `filter` selects, a datagram at a time; undefined while the kernel works on another thread. */
  #listed(
    family: Family,
    filter: FlowFilter | undefined,
    mayWait: boolean,
  ): Iterable<NetlinkMessage[] | undefined> {
    const request = listing(family, filter);
    // Without a filter each call of the kernel is short.
    const isLong = mayWait && filter !== undefined && this.#count() > FLOWS_WALKED_AT_ONCE;
    return isLong ? listedBeside(request) : this.#lists.datagrams(request);
  }

  /** How many flows there are, of all families; 0 where the kernel does not say. */
  #count(): number {
    const request = { message: nf.IPCTNL_MSG_CT.GET_STATS, family: "ip", fill: () => {} } as const;
    const [answer] = this.#deletions.ask(request, 0);
    const count = answer && messageAttributes(answer).get(nf.CTA_STATS_GLOBAL_ENTRIES);
    return count === undefined ? 0 : new DataView(count.buffer, count.byteOffset).getUint32(0);
  }

  *#deleteListed(
    family: Family,
    datagrams: Iterable<NetlinkMessage[] | undefined>,
    isUnwanted: Unwanted,
  ): Generator<FlowsDeleted, void, void> {
    let [begun, listed, deleted] = [performance.now(), 0, 0];
    const piece = () => ({ family, listed, deleted, microseconds: (performance.now() - begun) * 1000 });
    for (const answers of datagrams) {
      if (answers !== undefined) {
        listed += answers.length;
        deleted += this.#deleteOf(family, answers, isUnwanted);
        if (listed < FLOWS_AT_ONCE) continue;
      }
      yield answers === undefined ? { ...piece(), waits: true } : piece();
      [begun, listed, deleted] = [performance.now(), 0, 0];
    }
    yield piece();
  }

  /** Deletes the flows in `answers` that are unwanted; returns how many. */
  #deleteOf(family: Family, answers: readonly NetlinkMessage[], isUnwanted: Unwanted): number {
    let deleted = 0;
    for (const answer of answers) {
      const entry = readTracked(family, messageAttributes(answer));
      if (entry !== undefined && isUnwanted(entry) && this.#delete(family, entry)) deleted++;
    }
    return deleted;
  }

  /** False when the entry expired before it was deleted. */
  #delete(family: Family, { tuple }: TrackedFlow): boolean {
    const fill = (writer: NetlinkWriter) => {
      const nest = writer.openNest(nf.CTA.TUPLE_ORIG);
      writer.bytes(tuple);
      writer.close(nest);
    };
    try {
      this.#deletions.ask({ message: nf.IPCTNL_MSG_CT.DELETE, family, fill }, nf.NLM_F_ACK);
      return true;
    } catch (error) {
      if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return false;
      throw error;
    }
  }
}

/** The answers to `request`, through a socket of their own: a listing that is left in the middle may go on for a while. */
function* listedBeside(request: Request): Generator<NetlinkMessage[] | undefined, void, void> {
  const socket = new NetlinkSocket();
  let last: Promise<unknown> = Promise.resolve();
  try {
    const requests = new NetlinkRequests(socket, nf.NFNL_SUBSYS_CTNETLINK);
    yield* requests.datagramsBeside(request, FLOWS_WALK_MILLISECONDS, (call) => last = call);
  } finally {
    const close = () => socket[Symbol.dispose]();
    last.then(close, close);
  }
}

/** The request for a list of the flows that `filter` selects, or of all. */
function listing(family: Family, filter: FlowFilter | undefined): Request {
  const fill = (writer: NetlinkWriter) => {
    if (filter !== undefined) writeFilter(writer, family, filter);
  };
  return { message: nf.IPCTNL_MSG_CT.GET, family, fill };
}

/** Whether the kernel has CTA_FILTER and refuses what it asks for. */
function isRefusal(error: unknown): boolean {
  return error instanceof SystemError &&
    (error.errno === ERRNO.EINVAL || error.errno === ERRNO.EOPNOTSUPP);
}

/** As {@link Conntrack.translated}, with a socket of its own. */
export function translatedFlows(take: (flow: TranslatedFlow) => void): void {
  const conntrack = new Conntrack();
  try {
    conntrack.translated(take);
  } finally {
    conntrack[Symbol.dispose]();
  }
}

/** As {@link Conntrack.deleteConnections}, with sockets of its own. */
export function* deleteConnections(
  cut: Parameters<Conntrack["deleteConnections"]>[0],
): Generator<FlowsDeleted, void, void> {
  const conntrack = new Conntrack();
  try {
    yield* conntrack.deleteConnections(cut);
  } finally {
    conntrack[Symbol.dispose]();
  }
}

/** `address . port`, or the port alone for a NodePort. */
function targetOf({ address, port }: UdpFlows): string {
  return address === undefined ? String(port) : `${address} . ${port}`;
}

/** `tcp . 80` as what a filter asks for. */
function guardedTarget({ address, port }: GuardedFlows): FlowFilter {
  const protocol = Object.values(PROTOCOLS).find((one) => port.startsWith(`${one} . `));
  assert(protocol !== undefined, () => `no protocol in ${port}`);
  return { protocol, address, port: Number(port.slice(`${protocol} . `.length)) };
}
