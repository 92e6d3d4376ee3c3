// The real kernel: commits batches to nf_tables and lists what it holds, in the network namespace of the process.

import { FAMILIES, type Family } from "../nft/data_type.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import type { Transaction } from "../nft/transaction.ts";
import type { CommitReceipt, Kernel, TableName } from "./kernel.ts";
import { KernelRejection } from "./kernel_rejection.ts";
import { encodeBatch, type NetlinkBatch } from "./netlink_batch.ts";
import { listRuleset, type Request } from "./netlink_listing.ts";
import { attributes, messageAttributes, messages, type NetlinkMessage, text, u32 } from "./netlink_reader.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import * as nf from "./nf_tables.ts";
import { SystemError } from "./system_error.ts";

const EMSGSIZE = 90;
const EINTR = 4;
/** An nlmsgerr starts with the error and the header of the message it is about (linux/netlink.h). */
const ERROR_HEADER_BYTES = 4 + nf.NLMSG_HEADER_BYTES;

/** nf_tables through one netlink socket. */
export class NetlinkKernel implements Kernel {
  readonly #socket = new NetlinkSocket();
  #sequence = 1;

  commit(transaction: Transaction): CommitReceipt {
    const start = performance.now();
    const batch = encodeBatch(transaction, this.#sequence);
    this.#sequence = batch.lastSequence + 2;
    const rendered = performance.now();
    if (transaction.length > 0) this.#send(batch);
    const end = performance.now();
    return {
      generation: this.generation(),
      operations: transaction.length,
      bytes: batch.bytes.length,
      renderMicroseconds: Math.round((rendered - start) * 1000),
      microseconds: Math.round((end - rendered) * 1000),
    };
  }

  list(tables: readonly TableName[]): Ruleset {
    return listRuleset(tables, (request) => this.#dump(request));
  }

  tables(): readonly TableName[] {
    return FAMILIES.flatMap((family) =>
      this.#dump({ message: nf.MSG.GETTABLE, family, fill: () => {} }).map((answer) => ({
        family,
        name: text(messageAttributes(answer), nf.NFTA_TABLE.NAME),
      }))
    );
  }

  generation(): number {
    const [answer] = this.#ask(nf.MSG.GETGEN, 0, "ip", () => {});
    return u32(messageAttributes(answer!), nf.NFTA_GEN_ID)!;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  /** The kernel answers within the send: all that it has to say is queued afterwards. */
  #send(batch: NetlinkBatch): void {
    const { sendLimit } = this.#socket;
    if (batch.bytes.length > sendLimit) {
      throw new KernelRejection(
        null,
        EMSGSIZE,
        `a batch of ${batch.bytes.length} bytes, at most ${sendLimit}`,
      );
    }
    this.#socket.send(batch.bytes);
    let rejection: KernelRejection | undefined;
    let acknowledged = false;
    for (let datagram; (datagram = this.#socket.receive(false)) !== undefined;) {
      for (const message of messages(datagram)) {
        if (message.type !== nf.NLMSG_ERROR) continue;
        const errno = errnoOf(message);
        if (errno !== 0) {
          rejection ??= new KernelRejection(batch.operationAt(message.sequence, badOffset(message)), errno);
        } else if (message.sequence === batch.lastSequence) acknowledged = true;
      }
    }
    if (rejection !== undefined) throw rejection;
    if (!acknowledged) throw new SystemError("commit: no acknowledgement", EINTR);
  }

  /** A dump that another process's commit interrupts is asked for again, a bounded number of times. */
  #dump(request: Request): NetlinkMessage[] {
    for (let attempt = 0; attempt < 16; attempt++) {
      const answers = this.#ask(request.message, nf.NLM_F_DUMP, request.family, request.fill);
      if (answers.every(({ flags }) => (flags & nf.NLM_F_DUMP_INTR) === 0)) return answers;
    }
    throw new SystemError("listing: the ruleset kept changing", EINTR);
  }

  #ask(
    message: number,
    flags: number,
    family: Family,
    fill: (writer: NetlinkWriter) => void,
  ): NetlinkMessage[] {
    const writer = new NetlinkWriter();
    const sequence = this.#sequence++;
    const type = (nf.NFNL_SUBSYS_NFTABLES << 8) | message;
    writer.openMessage(type, nf.NLM_F_REQUEST | flags, sequence, nf.NFPROTO[family]);
    fill(writer);
    writer.closeMessage();
    this.#socket.send(writer.finish());
    const answers: NetlinkMessage[] = [];
    for (;;) {
      // The buffer is used again by the next receive, and answers are kept.
      const datagram = this.#socket.receive(true)!.slice();
      for (const answer of messages(datagram)) {
        if (answer.sequence !== sequence) continue;
        if (answer.type === nf.NLMSG_DONE) return answers;
        if (answer.type === nf.NLMSG_ERROR) throw new SystemError("listing", errnoOf(answer));
        answers.push(answer);
        if (flags === 0) return answers;
      }
    }
  }
}

function errnoOf({ payload }: NetlinkMessage): number {
  return -new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
}

/** Byte of the message that the error is about, from NLMSGERR_ATTR_OFFS. */
function badOffset({ flags, payload }: NetlinkMessage): number | undefined {
  if ((flags & nf.NLM_F_ACK_TLVS) === 0) return undefined;
  const offset = attributes(payload.subarray(ERROR_HEADER_BYTES)).get(nf.NLMSGERR_ATTR_OFFS);
  return offset === undefined ? undefined : new DataView(offset.buffer, offset.byteOffset).getUint32(0, true);
}
