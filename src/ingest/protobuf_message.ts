// Reads protobuf messages, as far as the table of fields names them, into plain objects. Nothing is copied but the texts that
// are kept. As in Go, a message that comes twice is merged and the last value of a field counts. Every other departure from the
// table, and every length that does not fit, is an error. Why not the package's own decoder? It reads every field, into objects
// of another shape than JSON's, and needs descriptors of all of Kubernetes' types.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { unreachable } from "../invariant.ts";
import { messageOf } from "../thrown.ts";
import type { Field, WireMessage } from "./protobuf_fields.ts";
import { SharedTexts } from "./shared_texts.ts";
import { secondsText } from "./unix_time.ts";

export { BinaryWriter, WireType };

/** A message as an object. */
export interface Fields {
  [name: string]: unknown;
}

/** Where the bytes of a message are. */
export class ByteSpan {
  constructor(readonly from: number, readonly to: number) {}
}

/** The bytes are not the message that was expected. The text says what is wrong with them. */
export class UnreadableMessage extends Error {
  override readonly name = "UnreadableMessage";
}

/** The parts of an entry of a map. */
const KEY = 1;
const VALUE = 2;
/** A tag is the number of a field and, in the lowest bits, its wire type. */
const WIRE_BITS = 3;
/** A tag, and a length, has 32 bits at most. */
const NUMBER_BYTES_MAX = 5;
/** Bits of the last of these bytes that a number of 32 bits does not have, and that the package drops. */
const DROPPED_BITS = 0x70;
const WIRE_MASK = (1 << WIRE_BITS) - 1;
/** The part of a Time that JSON has. */
const SECONDS_TAG = 1 << WIRE_BITS | WireType.Varint;

const texts = new SharedTexts();

/** Reads messages of one buffer, which must not change meanwhile. */
export class MessageReader {
  readonly #reader: BinaryReader;

  constructor(readonly bytes: Uint8Array) {
    this.#reader = new BinaryReader(bytes);
  }

  /** Reads the message in `span` into `into`, and returns it. Throws {@link UnreadableMessage}. */
  read(message: WireMessage, { from, to }: ByteSpan, into: Fields = {}): Fields {
    this.#reader.pos = from;
    try {
      this.#fields(message, to, into);
    } catch (error) {
      // The package throws an Error or a RangeError.
      throw error instanceof UnreadableMessage ? error : new UnreadableMessage(messageOf(error));
    }
    return into;
  }

  /** Reads the fields up to `to`. */
  #fields(message: WireMessage, to: number, into: Fields): void {
    const reader = this.#reader;
    while (reader.pos < to) {
      const tag = this.#tag();
      const field = message[tag >>> WIRE_BITS];
      if (field === undefined) this.#skip(tag, to);
      else if ((tag & WIRE_MASK) === (field.isNumber ? WireType.Varint : WireType.LengthDelimited)) {
        this.#field(field, to, into);
      } else {
        throw new UnreadableMessage(
          `field ${field.number}, ${field.name}, has the wire type ${tag & WIRE_MASK}`,
        );
      }
    }
    this.#checkEnd(to);
  }

  /** Refuses a message that ends in the middle of its last value. */
  #checkEnd(to: number): void {
    if (this.#reader.pos > to) throw new UnreadableMessage("a value is longer than its message");
  }

  #field(field: Field, to: number, into: Fields): void {
    const { name } = field;
    switch (field.kind) {
      case "whole":
        return set(into, field, this.#reader.int32());
      case "flag":
        return set(into, field, this.#reader.bool());
      case "text":
        return set(into, field, this.#text(to));
      case "time":
        return set(into, field, this.#time(this.#end(to)));
      case "bytes":
        into[name] = this.#span(to);
        return;
      case "message":
        return this.#fields(field.message, this.#end(to), partOf(into, name));
      case "map":
        return this.#entry(field.keys, this.#end(to), partOf(into, name));
      case "texts": {
        const list = listIn(into, name);
        if (list.length < field.max) list.push(this.#text(to));
        else this.#span(to);
        return;
      }
      case "messages":
        return this.#element(field.message, field.max, to, listIn(into, name));
      case "items": {
        const list = listIn(into, name);
        if (list.length >= field.max) throw new UnreadableMessage(`a list of more than ${field.max} objects`);
        return this.#element(field.message, field.max, to, list);
      }
      default:
        return unreachable(field);
    }
  }

  #element(message: WireMessage, max: number, to: number, list: unknown[]): void {
    const end = this.#end(to);
    if (list.length >= max) {
      this.#reader.pos = end;
      return;
    }
    const element: Fields = {};
    this.#fields(message, end, element);
    list.push(element);
  }

  /** Reads an entry of a map, if its key is one of `keys`. */
  #entry(keys: ReadonlySet<string> | undefined, to: number, into: Fields): void {
    const reader = this.#reader;
    let key = "";
    // Where the value is. It is read where the key is one that is kept.
    let [from, end] = [0, 0];
    while (reader.pos < to) {
      const tag = this.#tag();
      if (tag >>> WIRE_BITS > VALUE) this.#skip(tag, to);
      else if ((tag & WIRE_MASK) !== WireType.LengthDelimited) {
        throw new UnreadableMessage(`a part of a map's entry has the wire type ${tag & WIRE_MASK}`);
      } else if (tag >>> WIRE_BITS === KEY) key = this.#text(to);
      else {
        end = this.#end(to);
        from = reader.pos;
        reader.pos = end;
      }
    }
    this.#checkEnd(to);
    if (keys === undefined || keys.has(key)) put(into, key, texts.read(this.bytes, from, end));
  }

  /** Reads a Time up to `to`. JSON leaves out one without a value. */
  #time(to: number): string {
    const reader = this.#reader;
    if (reader.pos === to) return "";
    let seconds = 0;
    while (reader.pos < to) {
      const tag = this.#tag();
      if (tag === SECONDS_TAG) seconds = Number(reader.int64());
      else this.#skip(tag, to);
    }
    this.#checkEnd(to);
    const text = secondsText(seconds);
    if (text === undefined) throw new UnreadableMessage(`a time of ${seconds} s after 1970`);
    return text;
  }

  #text(to: number): string {
    const end = this.#end(to);
    const text = texts.read(this.bytes, this.#reader.pos, end);
    this.#reader.pos = end;
    return text;
  }

  #span(to: number): ByteSpan {
    const end = this.#end(to);
    const from = this.#reader.pos;
    this.#reader.pos = end;
    return new ByteSpan(from, end);
  }

  /** Reads a length; returns where it ends, which is not behind `to`. */
  #end(to: number): number {
    const length = this.#number("a length");
    const end = this.#reader.pos + length;
    if (end > to) {
      throw new UnreadableMessage(`a length of ${length} where ${to - this.#reader.pos} bytes are left`);
    }
    return end;
  }

  /** Reads a tag. Why not the package's own `tag`? It makes an array for each tag. */
  #tag(): number {
    const tag = this.#number("a tag");
    if (tag >>> WIRE_BITS === 0) throw new UnreadableMessage(`a tag that no field has: ${tag}`);
    return tag;
  }

  /** Reads a number of 32 bits. Of a larger one the package would drop bits, so it would be another field or length. */
  #number(name: string): number {
    const reader = this.#reader;
    const from = reader.pos;
    const number = reader.uint32();
    const length = reader.pos - from;
    if (length < NUMBER_BYTES_MAX) return number;
    if (length > NUMBER_BYTES_MAX || (this.bytes[reader.pos - 1]! & DROPPED_BITS) !== 0) {
      throw new UnreadableMessage(`${name} of more than 32 bits`);
    }
    return number;
  }

  /** Skips a field that the table does not have. */
  #skip(tag: number, to: number): void {
    const reader = this.#reader;
    switch (tag & WIRE_MASK) {
      case WireType.LengthDelimited:
        reader.pos = this.#end(to);
        return;
      case WireType.Varint:
        reader.uint32();
        return;
      case WireType.Bit32:
        reader.pos += 4;
        return;
      case WireType.Bit64:
        reader.pos += 8;
        return;
      default:
        throw new UnreadableMessage(
          `field ${tag >>> WIRE_BITS} has a wire type that Kubernetes does not use: ${tag & WIRE_MASK}`,
        );
    }
  }
}

/** Adds an entry to a map. */
function put(map: Fields, key: string, value: string): void {
  if (key !== "__proto__") map[key] = value;
  // An assignment would be to the prototype.
  else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

/** The message in field `name`: a message that comes twice is merged. */
function partOf(into: Fields, name: string): Fields {
  const known = into[name];
  return isFields(known) ? known : (into[name] = {});
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listIn(into: Fields, name: string): unknown[] {
  const known = into[name];
  return Array.isArray(known) ? known : (into[name] = []);
}

/** Sets a field, as JSON has it: without its value where that is empty and JSON leaves it out. */
function set(into: Fields, { name, keepsEmpty }: Field, value: string | number | boolean): void {
  if (keepsEmpty || (value !== "" && value !== 0)) into[name] = value;
  else if (into[name] !== undefined) delete into[name];
}
