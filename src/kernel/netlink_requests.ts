// Requests to one netlink subsystem and their answers: single requests, and dumps, which are repeated when the kernel
// reports that a change interrupted them (NLM_F_DUMP_INTR).

import type { Family } from "../nft/data_type.ts";
import { settled } from "./beside.ts";
import * as nf from "./nf_tables.ts";
import { messages, type NetlinkMessage } from "./netlink_reader.ts";
import type { RequestSocket } from "./netlink_socket.ts";
import { NetlinkWriter } from "./netlink_writer.ts";
import { ERRNO, SystemError } from "./system_error.ts";

const DUMPS_MAX = 16;

/** One request: message type, family, and attributes. */
export interface Request {
  readonly message: number;
  readonly family: Family;
  /** Writes the attributes. */
  fill(writer: NetlinkWriter): void;
}

/** Requests to `subsystem` through `socket`. Sequence numbers match answers to requests. */
export class NetlinkRequests {
  readonly #socket: RequestSocket;
  readonly #subsystem: number;
  readonly #writer = new NetlinkWriter();
  /** Sequence number of the next message. */
  sequence = 1;

  constructor(socket: RequestSocket, subsystem: number) {
    this.#socket = socket;
    this.#subsystem = subsystem;
  }

  /** All answers of a dump. An interrupted dump could mix two states: it is repeated, a bounded number of times. */
  dump(request: Request): NetlinkMessage[] {
    for (let attempt = 0; attempt < DUMPS_MAX; attempt++) {
      const answers = this.ask(request, nf.NLM_F_DUMP);
      if (answers.every(({ flags }) => (flags & nf.NLM_F_DUMP_INTR) === 0)) return answers;
    }
    throw new SystemError(
      "the rules cannot be listed, because another program changes rules without a pause (`nft monitor` shows which): try again, or stop it",
      ERRNO.EINTR,
    );
  }

  /**
   * A dump whose answers go to `take` while they are in the receive buffer, so that a large table needs no memory. It is not repeated
   * where a change interrupts it: entries that come or go meanwhile may be missing. Throws {@link SystemError}.
   */
  stream(request: Request, take: (answer: NetlinkMessage) => void): void {
    for (const answers of this.datagrams(request)) answers.forEach(take);
  }

  /**
   * As {@link stream}, a datagram at a time. Its answers are valid until the next one is asked for. The kernel goes on with the dump
   * only then, so the caller can do other work in between. Other dumps on the same socket must wait until this one ends.
   */
  *datagrams(request: Request): Generator<NetlinkMessage[], void, void> {
    const sequence = this.#send(request, nf.NLM_F_DUMP);
    let ended = false;
    const next = () => {
      // A receive that fails ends the dump too.
      ended = true;
      const { answers, last } = dumped(this.#socket.receive(true)!, sequence);
      ended = last;
      return answers;
    };
    try {
      while (!ended) yield next();
    } finally {
      // Left before its end: a dump that goes on would refuse the next one with EBUSY.
      while (!ended) next();
    }
  }

  /**
   * As {@link datagrams}, while the kernel works on another thread; undefined while it does. Each datagram costs the kernel about as
   * long as the one before: where that was short, the loop receives it itself. Left before its end, it leaves the socket unusable;
   * `idle` resolves once the socket may be disposed of.
   */
  *datagramsBeside(
    request: Request,
    shortMilliseconds: number,
    idle: (promise: Promise<unknown>) => void,
  ): Generator<NetlinkMessage[] | undefined, void, void> {
    const beside = <T>(call: Promise<T>) => {
      idle(call);
      return settled(call);
    };
    let walked = Infinity;
    const walk = (begun: number) => void (walked = performance.now() - begun);
    const timed = <T>(call: Promise<T>, begun = performance.now()) => beside(call.finally(() => walk(begun)));
    const { sequence, bytes } = this.#written(request, nf.NLM_F_DUMP);
    yield* timed(this.#socket.sendBeside(bytes));
    for (let ended = false; !ended;) {
      const begun = performance.now();
      const isShort = walked < shortMilliseconds;
      const datagram = isShort ? this.#socket.receive(true)! : yield* timed(this.#socket.receiveBeside());
      if (isShort) walk(begun);
      const { answers, last } = dumped(datagram, sequence);
      ended = last;
      yield answers;
    }
  }

  /** Sends one request and waits for its answers; with NLM_F_ACK there are none. Throws {@link SystemError}. */
  ask(request: Request, flags: number): NetlinkMessage[] {
    const sequence = this.#send(request, flags);
    const answers: NetlinkMessage[] = [];
    for (;;) {
      // A copy: the next receive overwrites the buffer.
      const datagram = this.#socket.receive(true)!.slice();
      for (const answer of messages(datagram)) {
        if (answer.sequence !== sequence) continue;
        if (answer.type === nf.NLMSG_DONE) return answers;
        if (answer.type !== nf.NLMSG_ERROR) answers.push(answer);
        else if (errnoOf(answer) === 0) return answers;
        else throw new SystemError("netlink request", errnoOf(answer));
        if (flags === 0) return answers;
      }
    }
  }

  /** Sends one request; returns its sequence number. */
  #send(request: Request, flags: number): number {
    const { sequence, bytes } = this.#written(request, flags);
    this.#socket.send(bytes);
    return sequence;
  }

  /** One request and its sequence number. The bytes change with the next one. */
  #written(
    { message, family, fill }: Request,
    flags: number,
  ): { readonly sequence: number; readonly bytes: Uint8Array<ArrayBuffer> } {
    const writer = this.#writer;
    writer.clear();
    const sequence = this.sequence++;
    const type = (this.#subsystem << 8) | message;
    writer.openMessage(type, nf.NLM_F_REQUEST | flags, sequence, nf.NFPROTO[family]);
    fill(writer);
    writer.closeMessage();
    return { sequence, bytes: writer.finish() };
  }
}

/** The answers to a dump in one datagram, and whether it is the last one. Throws the error that ends it. */
function dumped(
  datagram: Uint8Array,
  sequence: number,
): { readonly answers: NetlinkMessage[]; readonly last: boolean } {
  const answers = messages(datagram).filter((answer) => answer.sequence === sequence);
  const end = answers.find(({ type }) => type === nf.NLMSG_DONE || type === nf.NLMSG_ERROR);
  if (end?.type === nf.NLMSG_ERROR) throw new SystemError("netlink dump", errnoOf(end));
  return { answers: answers.filter((answer) => answer !== end), last: end !== undefined };
}

/** The errno of an NLMSG_ERROR message; 0 for an acknowledgement. */
export function errnoOf({ payload }: NetlinkMessage): number {
  return -new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
}
