// Hears what other programs change in our tables: the kernel tells group NFNLGRP_NFTABLES of every change, and at the end
// of each batch who made it (NFT_MSG_NEWGEN, since Linux 4.14).

import { FAMILIES, type Family } from "../nft/data_type.ts";
import {
  attributeList,
  messageAttributes,
  messages,
  type NetlinkMessage,
  readText,
  text,
  u32,
} from "./netlink_reader.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import * as nf from "./nf_tables.ts";
import { SystemError } from "./system_error.ts";

/** What one batch of another program did to our tables. */
export interface ForeignChange {
  /** Name of its process, at most 15 characters; "" when the kernel does not say. */
  readonly process: string;
  /** Its process id in the first pid namespace. */
  readonly pid: number;
  /** `delete table ip ledgerproxy`, `add element ip ledgerproxy cluster-ips`; at most a few. */
  readonly changes: readonly string[];
}

/** What was heard since the last time; `lost` when the kernel dropped some of it. */
export interface Heard {
  readonly foreign: readonly ForeignChange[];
  readonly lost: boolean;
}

const CHANGES_MAX = 16;
const ENOBUFS = 105;

const SUBJECTS: ReadonlyMap<number, string> = new Map([
  [nf.MSG.NEWTABLE, "add table"],
  [nf.MSG.DELTABLE, "delete table"],
  [nf.MSG.NEWCHAIN, "add chain"],
  [nf.MSG.DELCHAIN, "delete chain"],
  [nf.MSG.NEWRULE, "add rule"],
  [nf.MSG.DELRULE, "delete rule"],
  [nf.MSG.NEWSET, "add set"],
  [nf.MSG.DELSET, "delete set"],
  [nf.MSG.NEWSETELEM, "add element"],
  [nf.MSG.DELSETELEM, "delete element"],
]);

/** Listens on a socket of its own; dispose of it to stop. */
export class RulesetMonitor implements Disposable {
  readonly #socket = new NetlinkSocket(nf.NFNLGRP_NFTABLES);
  /** What the batch under way did to our tables. */
  #changes: string[] = [];
  #more = 0;
  #lost = false;

  /** `table`: the name of ours. `ownPort`: the port of the socket that we commit through. */
  constructor(readonly table: string, readonly ownPort: number) {}

  /**
   * Does `commit`, a big batch of ours, without hearing of it: the kernel would make a message of some kilobytes for every
   * element, 0.2 GB at 40,000. Where `generation` of the kernel says that others have committed meanwhile, what they did
   * counts as lost.
   */
  unheard<T>(generation: () => number, commit: () => T): T {
    let expected = generation();
    this.#socket.leave(nf.NFNLGRP_NFTABLES);
    try {
      const receipt = commit();
      expected++;
      return receipt;
    } finally {
      this.#socket.join(nf.NFNLGRP_NFTABLES);
      this.#lost ||= generation() !== expected;
    }
  }

  /** What has been heard since the last call; does not wait. */
  poll(): Heard {
    const foreign: ForeignChange[] = [];
    let lost = this.#lost;
    this.#lost = false;
    for (;;) {
      try {
        const datagram = this.#socket.receive(false);
        if (datagram === undefined) return { foreign, lost };
        for (const message of messages(datagram)) this.#take(message, foreign);
      } catch (error) {
        if (!(error instanceof SystemError) || error.errno !== ENOBUFS) throw error;
        lost = true;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #take(message: NetlinkMessage, foreign: ForeignChange[]): void {
    if (message.type >> 8 !== nf.NFNL_SUBSYS_NFTABLES || message.port === this.ownPort) return;
    const kind = message.type & 0xff;
    if (kind !== nf.MSG.NEWGEN) return this.#note(kind, message);
    if (this.#changes.length === 0) return;
    const attributes = messageAttributes(message);
    const more = this.#more > 0 ? [`and ${this.#more} more`] : [];
    foreign.push({
      process: text(attributes, nf.NFTA_GEN.PROC_NAME),
      pid: u32(attributes, nf.NFTA_GEN.PROC_PID) ?? 0,
      changes: [...this.#changes, ...more],
    });
    this.#changes = [];
    this.#more = 0;
  }

  #note(kind: number, { payload }: NetlinkMessage): void {
    const subject = SUBJECTS.get(kind);
    const family = familyOf(payload[0]!);
    if (subject === undefined || family === undefined) return;
    // Attribute 1 of every such message is the name of the table; attribute 2 that of the set, in messages of elements.
    const [[, table] = [0, new Uint8Array()], [type, second] = [0, new Uint8Array()]] = [
      ...attributeList(payload.subarray(nf.NFGEN_HEADER_BYTES)),
    ];
    if (readText(table) !== this.table) return;
    const set = subject.endsWith("element") && type === 2 ? ` ${readText(second)}` : "";
    const change = `${subject} ${family} ${this.table}${set}`;
    if (this.#changes.includes(change)) return;
    if (this.#changes.length < CHANGES_MAX) this.#changes.push(change);
    else this.#more++;
  }
}

function familyOf(protocol: number): Family | undefined {
  return FAMILIES.find((family) => nf.NFPROTO[family] === protocol);
}
