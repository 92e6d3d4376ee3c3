// Turns protobuf bodies into the values that the same bodies are in JSON. An object comes in an envelope: four bytes, and the
// message Unknown with its kind. A watch is a stream of frames: the length of a WatchEvent in four bytes, big-endian, and the
// WatchEvent, whose object is an envelope (k8s.io/apimachinery v0.37.2, runtime/serializer/protobuf and util/framer).

import { fieldsOf } from "../kube/json_value.ts";
import { quoted } from "../kube/quoted.ts";
import { ERROR_BYTES_MAX } from "../limits/input.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { ApiFailure, EncodingFailure, invalid } from "./api_failure.ts";
import { BadLine, type Framing, GatheredBytes } from "./body.ts";
import { ENVELOPE, OBJECTS, WATCH_EVENT } from "./protobuf_fields.ts";
import { ByteSpan, type Fields, MessageReader, UnreadableMessage } from "./protobuf_message.ts";

/** The content type; that of a watch has a parameter as well. */
export const PROTOBUF = "application/vnd.kubernetes.protobuf";

const HEAD_BYTES = 4;
/** The head of an envelope, `k8s` and 0, as a number: more than the length of any frame. */
const ENVELOPE_HEAD = 0x6b387300;
/** A WatchEvent begins with its type: field 1 with a length. */
const EVENT_TAG = 0x0a;

/** A chunk up to this length is copied: an event of a small object has less, and a reader for each chunk costs more. */
const COPIED_BYTES_MAX = 4096;

/** The events of a watch. */
export class ProtobufStream implements Framing {
  /** The beginning of a frame that is not whole yet. */
  readonly #begun = new GatheredBytes(HEAD_BYTES + RECORD_BYTES_MAX);
  #count = 0;
  /** Set where the body is one object in place of a stream: a Status, say. */
  #single: ProtobufValue | undefined;
  /** Set by a bad frame: where the next one begins is not known. */
  #broken = false;
  /** Reads small chunks; undefined before the first one. */
  #small: MessageReader | undefined;

  get held(): number {
    return this.#begun.length + (this.#single?.held ?? 0);
  }

  push(chunk: Uint8Array): readonly unknown[] {
    const values: unknown[] = [];
    let at = 0;
    while (at < chunk.length && !this.#broken) {
      if (this.#single !== undefined) return this.#single.push(chunk.subarray(at));
      at = this.#begun.length > 0 ? this.#continue(chunk, at, values) : this.#take(chunk, at, values);
    }
    return values;
  }

  end(): readonly unknown[] {
    if (this.#single !== undefined) return this.#single.end();
    if (this.#broken || this.#begun.length === 0) return [];
    const begun = this.#begun.bytes();
    // A whole stream of other bytes. The first byte of a length is 0, because no frame is so long.
    if (this.#count === 0 && (begun[0] !== 0 || (begun[HEAD_BYTES] ?? EVENT_TAG) !== EVENT_TAG)) {
      throw unreadable("an answer that is not a stream of protobuf");
    }
    throw new ApiFailure("cut", "the stream ended in the middle of a frame");
  }

  /** Reads the frames that are whole in `chunk`, and keeps what follows them. Returns how far it came. */
  #take(chunk: Uint8Array, from: number, values: unknown[]): number {
    const reader = this.#readerOf(chunk);
    let at = from;
    while (!this.#broken) {
      const length = this.#lengthAt(chunk, at, values);
      if (this.#single !== undefined) return at;
      if (length === undefined || at + HEAD_BYTES + length > chunk.length) break;
      this.#read(reader, at + HEAD_BYTES, length, values);
      at += HEAD_BYTES + length;
    }
    if (!this.#broken) this.#begun.push(chunk.subarray(at));
    return chunk.length;
  }

  #readerOf(chunk: Uint8Array): MessageReader {
    if (chunk.length > COPIED_BYTES_MAX) return new MessageReader(chunk);
    this.#small ??= new MessageReader(new Uint8Array(COPIED_BYTES_MAX));
    this.#small.bytes.set(chunk);
    return this.#small;
  }

  /** Adds to the frame that has begun what it lacks: first its head, then the rest. Returns how far it came. */
  #continue(chunk: Uint8Array, from: number, values: unknown[]): number {
    const begun = this.#begun;
    const wanted = HEAD_BYTES + (this.#lengthAt(begun.bytes(), 0, values) ?? 0);
    const to = Math.min(chunk.length, from + wanted - begun.length);
    begun.push(chunk.subarray(from, to));
    const length = this.#lengthAt(begun.bytes(), 0, values);
    if (this.#single !== undefined) this.#single.push(begun.bytes());
    else if (length === undefined || begun.length < HEAD_BYTES + length) return to;
    else this.#read(new MessageReader(begun.bytes()), HEAD_BYTES, length, values);
    begun.clear();
    return to;
  }

  /** The length of the frame at `at`; undefined where its head is not whole, or is none. */
  #lengthAt(bytes: Uint8Array, at: number, values: unknown[]): number | undefined {
    if (bytes.length - at < HEAD_BYTES) return undefined;
    const length = numberAt(bytes, at);
    if (length <= RECORD_BYTES_MAX) return length;
    if (length === ENVELOPE_HEAD && this.#count === 0) this.#single = new ProtobufValue(RECORD_BYTES_MAX);
    else this.#break(`a frame of ${length} bytes, more than ${RECORD_BYTES_MAX}`, values);
    return undefined;
  }

  #read(reader: MessageReader, from: number, length: number, values: unknown[]): void {
    try {
      values.push(eventIn(reader, new ByteSpan(from, from + length)));
      this.#count++;
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      this.#break(error.message, values);
    }
  }

  #break(text: string, values: unknown[]): void {
    values.push(new BadLine(unreadable(`a frame of protobuf that cannot be read: ${text}`)));
    this.#broken = true;
  }
}

/** One object of at most `limit` bytes. */
export class ProtobufValue implements Framing {
  readonly #body: GatheredBytes;

  constructor(limit?: number) {
    this.#body = new GatheredBytes(limit);
  }

  get held(): number {
    return this.#body.length;
  }

  push(chunk: Uint8Array): readonly unknown[] {
    this.#body.push(chunk);
    return [];
  }

  end(): readonly unknown[] {
    const bytes = this.#body.bytes();
    if (bytes.length === 0) throw invalid("an empty answer where a list was expected");
    try {
      return [objectIn(new MessageReader(bytes), new ByteSpan(0, bytes.length))];
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      throw unreadable(`protobuf that cannot be read: ${error.message}`);
    }
  }
}

/** An error answer: a Status, or a text in place of one that cannot be read. It is complete once it has ERROR_BYTES_MAX bytes. */
export class ProtobufError implements Framing {
  readonly #body = new GatheredBytes();

  get held(): number {
    return this.#body.length;
  }

  push(chunk: Uint8Array): readonly unknown[] {
    this.#body.push(chunk);
    return this.#body.length < ERROR_BYTES_MAX ? [] : this.end();
  }

  end(): readonly unknown[] {
    try {
      return [objectIn(new MessageReader(this.#body.bytes()), new ByteSpan(0, this.#body.length))];
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      return ["an error in protobuf that cannot be read"];
    }
  }
}

/** The failure of bytes that are not what their content type says: the answer is asked for in JSON then. */
export function unreadable(text: string): EncodingFailure {
  return new EncodingFailure("invalid", text);
}

/** The WatchEvent in `span`, as JSON has it. */
function eventIn(reader: MessageReader, span: ByteSpan): Fields {
  const { type, object } = reader.read(WATCH_EVENT, span);
  const { raw } = fieldsOf(object);
  const event: Fields = {};
  if (type !== undefined) event["type"] = type;
  if (raw instanceof ByteSpan && raw.from < raw.to) event["object"] = objectIn(reader, raw);
  return event;
}

/** The object whose envelope is in `span`, as JSON has it. Throws {@link UnreadableMessage}. */
function objectIn(reader: MessageReader, { from, to }: ByteSpan): Fields {
  if (to - from < HEAD_BYTES || numberAt(reader.bytes, from) !== ENVELOPE_HEAD) {
    throw new UnreadableMessage("an object does not begin as Kubernetes' objects do");
  }
  const envelope = reader.read(ENVELOPE, new ByteSpan(from + HEAD_BYTES, to));
  checkEncoding(envelope);
  const { typeMeta, raw } = envelope;
  const object: Fields = { ...fieldsOf(typeMeta) };
  const { apiVersion, kind = "" } = object;
  const known = OBJECTS.get(String(kind));
  if (known === undefined || (known.apiVersion ?? apiVersion) !== apiVersion) return object;
  if (!(raw instanceof ByteSpan)) throw new UnreadableMessage("an envelope without an object");
  if (known.isList) object["items"] = [];
  reader.read(known.message, raw, object);
  // A server always writes it. Without this check a list that lost its bytes would be an empty list.
  if (known.isList && object["metadata"] === undefined) {
    throw new UnreadableMessage(`a ${kind} without metadata`);
  }
  return object;
}

/** Refuses an envelope whose object is encoded in another way. */
export function checkEncoding({ contentEncoding, contentType = PROTOBUF }: Fields): void {
  if (contentEncoding === undefined && contentType === PROTOBUF) return;
  throw new UnreadableMessage(`an object in the encoding ${quoted(contentEncoding ?? contentType, "")}`);
}

/** Whether `bytes`, of which there are four at least, begin as an envelope. */
export function isEnvelope(bytes: Uint8Array): boolean {
  return numberAt(bytes, 0) === ENVELOPE_HEAD;
}

/** The four bytes at `at` as a big-endian number. */
function numberAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
