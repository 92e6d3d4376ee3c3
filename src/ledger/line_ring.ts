// Lines on their way to the worker, in memory that both threads share. Why not in messages? A message runs an event loop on both
// sides, which costs more CPU than the lines. The worker sleeps in a call of the kernel, and the program wakes it.

import { LINE_RING_BYTES } from "../limits.ts";
import type { WorkerRequest } from "./worker_messages.ts";

/** Lines to append. */
export type Lines = WorkerRequest & { readonly kind: "append" };

/** What the worker does, as the program sees it. */
const STATES = {
  /** It executes something, and looks for lines afterwards. */
  running: 0,
  /** It sleeps, and looks for lines soon by itself. */
  dozing: 1,
  /** It sleeps until it is woken. */
  sleeping: 2,
  /** Its event loop waits: only a message makes it look for lines. */
  waiting: 3,
} as const;

/** Bytes that were put in and taken out, modulo 2^32. */
const PUT = 0;
const TAKEN = 1;
/** Messages that the program has sent. */
const MESSAGES = 2;
/** Changes with each signal. */
const SIGNAL = 3;
const STATE = 4;
const CELLS_BYTES = 5 * Int32Array.BYTES_PER_ELEMENT;

/** Before the lines: their length, the offsets of the first one and after the last one, and the hash chain there. */
const HEAD_BYTES = 84;
const NEXT_AT = 12;
const CHAIN_AT = 20;

/** How long the worker dozes before it sleeps, in milliseconds: lines that can wait do so at most as long. */
const DOZE_MILLISECONDS = 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One side puts lines in, the other one takes them out in the same order. */
export class LineRing {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #head = new Uint8Array(HEAD_BYTES);
  readonly #view = new DataView(this.#head.buffer);

  /** Without `shared` the ring is new, and has room for `size` bytes: a power of two. */
  constructor(size = LINE_RING_BYTES, readonly shared = new SharedArrayBuffer(CELLS_BYTES + size)) {
    this.#cells = new Int32Array(shared, 0, CELLS_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(shared, CELLS_BYTES);
  }

  /** Bytes that were put in, modulo 2^32: a message is to be executed after the lines up to there. */
  get end(): number {
    return Atomics.load(this.#cells, PUT);
  }

  /** How many messages were sent, modulo 2^32. */
  get messages(): number {
    return Atomics.load(this.#cells, MESSAGES);
  }

  /** The program puts `lines` in; false where there is no room. */
  put({ first, lines, end }: Lines): boolean {
    const put = this.end;
    const length = HEAD_BYTES + lines.length;
    if (distance(Atomics.load(this.#cells, TAKEN), put) + length > this.#bytes.length) return false;
    this.#view.setUint32(0, lines.length);
    this.#view.setFloat64(4, first);
    this.#view.setFloat64(NEXT_AT, end.next);
    encoder.encodeInto(end.chain, this.#head.subarray(CHAIN_AT));
    this.#write(put, this.#head);
    this.#write(put + HEAD_BYTES, lines);
    Atomics.store(this.#cells, PUT, put + length);
    return true;
  }

  /** The program has put lines in; `canWait`: they need not be taken out at once. True where only a message makes the worker look. */
  wake(canWait: boolean): boolean {
    const state = Atomics.load(this.#cells, STATE);
    if (state === STATES.sleeping || (state === STATES.dozing && !canWait)) this.#signal();
    return state === STATES.waiting;
  }

  /** The program is about to send a message. */
  announce(): void {
    Atomics.add(this.#cells, MESSAGES, 1);
    const state = Atomics.load(this.#cells, STATE);
    if (state === STATES.sleeping || state === STATES.dozing) this.#signal();
  }

  /** The worker takes out what was put in before `end`. */
  *take(end: number): Generator<Lines> {
    for (let taken; (taken = Atomics.load(this.#cells, TAKEN)) !== end;) {
      this.#read(taken, this.#head);
      const lines = new Uint8Array(this.#view.getUint32(0));
      this.#read(taken + HEAD_BYTES, lines);
      const next = this.#view.getFloat64(NEXT_AT);
      const chain = decoder.decode(this.#head.subarray(CHAIN_AT));
      Atomics.store(this.#cells, TAKEN, taken + HEAD_BYTES + lines.length);
      yield { kind: "append", first: this.#view.getFloat64(4), lines, end: { next, chain } };
    }
  }

  /** As {@link sleep}, for a moment, in which lines that can wait do not wake the worker. True where nothing has come. */
  doze(messages: number): boolean {
    return this.#pause("dozing", messages, DOZE_MILLISECONDS);
  }

  /** The worker sleeps until there are lines, or more than `messages` messages. */
  sleep(messages: number): void {
    this.#pause("sleeping", messages, Infinity);
  }

  /** The worker's event loop is about to wait. False where there are lines: then it must take them out. */
  awaitMessages(): boolean {
    Atomics.store(this.#cells, STATE, STATES.waiting);
    if (this.#empty) return true;
    Atomics.store(this.#cells, STATE, STATES.running);
    return false;
  }

  /** The worker begins to execute something. */
  run(): void {
    Atomics.store(this.#cells, STATE, STATES.running);
  }

  get #empty(): boolean {
    return this.end === Atomics.load(this.#cells, TAKEN);
  }

  /** Each side writes before it reads what the other one writes: so no signal is missed. */
  #pause(state: "dozing" | "sleeping", messages: number, milliseconds: number): boolean {
    const nothing = () => this.#empty && this.messages === messages;
    const signal = Atomics.load(this.#cells, SIGNAL);
    Atomics.store(this.#cells, STATE, STATES[state]);
    if (nothing()) Atomics.wait(this.#cells, SIGNAL, signal, milliseconds);
    Atomics.store(this.#cells, STATE, STATES.running);
    return nothing();
  }

  #signal(): void {
    Atomics.add(this.#cells, SIGNAL, 1);
    Atomics.notify(this.#cells, SIGNAL);
  }

  #write(at: number, bytes: Uint8Array): void {
    const place = distance(0, at) % this.#bytes.length;
    const fits = this.#bytes.length - place;
    this.#bytes.set(bytes.subarray(0, fits), place);
    if (fits < bytes.length) this.#bytes.set(bytes.subarray(fits));
  }

  #read(at: number, bytes: Uint8Array): void {
    const place = distance(0, at) % this.#bytes.length;
    const fits = this.#bytes.length - place;
    bytes.set(this.#bytes.subarray(place, place + bytes.length));
    if (fits < bytes.length) bytes.set(this.#bytes.subarray(0, bytes.length - fits), fits);
  }
}

/** From one count modulo 2^32 to another. */
function distance(from: number, to: number): number {
  return (to - from) >>> 0;
}
