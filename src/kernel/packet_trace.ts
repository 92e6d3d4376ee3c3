// Follows one real packet through the kernel's rules, those of other programs included. A table of our own sets the packet's trace
// mark, and the kernel reports each rule that it meets (nf_tables_trace.c). The table belongs to our socket, so it goes with the process.

import { TRACE_QUIET_MILLISECONDS } from "../limits/commits.ts";
import { type Address, canonicalAddress, FAMILIES, type Family, type Protocol } from "../nft/data_type.ts";
import type { Hook } from "../nft/ruleset.ts";
import type { Statement, Verdict } from "../nft/statement.ts";
import { ruleText } from "../nft/text.ts";
import type { Operation } from "../nft/transaction.ts";
import { readConcatenation } from "./data_codec.ts";
import type { TableName } from "./kernel.ts";
import { NetlinkKernel } from "./netlink_kernel.ts";
import {
  type Attributes,
  messageAttributes,
  messages,
  nested,
  type NetlinkMessage,
  text,
  u32,
  u64,
} from "./netlink_reader.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import * as nf from "./nf_tables.ts";
import { verdictOf } from "./verdict_codec.ts";

/** The packet to wait for: the first of a connection. */
export interface AwaitedPacket {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  /** Destination port, 1 to 65535. */
  readonly port: number;
}

/** Addresses and ports in a packet's headers. */
export interface PacketHeader {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly port: number;
}

/** What the kernel reports about one rule or chain that the packet met. */
export interface TraceEvent {
  /** `rule`: a rule whose statements all matched. `return`: the end of a chain. `policy`: the end of a base chain. */
  readonly kind: "rule" | "return" | "policy";
  /** Family of the table: `ip`, `ip6`, `inet`, or the kernel's number. */
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  /** The rule as nft's text; undefined where it is gone, or has statements that this program does not know. */
  readonly rule: string | undefined;
  /** Handle of the rule in its table; "" unless `kind` is `rule`. */
  readonly handle: string;
  /** A number is a code that our rules never have, such as 3: queued for a program. */
  readonly verdict: Verdict | number;
  /** The headers at that moment. The kernel sends them with the first event of each base chain. */
  readonly header?: PacketHeader;
}

/** A packet's path: all that the kernel reported, of every table but the tracing one. */
export interface TracedPacket {
  readonly events: readonly TraceEvent[];
  /** The headers in the end; undefined where the packet reached neither a program of the node nor a way out. */
  readonly final: PacketHeader | undefined;
}

const TABLE = "ledgerproxy-trace";
/** Behind connection tracking (-200), which says whether the packet begins a connection, and before any NAT (-100). */
const FIRST_PRIORITY = -199;
/** Behind source NAT (100). */
const LAST_PRIORITY = 300;
const POLL_MILLISECONDS = 10;

/** Waits for one packet. Dispose of it to remove its table; the kernel does that too where the process ends otherwise. */
export class PacketTrace implements Disposable {
  readonly #kernel = new NetlinkKernel();
  readonly #socket: NetlinkSocket;
  readonly #family: Family;
  #open = true;

  /** From now on the kernel reports the packet. Throws KernelRejection, SystemError. */
  constructor(awaited: AwaitedPacket) {
    this.#family = awaited.source.includes(":") ? "ip6" : "ip";
    this.#socket = new NetlinkSocket(nf.NFNLGRP_NFTRACE);
    try {
      this.#kernel.commit(tracingTable(this.#family, awaited));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** The packet's path, once it has come; undefined where it has not by `signal`. Throws {@link SystemError}. */
  async packet(signal: AbortSignal): Promise<TracedPacket | undefined> {
    const received: { readonly id: number; readonly event: TraceEvent }[] = [];
    let quiet = 0;
    while (quiet < TRACE_QUIET_MILLISECONDS && !(signal.aborted && received.length === 0)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
      quiet += received.length === 0 ? 0 : POLL_MILLISECONDS;
      for (let datagram; (datagram = this.#socket.receive(false)) !== undefined;) {
        for (const message of messages(datagram)) received.push(...traceEvents(message));
        quiet = 0;
      }
      // One packet is enough: a busy client would fill the socket.
      if (received.length > 0) this.#stop();
    }
    const first = received[0];
    if (first === undefined) return undefined;
    return this.#path(received.filter(({ id }) => id === first.id).map(({ event }) => event));
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#socket[Symbol.dispose]();
    this.#kernel[Symbol.dispose]();
  }

  /** Removes the table. */
  #stop(): void {
    if (!this.#open) return;
    this.#open = false;
    const table = { family: this.#family, name: TABLE };
    if (!this.#kernel.tables().some(({ family, name }) => family === table.family && name === table.name)) {
      return;
    }
    this.#kernel.commit([{ verb: "delete", noun: "table", family: table.family, table: table.name }]);
  }

  #path(events: readonly TraceEvent[]): TracedPacket {
    const rules = new Map<string, string>();
    for (const table of tablesOf(events)) {
      for (const [handle, rule] of this.#kernel.rulesByHandle(table)) {
        if (rule !== undefined) {
          rules.set(`${table.family} ${table.name} ${handle}`, ruleText(table.family, rule));
        }
      }
    }
    const last = events.at(-1)!;
    const ends = last.table === TABLE && (last.chain === "postrouting" || last.chain === "input");
    return {
      events: events.filter(({ table }) => table !== TABLE)
        .map((event) => ({ ...event, rule: rules.get(`${event.family} ${event.table} ${event.handle}`) })),
      final: ends ? events.findLast(({ header }) => header !== undefined)?.header : undefined,
    };
  }
}

/** The tables of `events` whose rules can be listed. */
function tablesOf(events: readonly TraceEvent[]): TableName[] {
  return FAMILIES.flatMap((family) => {
    const names = events.filter((event) => event.family === family && event.table !== TABLE);
    return [...new Set(names.map(({ table }) => table))].map((name) => ({ family, name }));
  });
}

/** A table that marks the packet where it enters, and shows its headers where it leaves. */
function tracingTable(family: Family, { source, destination, protocol, port }: AwaitedPacket): Operation[] {
  const match = (
    selector: `${Family} saddr` | `${Family} daddr` | "meta l4proto" | "th dport",
    value: string,
  ): Statement => ({ kind: "match", selector, operator: "==", value });
  const statements: Statement[] = [
    match(`${family} saddr`, source),
    match(`${family} daddr`, destination),
    match("meta l4proto", protocol),
    match("th dport", String(port)),
    { kind: "ct-state-new" },
    { kind: "nftrace" },
  ];
  const table = { family, table: TABLE };
  const chain = (hook: Hook["hook"], priority: number): Operation => {
    return {
      verb: "add",
      noun: "chain",
      ...table,
      chain: { name: hook, hook: { type: "filter", hook, priority } },
    };
  };
  return [
    { verb: "add", noun: "table", ...table, flags: ["owner"] },
    ...(["prerouting", "output"] as const).flatMap((hook): Operation[] => [
      chain(hook, FIRST_PRIORITY),
      { verb: "add", noun: "rule", ...table, chain: hook, rule: { statements } },
    ]),
    chain("input", LAST_PRIORITY),
    chain("postrouting", LAST_PRIORITY),
  ];
}

/** The event in `message`, with the number of its packet; none in messages of other kinds. */
function traceEvents(message: NetlinkMessage): { readonly id: number; readonly event: TraceEvent }[] {
  if (message.type !== ((nf.NFNL_SUBSYS_NFTABLES << 8) | nf.MSG.TRACE)) return [];
  const attributes = messageAttributes(message);
  const type = u32(attributes, nf.NFTA_TRACE.TYPE);
  const kind = (["rule", "return", "policy"] as const).find((kind) => nf.NFT_TRACETYPE[kind] === type);
  if (kind === undefined) return [];
  const header = headerOf(attributes);
  const handle = u64(attributes, nf.NFTA_TRACE.RULE_HANDLE);
  const event: TraceEvent = {
    // At the end of a chain the kernel reports a rule without a handle.
    kind: kind === "rule" && handle === "" ? "return" : kind,
    family: familyText(message.payload[0]!),
    table: text(attributes, nf.NFTA_TRACE.TABLE),
    chain: text(attributes, nf.NFTA_TRACE.CHAIN),
    rule: undefined,
    handle,
    verdict: verdictIn(kind, attributes),
    ...(header === undefined ? {} : { header }),
  };
  return [{ id: u32(attributes, nf.NFTA_TRACE.ID) ?? 0, event }];
}

function verdictIn(kind: TraceEvent["kind"], attributes: Attributes): Verdict | number {
  if (kind !== "policy") return verdictOf(nested(attributes, nf.NFTA_TRACE.VERDICT));
  return { kind: u32(attributes, nf.NFTA_TRACE.POLICY) === nf.VERDICT_CODE.accept ? "accept" : "drop" };
}

function familyText(protocol: number): string {
  if (protocol === nf.NFPROTO_INET) return "inet";
  return FAMILIES.find((family) => nf.NFPROTO[family] === protocol) ?? String(protocol);
}

/** Addresses and ports; undefined where the kernel did not send whole headers. */
function headerOf(attributes: Attributes): PacketHeader | undefined {
  const network = attributes.get(nf.NFTA_TRACE.NETWORK_HEADER);
  const transport = attributes.get(nf.NFTA_TRACE.TRANSPORT_HEADER);
  if (network === undefined || transport === undefined || transport.length < 4) return undefined;
  const [type, at, length] = network[0]! >> 4 === 6
    ? ["ipv6_addr", 8, 16] as const
    : ["ipv4_addr", 12, 4] as const;
  if (network.length < at + 2 * length) return undefined;
  const address = (from: number) =>
    canonicalAddress(readConcatenation([type], network.subarray(from, from + length)));
  const port = (from: number) => (transport[from]! << 8) | transport[from + 1]!;
  return {
    source: address(at),
    sourcePort: port(0),
    destination: address(at + length),
    port: port(2),
  };
}
