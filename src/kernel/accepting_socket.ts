// A socket that answers for the kernel, to which it sends nothing: every batch is applied.

import { assert } from "../invariant.ts";
import { messages } from "./netlink_reader.ts";
import type { RequestSocket } from "./netlink_socket.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import * as nf from "./nf_tables.ts";

const ASKS_GENERATION = nf.NFNL_SUBSYS_NFTABLES << 8 | nf.MSG.GETGEN;
const GENERATION = nf.NFNL_SUBSYS_NFTABLES << 8 | nf.MSG.NEWGEN;

/** Answers batches, and questions about the generation; no others. */
export class AcceptingSocket implements RequestSocket {
  readonly port = 0;
  readonly sendLimit = Infinity;
  readonly #writer = new NetlinkWriter();
  readonly #accepted: () => void;
  #generation = 1;
  #answer: Uint8Array | undefined;

  /** `accepted` is called for each batch. */
  constructor(accepted: () => void) {
    this.#accepted = accepted;
  }

  send(bytes: Uint8Array): void {
    const sent = messages(bytes);
    const { type, sequence } = sent[0]!;
    if (type !== nf.NFNL_MSG_BATCH_BEGIN) {
      assert(type === ASKS_GENERATION, () => `nothing answers netlink message ${type}`);
      this.#answer = this.#generationFor(sequence);
      return;
    }
    // The last message of a batch is its end: the one before it is acknowledged.
    this.#answer = acknowledged(sent.at(-2)!.sequence);
    this.#generation++;
    this.#accepted();
  }

  receive(): Uint8Array | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  sendBeside(bytes: Uint8Array): Promise<void> {
    return Promise.resolve(this.send(bytes));
  }

  receiveBeside(): Promise<Uint8Array> {
    return Promise.resolve(this.receive()!);
  }

  [Symbol.dispose](): void {}

  #generationFor(sequence: number): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.openMessage(GENERATION, 0, sequence, 0);
    writer.attributeU32(nf.NFTA_GEN.ID, this.#generation);
    writer.closeMessage();
    return writer.finish();
  }
}

/** An nlmsgerr of no error: an errno of 0, and the header of the message that it is about (linux/netlink.h). */
function acknowledged(sequence: number): Uint8Array {
  const answer = new Uint8Array(2 * nf.NLMSG_HEADER_BYTES + 4);
  const view = new DataView(answer.buffer);
  view.setUint32(0, answer.length, true);
  view.setUint16(4, nf.NLMSG_ERROR, true);
  view.setUint32(8, sequence, true);
  return answer;
}
