// The real kernel: commits batches to nf_tables and lists tables, in the network namespace of the process.

import { FAMILIES } from "../nft/data_type.ts";
import {
  type Container,
  type Element,
  type ElementKey,
  type Ruleset,
  type SetPath,
  setPath,
  splitSetPath,
  type Table,
} from "../nft/ruleset.ts";
import type { Rule } from "../nft/statement.ts";
import { TABLE_FLAGS, type Transaction } from "../nft/transaction.ts";
import {
  type CommitReceipt,
  type FoundTable,
  type Kernel,
  type ListedPiece,
  listedPieces,
  type TableName,
  UnreadableRuleset,
} from "./kernel.ts";
import { isTooLarge, KernelRejection } from "./kernel_rejection.ts";
import { encodeBatch, type NetlinkBatch } from "./netlink_batch.ts";
import {
  elementsInPieces,
  findElement,
  listChainNames,
  listElements,
  listRuleHandles,
  listRuleset,
  listSkeleton,
} from "./netlink_listing.ts";
import { attributes, messageAttributes, messages, type NetlinkMessage, text, u32 } from "./netlink_reader.ts";
import { errnoOf, NetlinkRequests } from "./netlink_requests.ts";
import { NetlinkSocket, type RequestSocket } from "./netlink_socket.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import * as nf from "./nf_tables.ts";
import { ERRNO, SystemError } from "./system_error.ts";
import { kernelName, modelRuleset, modelTable, SAME_NAME, type TableAlias } from "./table_alias.ts";

/** An nlmsgerr starts with the errno and the header of the message that failed (linux/netlink.h). */
const ERROR_HEADER_BYTES = 4 + nf.NLMSG_HEADER_BYTES;

/** nf_tables through one netlink socket. */
export class NetlinkKernel implements Kernel {
  readonly #socket: RequestSocket;
  readonly #requests: NetlinkRequests;
  readonly #writer = new NetlinkWriter();
  /** The generation that the last batch made; undefined where none was applied. */
  #generation: number | undefined;

  /** `alias`: the name that our table has in the kernel, where it is another one. It takes over `socket`. */
  constructor(readonly alias: TableAlias = SAME_NAME, socket: RequestSocket = new NetlinkSocket()) {
    this.#socket = socket;
    this.#requests = new NetlinkRequests(socket, nf.NFNL_SUBSYS_NFTABLES);
  }

  /**
   * The port of the socket that sends the batches. The kernel puts it into notifications: by it a monitor ignores ours.
   */
  get port(): number {
    return this.#socket.port;
  }

  commit(transaction: Transaction): CommitReceipt {
    const start = performance.now();
    const after = transaction.length > 0 ? this.#generation : undefined;
    this.#generation = undefined;
    let batch = this.#encode(transaction, after);
    const rendered = performance.now();
    let asked = rendered;
    let made = after === undefined ? undefined : this.#sendAfter(batch, after);
    if (made === undefined) {
      if (after !== undefined) batch = this.#encode(transaction);
      const before = this.#generationBefore();
      asked = performance.now();
      made = transaction.length > 0 ? this.#send(batch) ?? generationAfter(before) : before;
    }
    this.#generation = made;
    const bytes = batch.bytes.length;
    // Gives back the memory of a first sync.
    this.#writer.clear();
    return {
      generation: made,
      operations: transaction.length,
      bytes,
      renderMicroseconds: Math.round((rendered - start) * 1000),
      microseconds: Math.round((performance.now() - asked) * 1000),
    };
  }

  list(tables: readonly TableName[]): Ruleset {
    const named = tables.map((table) => this.#named(table));
    try {
      return modelRuleset(this.alias, listRuleset(named, (request) => this.#requests.dump(request)));
    } catch (error) {
      if (!(error instanceof UnreadableRuleset)) throw error;
      const ours = error.tables.flatMap((table) => modelTable(this.alias, table) ?? []);
      throw new UnreadableRuleset(error.message, ours);
    }
  }

  *listInPieces(tables: readonly TableName[]): Generator<ListedPiece, void, void> {
    const listed: Table[] = [];
    for (const table of tables) {
      const skeleton = listSkeleton([this.#named(table)], (request) => this.#requests.dump(request));
      const [found] = modelRuleset(this.alias, { tables: skeleton, elements: new Map() }).tables;
      if (found !== undefined) listed.push(found);
      yield { kind: "table", family: table.family, table: found };
    }
    // While a dump goes on, its socket can neither begin another one nor receive the answers of a batch.
    const socket = new NetlinkSocket();
    try {
      const requests = new NetlinkRequests(socket, nf.NFNL_SUBSYS_NFTABLES);
      for (const { family, name, sets } of listed) {
        for (const container of sets) {
          const pieces = elementsInPieces(this.#named({ family, name }), container, requests);
          yield* listedPieces(setPath(family, name, container.name), container, pieces);
        }
      }
    } finally {
      socket[Symbol.dispose]();
    }
  }

  element(set: SetPath, container: Container, element: Element): Element | undefined {
    const { family, table } = splitSetPath(set);
    return findElement(this.#named({ family, name: table }), container, element, this.#requests);
  }

  /** Elements of one set or map of a table that exists. Throws UnreadableRuleset where they are not as `container` describes them. */
  elements(table: TableName, container: Container): ReadonlyMap<ElementKey, Element> {
    return listElements(this.#named(table), container, (request) => this.#requests.dump(request));
  }

  /** Rules of a table, which may be another program's, by handle; undefined for one that this program cannot print. */
  rulesByHandle(table: TableName): ReadonlyMap<string, Rule | undefined> {
    return listRuleHandles(this.#named(table), (request) => this.#requests.dump(request));
  }

  tables(): readonly FoundTable[] {
    const all = FAMILIES.flatMap((family) =>
      this.#requests.dump({ message: nf.MSG.GETTABLE, family, fill: () => {} }).map((answer) => {
        const attributes = messageAttributes(answer);
        const bits = u32(attributes, nf.NFTA_TABLE.FLAGS) ?? 0;
        const flags = TABLE_FLAGS.filter((flag) => (bits & nf.TABLE_FLAG[flag]) !== 0);
        return { family, name: text(attributes, nf.NFTA_TABLE.NAME), flags };
      })
    );
    return all.flatMap((table) => modelTable(this.alias, table) ?? []);
  }

  chains(table: TableName): readonly string[] {
    return listChainNames(this.#named(table), (request) => this.#requests.dump(request));
  }

  generation(): number {
    const [answer] = this.#requests.ask({ message: nf.MSG.GETGEN, family: "ip", fill: () => {} }, 0);
    return generationIn(answer!);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #named({ family, name }: TableName): TableName {
    return { family, name: kernelName(this.alias, name) };
  }

  /** The generation. A process that may not read it may not commit either: the error becomes that of the batch. */
  #generationBefore(): number {
    try {
      return this.generation();
    } catch (error) {
      throw error instanceof SystemError ? new KernelRejection(null, error.errno) : error;
    }
  }

  #encode(transaction: Transaction, after?: number): NetlinkBatch {
    this.#writer.clear();
    const batch = encodeBatch(transaction, this.#requests.sequence, this.#writer, this.alias, after);
    this.#requests.sequence = batch.lastSequence + 2;
    return batch;
  }

  /**
   * Sends a `batch` that the kernel applies only after the generation `after`, and returns the generation that it made; undefined where
   * another program has committed meanwhile. Why not simply have the kernel say the generation? It then answers with three messages in
   * place of one, which takes longer than the commit of one endpoint itself.
   */
  #sendAfter(batch: NetlinkBatch, after: number): number | undefined {
    try {
      this.#send(batch);
      return generationAfter(after);
    } catch (error) {
      if (error instanceof KernelRejection && error.errno === ERRNO.ERESTART) return undefined;
      throw error;
    }
  }

  /** Sends the bytes of a batch. A kernel without memory for them has applied nothing of it. */
  #sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      this.#socket.send(bytes);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const rejection = new KernelRejection(null, error.errno, `a batch of ${bytes.length} bytes`);
      throw isTooLarge(rejection) ? rejection : error;
    }
  }

  /**
   * Sends `batch` and reads the answers; returns the generation that it made, where they say it. The kernel works inside sendto, so all
   * answers are queued when it returns.
   */
  #send(batch: NetlinkBatch): number | undefined {
    const { sendLimit } = this.#socket;
    if (batch.bytes.length > sendLimit) {
      throw new KernelRejection(
        null,
        ERRNO.EMSGSIZE,
        `a batch of ${batch.bytes.length} bytes, at most ${sendLimit}`,
      );
    }
    this.#sendBytes(batch.bytes);
    let rejection: KernelRejection | undefined;
    let acknowledged = false;
    let generation: number | undefined;
    // The acknowledgement of the last message is the last answer (nfnetlink_rcv_batch): each error comes before it.
    for (let datagram; !acknowledged && (datagram = this.#socket.receive(false)) !== undefined;) {
      for (const message of messages(datagram)) {
        if (message.type === GENERATION) generation = generationIn(message);
        if (message.type !== nf.NLMSG_ERROR) continue;
        const errno = errnoOf(message);
        if (errno !== 0) {
          rejection ??= new KernelRejection(batch.operationAt(message.sequence, badOffset(message)), errno);
        } else if (message.sequence === batch.lastSequence) acknowledged = true;
      }
    }
    if (rejection !== undefined) throw rejection;
    if (!acknowledged) throw new SystemError("commit: no acknowledgement", ERRNO.EINTR);
    return generation;
  }
}

/** The type of a message with a generation. */
const GENERATION = (nf.NFNL_SUBSYS_NFTABLES << 8) | nf.MSG.NEWGEN;

/** The generation that the kernel makes after `before` (nf_tables_commit): 32 bits, and never 0. */
function generationAfter(before: number): number {
  return (before + 1) >>> 0 || 1;
}

function generationIn(message: NetlinkMessage): number {
  return u32(messageAttributes(message), nf.NFTA_GEN.ID)!;
}

/** Offset of the byte in the message that the error is about, from NLMSGERR_ATTR_OFFS; undefined where it has none. */
function badOffset({ flags, payload }: NetlinkMessage): number | undefined {
  if ((flags & nf.NLM_F_ACK_TLVS) === 0) return undefined;
  const offset = attributes(payload.subarray(ERROR_HEADER_BYTES)).get(nf.NLMSGERR_ATTR_OFFS);
  return offset === undefined ? undefined : new DataView(offset.buffer, offset.byteOffset).getUint32(0, true);
}
