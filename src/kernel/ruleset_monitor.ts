// Receives what other programs change in our tables. The kernel notifies group NFNLGRP_NFTABLES of every change; at the
// end of each batch it sends the process that made it (NFT_MSG_NEWGEN, since Linux 4.14). Why not list the tables from
// time to time: a listing of 100,000 elements is expensive, and it does not name the process.

import { FAMILIES, type Family } from "../nft/data_type.ts";
import type { ElementCount } from "../nft/ruleset.ts";
import { type CountedMap, countsIn } from "./element_counts.ts";
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
import type { ReadableWait } from "./readable_wait.ts";
import { ERRNO, SystemError } from "./system_error.ts";

/** The changes to our tables in one batch of another program. */
export interface ForeignChange {
  /** Name of the process, at most 15 characters; "" when the kernel does not send it. */
  readonly process: string;
  /** Its id in the initial pid namespace. */
  readonly pid: number;
  /** `delete table ip ledgerproxy`, `add element ip ledgerproxy cluster-ips`; at most a few. */
  readonly changes: readonly string[];
}

/** What the monitor received since the last call of `poll`. */
export interface ForeignChanges {
  readonly foreign: readonly ForeignChange[];
  /** The kernel dropped notifications, or a batch was committed while they were off: a comparison is due. */
  readonly lost: boolean;
  /** Whether what comes next is announced (see `watch`); else the monitor must be polled from time to time. */
  readonly watched?: boolean;
}

/** Receives what deleted elements had counted, whichever program deleted them. */
export interface DeletionCounter {
  /** Whether anything counts. Where nothing does, messages of elements are not read for it: each change of an endpoint brings some. */
  readonly isOn: boolean;
  /** The map with this name; undefined where it has no counters, or where nothing counts. */
  map(family: Family, name: string): CountedMap | undefined;
  deleted(counts: readonly ElementCount[]): void;
  /** Another program added elements that have counted already, as nft does from a file with counters. */
  added(counts: readonly ElementCount[]): void;
  /** A set or map of ours was deleted, alone or with its table: no notices of its elements come. */
  setDeleted(family: Family, name: string): void;
  /** The kernel dropped notifications. */
  lost(): void;
}

const CHANGES_MAX = 16;

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

/** A socket in the kernel's notification group. Dispose of it to close it; where it is watched, a wait is ended before. */
export class RulesetMonitor implements Disposable, AsyncDisposable {
  readonly #socket = new NetlinkSocket(nf.NFNLGRP_NFTABLES);
  /** Changes of the batch whose end has not been received yet. */
  #changes: string[] = [];
  #more = 0;
  #foreign: ForeignChange[] = [];
  #lost = false;
  /** Changes of other programs, and losses, so far. */
  #noticed = 0;
  /** Called when there may be something for {@link poll}. */
  #announce: (() => void) | undefined;
  #wait: ReadableWait | undefined;
  /** Whether the kernel drops the notifications of our own commits. */
  #ignoresOwn = false;
  /** Whether it refused that, as a seccomp profile does: it would each time. */
  #refused = false;

  /** `table`: the name of our tables. `ownPort`: the port of the socket that our own commits go through. */
  constructor(readonly table: string, readonly ownPort: number, readonly counter?: DeletionCounter) {}

  /**
   * Runs `commit`, a large batch of ours, with notifications off: the kernel would make a message of some kilobytes for
   * every element, 0.2 GB at 40,000. Where `generation` shows that another program committed meanwhile, its changes
   * count as lost.
   */
  withoutNotifications<T>(generation: () => number, commit: () => T): T {
    let expected = generation();
    this.#socket.leave(nf.NFNLGRP_NFTABLES);
    try {
      const receipt = commit();
      expected++;
      return receipt;
    } finally {
      this.#socket.join(nf.NFNLGRP_NFTABLES);
      if (generation() !== expected) this.#noteLoss();
      this.#announceKept();
    }
  }

  /**
   * `announce` is called once there may be something for the next {@link poll}, from one that found nothing on: where notifications
   * follow each other, to wait for each would wake the loop twice as often as to poll. It must not throw.
   */
  watch(announce: () => void): void {
    this.#announce = announce;
    this.#wait ??= this.#socket.wait(() => this.#announce?.());
  }

  /** Everything received since the last call; does not wait. */
  poll(): ForeignChanges {
    const isQuiet = !this.#receive();
    const [foreign, lost] = [this.#foreign, this.#lost];
    this.#foreign = [];
    this.#lost = false;
    return { foreign, lost, ...(isQuiet && this.#isWatched() && { watched: true }) };
  }

  /** Takes every notification that has arrived. Changes of other programs are kept for {@link poll}. */
  receive(): void {
    this.#receive();
    this.#announceKept();
  }

  /** What was taken from the socket ends no wait any more. */
  #announceKept(): void {
    if (this.#foreign.length > 0 || this.#lost) this.#announce?.();
  }

  /**
   * Waits for more, where it is watched. That pays only while the kernel drops the notifications of our own commits: each of them
   * would wake the loop.
   */
  #isWatched(): boolean {
    if (this.#wait === undefined || this.#refused || this.counter?.isOn === true) return false;
    this.#ignoresOwn ||= this.#socket.ignore(this.ownPort);
    this.#refused = !this.#ignoresOwn;
    return this.#ignoresOwn && this.#wait.arm();
  }

  /** Whether anything had arrived. */
  #receive(): boolean {
    let received = false;
    let dropped = false;
    // Before our next commit deletes elements that have counted.
    if (this.#ignoresOwn && this.counter?.isOn === true) this.#ignoresOwn = !this.#socket.ignore(undefined);
    for (;;) {
      try {
        const datagram = this.#socket.receive(false);
        if (datagram === undefined) {
          // The end of the batch was dropped with the rest: the next end is another's.
          if (dropped) this.#forgetChanges();
          return received;
        }
        received = true;
        for (const message of messages(datagram)) this.#take(message);
      } catch (error) {
        if (!(error instanceof SystemError) || error.errno !== ERRNO.ENOBUFS) throw error;
        // Until all that is queued was received, the kernel queues nothing more.
        dropped = true;
        this.#noteLoss();
      }
    }
  }

  /**
   * A number that is another one once another program has changed our tables, or may have done so unnoticed. The kernel sends
   * notifications of a batch before it takes the next one, so at the answer to a batch of ours it counts all that came before.
   */
  noticed(): number {
    this.receive();
    return this.#noticed;
  }

  #noteLoss(): void {
    this.#lost = true;
    this.#noticed++;
    this.counter?.lost();
  }

  [Symbol.dispose](): void {
    if (this.#wait === undefined) this.#socket[Symbol.dispose]();
    else void this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#announce = undefined;
    await this.#wait?.[Symbol.asyncDispose]();
    this.#socket[Symbol.dispose]();
  }

  /** Takes one notification. Those of our own commits have our port. */
  #take(message: NetlinkMessage): void {
    if (message.type >> 8 !== nf.NFNL_SUBSYS_NFTABLES) return;
    const kind = message.type & 0xff;
    if (this.counter !== undefined) this.#count(this.counter, kind, message);
    if (message.port === this.ownPort) return;
    if (kind !== nf.MSG.NEWGEN) return this.#note(kind, message);
    if (this.#changes.length === 0) return;
    const attributes = messageAttributes(message);
    this.#noticed++;
    const more = this.#more > 0 ? [`and ${this.#more} more`] : [];
    this.#foreign.push({
      process: text(attributes, nf.NFTA_GEN.PROC_NAME),
      pid: u32(attributes, nf.NFTA_GEN.PROC_PID) ?? 0,
      changes: [...this.#changes, ...more],
    });
    this.#forgetChanges();
  }

  #forgetChanges(): void {
    this.#changes = [];
    this.#more = 0;
  }

  /** Passes on what elements of ours had counted that are deleted or added, and which sets of ours were deleted. Our own begin at 0. */
  #count(counter: DeletionCounter, kind: number, message: NetlinkMessage): void {
    const isAdded = kind === nf.MSG.NEWSETELEM && message.port !== this.ownPort;
    const counts = counter.isOn && (isAdded || kind === nf.MSG.DELSETELEM);
    if (!counts && kind !== nf.MSG.DELSET) return;
    const family = familyOf(message.payload[0]!);
    const attributes = messageAttributes(message);
    // Messages of sets and of elements have the table in the same attribute.
    if (family === undefined || text(attributes, nf.NFTA_SET_ELEM_LIST.TABLE) !== this.table) return;
    if (kind === nf.MSG.DELSET) return counter.setDeleted(family, text(attributes, nf.NFTA_SET.NAME));
    const map = counter.map(family, text(attributes, nf.NFTA_SET_ELEM_LIST.SET));
    if (map !== undefined) counter[isAdded ? "added" : "deleted"](countsIn(map, attributes));
  }

  /** Notes a change of our tables, each text once: a flush of 10,000 elements is one line. */
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

/** The family of a notification; undefined for families that this program does not use. */
function familyOf(protocol: number): Family | undefined {
  return FAMILIES.find((family) => nf.NFPROTO[family] === protocol);
}
