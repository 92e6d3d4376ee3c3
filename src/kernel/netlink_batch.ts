// A transaction as one netlink batch. Consecutive operations on elements of one set share a message, which the kernel
// processes faster. The batch records where the bytes of each operation are, so that an error can name the operation.

import { unreachable } from "../invariant.ts";
import { ELEMENT_MESSAGE_BYTES_MAX } from "../limits/commits.ts";
import { splitSetPath } from "../nft/ruleset.ts";
import type { ElementOperation, Operation, Transaction } from "../nft/transaction.ts";
import * as nf from "./nf_tables.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import { writeRule } from "./rule_encoder.ts";
import { writeComment, writeElement, writeSet } from "./set_codec.ts";
import { kernelName, SAME_NAME, type TableAlias } from "./table_alias.ts";

/**
 * The kernel answers a batch with the generation that it made where the first message asks for an echo (nf_tables_gen_notify, since
 * Linux 4.14). The answers also repeat what that message changed, so a large batch does not ask.
 */
const ECHOED_OPERATIONS_MAX = 64;

/** A batch ready to be sent. */
export interface NetlinkBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Sequence number of the last message before BATCH_END, the only one that requests an ACK. */
  readonly lastSequence: number;
  /**
   * The operation at byte `attributeOffset` of message `sequence`, as an error names it; null where it is not one
   * alone.
   */
  operationAt(sequence: number, attributeOffset: number | undefined): Operation | null;
}

/**
 * Encodes `transaction` with `writer`, which is empty, numbering its messages from `firstSequence`. `alias`: the name that our
 * table has in the kernel. `after`: the generation after which alone the kernel is to apply it. Such a batch asks for no generation.
 */
export function encodeBatch(
  transaction: Transaction,
  firstSequence: number,
  writer: NetlinkWriter = new NetlinkWriter(),
  alias: TableAlias = SAME_NAME,
  after?: number,
): NetlinkBatch {
  /** The first operation of each message, and the offset of each operation's first byte in its message. */
  const [firsts, offsets]: [number[], number[]] = [[], []];
  writeBoundary(writer, nf.NFNL_MSG_BATCH_BEGIN, firstSequence, after);
  const begin = writer.length;
  let last = 0;
  while (offsets.length < transaction.length) {
    last = writer.length;
    const at = offsets.length;
    firsts.push(at);
    const sequence = firstSequence + firsts.length;
    const operation = transaction[at]!;
    if (operation.noun === "element") {
      writeElements(writer, alias, transaction, operation, sequence, offsets);
    } else {
      writeOne(writer, alias, operation, sequence, firsts.length);
      offsets.push(0);
    }
  }
  const echoes = after === undefined && transaction.length > 0 && transaction.length <= ECHOED_OPERATIONS_MAX;
  if (echoes) writer.addFlags(begin, nf.NLM_F_ECHO);
  if (firsts.length > 0) writer.addFlags(last, nf.NLM_F_ACK);
  writeBoundary(writer, nf.NFNL_MSG_BATCH_END, firstSequence + 1 + firsts.length);
  return {
    bytes: writer.finish(),
    lastSequence: firstSequence + firsts.length,
    operationAt(sequence, attributeOffset) {
      const message = sequence - firstSequence - 1;
      const first = firsts[message];
      if (first === undefined) return null;
      const own = offsets.slice(first, firsts[message + 1]);
      if (attributeOffset === undefined) return own.length === 1 ? transaction[first]! : null;
      const place = own.findLastIndex((offset) => offset <= attributeOffset);
      return transaction[first + Math.max(0, place)]!;
    },
  };
}

/** The message that begins or ends a batch: the kernel applies what is between them, or nothing. */
function writeBoundary(writer: NetlinkWriter, type: number, sequence: number, after?: number): void {
  writer.openMessage(type, nf.NLM_F_REQUEST, sequence, 0, nf.NFNL_SUBSYS_NFTABLES);
  if (after !== undefined) writer.attributeU32(nf.NFNL_BATCH_GENID, after);
  writer.closeMessage();
}

/**
 * Writes one message with `first`, the next operation, and those behind it that have its verb and its set, as far as they fit. Adds
 * the offset of each to `offsets`, which has one for each operation before.
 */
function writeElements(
  writer: NetlinkWriter,
  alias: TableAlias,
  transaction: Transaction,
  first: ElementOperation,
  sequence: number,
  offsets: number[],
): void {
  const { family, table, name } = splitSetPath(first.set);
  open(writer, first.verb === "add" ? nf.MSG.NEWSETELEM : nf.MSG.DELSETELEM, first, family, sequence);
  writer.attributeString(nf.NFTA_SET_ELEM_LIST.TABLE, kernelName(alias, table));
  writer.attributeString(nf.NFTA_SET_ELEM_LIST.SET, name);
  const elements = writer.openNest(nf.NFTA_SET_ELEM_LIST.ELEMENTS);
  while (offsets.length < transaction.length && writer.length - elements < ELEMENT_MESSAGE_BYTES_MAX) {
    const next = transaction[offsets.length]!;
    if (next.noun !== "element" || next.verb !== first.verb || next.set !== first.set) break;
    offsets.push(writer.length - writer.messageStart);
    writeElement(writer, next.container, next.element, next.verb === "add");
  }
  writer.close(elements);
  writer.closeMessage();
}

/** Opens a message about nf_tables, with the flags of its verb. */
function open(
  writer: NetlinkWriter,
  message: number,
  operation: Operation,
  family: "ip" | "ip6",
  sequence: number,
) {
  const creates = operation.verb === "add" ? nf.NLM_F_CREATE : 0;
  const appends = operation.noun === "rule" ? nf.NLM_F_APPEND : 0;
  const type = (nf.NFNL_SUBSYS_NFTABLES << 8) | message;
  writer.openMessage(type, nf.NLM_F_REQUEST | creates | appends, sequence, nf.NFPROTO[family]);
}

/** Writes an operation that has a message of its own. `id` is unique in the batch. */
function writeOne(
  writer: NetlinkWriter,
  alias: TableAlias,
  operation: Exclude<Operation, ElementOperation>,
  sequence: number,
  id: number,
): void {
  open(writer, messageType(operation), operation, operation.family, sequence);
  writeBody(writer, operation, kernelName(alias, operation.table), id);
  writer.closeMessage();
}

/** A flush of a chain deletes rules without naming one; a flush of a set deletes elements without a list. */
function messageType(operation: Exclude<Operation, ElementOperation>): number {
  const add = operation.verb === "add";
  switch (operation.noun) {
    case "table":
      return add ? nf.MSG.NEWTABLE : nf.MSG.DELTABLE;
    case "chain":
      if (operation.verb === "flush") return nf.MSG.DELRULE;
      return add ? nf.MSG.NEWCHAIN : nf.MSG.DELCHAIN;
    case "rule":
      return nf.MSG.NEWRULE;
    case "set":
      if (operation.verb === "flush") return nf.MSG.DELSETELEM;
      return add ? nf.MSG.NEWSET : nf.MSG.DELSET;
    default:
      return unreachable(operation);
  }
}

/** Writes the attributes of an operation on `table`. */
function writeBody(
  writer: NetlinkWriter,
  operation: Exclude<Operation, ElementOperation>,
  table: string,
  id: number,
): void {
  switch (operation.noun) {
    case "table":
      writer.attributeString(nf.NFTA_TABLE.NAME, table);
      return operation.verb === "add" ? writeTable(writer, operation) : undefined;
    case "chain":
      return operation.verb === "add"
        ? writeChain(writer, operation, table)
        : nameChain(writer, operation, table);
    case "rule":
      writer.attributeString(nf.NFTA_RULE.TABLE, table);
      writer.attributeString(nf.NFTA_RULE.CHAIN, operation.chain);
      return writeRule(writer, operation.family, operation.rule);
    case "set":
      writer.attributeString(nf.NFTA_SET.TABLE, table);
      if (operation.verb === "add") return writeSet(writer, operation.set, id);
      // NFTA_SET_ELEM_LIST_SET has the number of NFTA_SET_NAME.
      return writer.attributeString(nf.NFTA_SET.NAME, operation.name);
    default:
      return unreachable(operation);
  }
}

/** Writes flags and comment of a table. */
function writeTable(
  writer: NetlinkWriter,
  { comment, flags }: Operation & { noun: "table"; verb: "add" },
): void {
  if (flags !== undefined) {
    writer.attributeU32(nf.NFTA_TABLE.FLAGS, flags.reduce((bits, flag) => bits | nf.TABLE_FLAG[flag], 0));
  }
  if (comment !== undefined) writeComment(writer, nf.NFTA_TABLE.USERDATA, comment);
}

/** Names the chain of a deletion, or of a flush, which is a message about rules and has their attribute numbers. */
function nameChain(
  writer: NetlinkWriter,
  operation: Operation & { noun: "chain"; verb: "flush" | "delete" },
  table: string,
): void {
  const flush = operation.verb === "flush";
  writer.attributeString(flush ? nf.NFTA_RULE.TABLE : nf.NFTA_CHAIN.TABLE, table);
  writer.attributeString(flush ? nf.NFTA_RULE.CHAIN : nf.NFTA_CHAIN.NAME, operation.name);
}

/** Writes name, hook, policy and comment of a chain. */
function writeChain(
  writer: NetlinkWriter,
  { chain }: Operation & { noun: "chain"; verb: "add" },
  table: string,
): void {
  writer.attributeString(nf.NFTA_CHAIN.TABLE, table);
  writer.attributeString(nf.NFTA_CHAIN.NAME, chain.name);
  if (chain.hook !== undefined) {
    const hook = writer.openNest(nf.NFTA_CHAIN.HOOK);
    writer.attributeU32(nf.NFTA_HOOK.HOOKNUM, nf.HOOK_NUMBER[chain.hook.hook]);
    writer.attributeU32(nf.NFTA_HOOK.PRIORITY, chain.hook.priority);
    writer.close(hook);
    writer.attributeU32(nf.NFTA_CHAIN.POLICY, nf.VERDICT_CODE.accept);
    writer.attributeString(nf.NFTA_CHAIN.TYPE, chain.hook.type);
  }
  if (chain.comment !== undefined) writeComment(writer, nf.NFTA_CHAIN.USERDATA, chain.comment);
}
