// Reads one object in protobuf, and a list in parts while its bytes arrive: so the loop is never blocked by a large list, and
// its bytes are never in memory together. A server writes the kind of a list first, then its metadata, then its objects. What
// is arranged in another way is read too, at its end.

import { LIST_OBJECTS_MAX } from "../limits/input.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { type Framing, GatheredBytes, PagePart } from "./body.ts";
import { ENVELOPE, OBJECTS, type WireMessage } from "./protobuf_fields.ts";
import { checkEncoding, isEnvelope, ProtobufValue, unreadable } from "./protobuf_framing.ts";
import { lengthIn, varintEnd, wholeFields } from "./protobuf_lengths.ts";
import { ByteSpan, type Fields, MessageReader, UnreadableMessage } from "./protobuf_message.ts";

const HEAD_BYTES = 4;
/** Tags of an envelope: the type of its object, and the object. */
const TYPE_TAG = 0x0a;
const RAW_TAG = 0x12;
/** Objects are handed on in pieces of at least this many bytes of them. */
const PIECE_BYTES = 16 * 1024;

/** What is known of a list once its head has arrived. */
interface OpenList {
  readonly message: WireMessage;
  /** The list. */
  readonly list: Fields;
  /** Its objects that were not handed on yet. */
  items: unknown[];
  /** How many bytes of it have not been read yet. */
  left: number;
  /** How many objects it had so far. */
  count: number;
}

/** One object, or one page of a list: parts of it ({@link PagePart}), and at the end the page with the rest. */
export class ProtobufPage implements Framing {
  /** The bytes that were not read yet. */
  readonly #body = new GatheredBytes();
  #list: OpenList | undefined;
  /** Set where the body is no list that can be read in parts. */
  #single: ProtobufValue | undefined;

  get held(): number {
    return this.#body.length + (this.#single?.held ?? 0);
  }

  push(chunk: Uint8Array): readonly unknown[] {
    if (this.#single !== undefined) return this.#single.push(chunk);
    this.#body.push(chunk);
    return named(() => {
      if (this.#list === undefined) this.#begin();
      return this.#list === undefined || this.#body.length < Math.min(PIECE_BYTES, this.#list.left)
        ? []
        : this.#part(this.#list);
    });
  }

  end(): readonly unknown[] {
    if (this.#list === undefined) {
      const single = this.#single ?? this.#alone();
      return single.end();
    }
    const open = this.#list;
    return named(() => {
      this.#take(open, true);
      if (open.left > 0) throw new UnreadableMessage(`a list that ends ${open.left} bytes too early`);
      checkRest(this.#body.bytes());
      // A server always writes it. Without this check a list that lost its bytes would be an empty list.
      if (open.list["metadata"] === undefined) {
        throw new UnreadableMessage(`a ${String(open.list["kind"])} without metadata`);
      }
      return [open.list];
    });
  }

  /** Reads the head of a list, once it is whole. */
  #begin(): void {
    const bytes = this.#body.bytes();
    if (bytes.length < HEAD_BYTES) return;
    const head = isEnvelope(bytes) ? envelopeHead(bytes) : "other";
    if (head === "cut") return;
    const known = head === "other" ? undefined : OBJECTS.get(head.kind);
    if (head === "other" || known?.isList !== true || known.apiVersion !== head.apiVersion) {
      this.#alone();
      return;
    }
    const { apiVersion, kind, length, at } = head;
    const items: unknown[] = [];
    const list = { apiVersion, kind, items };
    this.#list = { message: known.message, list, items, left: length, count: 0 };
    this.#forget(at);
  }

  /** The body is to be read as a whole. */
  #alone(): ProtobufValue {
    const single = this.#single = new ProtobufValue();
    single.push(this.#body.bytes());
    this.#body.clear();
    return single;
  }

  /** The objects that are whole, as a part of the page. The kind and the metadata come before it. */
  #part(open: OpenList): readonly unknown[] {
    this.#take(open);
    const { list, items } = open;
    if (items.length === 0 || list["metadata"] === undefined) return [];
    list["items"] = open.items = [];
    const page = { ...list, items };
    return [new PagePart(() => page)];
  }

  /** Reads the fields of the list that are whole, or up to the end of the body. */
  #take(open: OpenList, ends = false): void {
    const bytes = this.#body.bytes();
    const to = Math.min(bytes.length, open.left);
    const end = ends ? to : wholeFields(bytes, to);
    if (end === 0) return;
    const { items } = open;
    const before = items.length;
    new MessageReader(bytes).read(open.message, new ByteSpan(0, end), open.list);
    open.left -= end;
    open.count += items.length - before;
    if (open.count > LIST_OBJECTS_MAX) {
      throw new UnreadableMessage(`a list of more than ${LIST_OBJECTS_MAX} objects`);
    }
    this.#forget(end);
  }

  /** Drops the first bytes, which were read. */
  #forget(length: number): void {
    const rest = this.#body.bytes().subarray(length);
    this.#body.clear();
    this.#body.push(rest);
  }
}

/** The result of `read`. An unreadable message becomes a failure that names it. */
function named(read: () => readonly unknown[]): readonly unknown[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error;
    throw unreadable(`protobuf that cannot be read: ${error.message}`);
  }
}

interface EnvelopeHead {
  readonly apiVersion: string;
  readonly kind: string;
  /** The length of the object, and where it begins. */
  readonly length: number;
  readonly at: number;
}

/** Reads an envelope up to its object. */
function envelopeHead(bytes: Uint8Array): EnvelopeHead | "cut" | "other" {
  if (bytes.length === HEAD_BYTES) return "cut";
  if (bytes[HEAD_BYTES] !== TYPE_TAG) return "other";
  const type = lengthAt(bytes, HEAD_BYTES + 1);
  const typeEnd = type === "cut" ? Infinity : type.at + type.length;
  if (type === "cut" || bytes.length <= typeEnd) return "cut";
  if (bytes[typeEnd] !== RAW_TAG) return "other";
  const raw = lengthAt(bytes, typeEnd + 1);
  if (raw === "cut") return "cut";
  const envelope = new MessageReader(bytes).read(ENVELOPE, new ByteSpan(HEAD_BYTES, typeEnd));
  const { apiVersion = "", kind = "" } = fieldsOf(envelope["typeMeta"]);
  return { apiVersion: String(apiVersion), kind: String(kind), ...raw };
}

/** The length at `at`, and where it ends. */
function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly at: number } | "cut" {
  const end = varintEnd(bytes, at, bytes.length);
  if (end === undefined) return "cut";
  return { length: lengthIn(bytes, at), at: end };
}

/** What follows the object in its envelope: nothing that says that the object is another one than was read. */
function checkRest(bytes: Uint8Array): void {
  const rest = new MessageReader(bytes).read(ENVELOPE, new ByteSpan(0, bytes.length));
  checkEncoding(rest);
  if ("raw" in rest || "typeMeta" in rest) {
    throw new UnreadableMessage("an envelope with more than one object");
  }
}
