// A netlink socket that sends nothing. It answers for the kernel: every batch is applied.

import { messages } from "./netlink_reader.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import * as nf from "./nf_tables.ts";

/** Answers batches, and questions about the generation; no others. */
export class AcceptingSocket extends NetlinkSocket {
  readonly #writer = new NetlinkWriter();
  readonly #accepted: () => void;
  #generation = 1;
  #answer: Uint8Array | undefined;

  /** `accepted` is called for each batch. */
  constructor(accepted: () => void) {
    super();
    this.#accepted = accepted;
  }

  override send(bytes: Uint8Array<ArrayBuffer>): void {
    const sent = messages(bytes);
    const isBatch = sent[0]!.type === nf.NFNL_MSG_BATCH_BEGIN;
    // The last message of a batch is its end: the one before it is acknowledged.
    this.#answer = isBatch
      ? this.#acknowledged(sent.at(-2)!.sequence)
      : this.#generationFor(sent[0]!.sequence);
    if (!isBatch) return;
    this.#generation++;
    this.#accepted();
  }

  override receive(): Uint8Array | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  /** An nlmsgerr of no error: an errno of 0, and the header of the message that it is about (linux/netlink.h). */
  #acknowledged(sequence: number): Uint8Array {
    const answer = new Uint8Array(2 * nf.NLMSG_HEADER_BYTES + 4);
    const view = new DataView(answer.buffer);
    view.setUint32(0, answer.length, true);
    view.setUint16(4, nf.NLMSG_ERROR, true);
    view.setUint32(8, sequence, true);
    return answer;
  }

  #generationFor(sequence: number): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.openMessage(nf.NFNL_SUBSYS_NFTABLES << 8 | nf.MSG.NEWGEN, 0, sequence, 0);
    writer.attributeU32(nf.NFTA_GEN.ID, this.#generation);
    writer.closeMessage();
    return writer.finish();
  }
}
