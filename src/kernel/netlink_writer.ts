// Builds netlink messages and their attributes in one growing buffer. Attributes are aligned to 4 bytes. The length of
// a message or nest is written when it is closed, so that nothing has to be measured first.

import { assert } from "../invariant.ts";
import { NLA_F_NESTED, NLMSG_HEADER_BYTES } from "./nf_tables.ts";

const INITIAL_BYTES = 4096;
/** A buffer of more bytes, which a first sync needs, is not kept for the next batch. A step of a large Service needs 70 KB. */
const KEPT_BYTES_MAX = 256 * 1024;
const encoder = new TextEncoder();

/** A buffer to which netlink messages are appended. It holds one batch or one request at a time. */
export class NetlinkWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #message = -1;
  /** The text that was written last, and where its bytes are: the elements of a frontend have one comment. */
  #text = "";
  #textAt = 0;
  #textEnd = 0;

  /** Begins again. What {@link finish} returned is overwritten. */
  clear(): void {
    this.#length = 0;
    this.#message = -1;
    this.#text = "";
    this.#textEnd = this.#textAt;
    if (this.#bytes.length <= KEPT_BYTES_MAX) return;
    this.#bytes = new Uint8Array(INITIAL_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Offset of the open message from the start of the buffer. */
  get messageStart(): number {
    return this.#message;
  }

  /** Opens a message with its nlmsghdr and nfgenmsg. `resource` is the nfgenmsg res_id. */
  openMessage(type: number, flags: number, sequence: number, family: number, resource = 0): void {
    assert(this.#message < 0, "a netlink message is already open");
    this.#reserve(NLMSG_HEADER_BYTES + 4);
    const at = this.#message = this.#length;
    this.#view.setUint16(at + 4, type, true);
    this.#view.setUint16(at + 6, flags, true);
    this.#view.setUint32(at + 8, sequence, true);
    this.#view.setUint32(at + 12, 0, true);
    this.#view.setUint8(at + 16, family);
    this.#view.setUint8(at + 17, 0);
    this.#view.setUint16(at + 18, resource, false);
    this.#length += NLMSG_HEADER_BYTES + 4;
  }

  /** Closes the open message: writes its length. */
  closeMessage(): void {
    assert(this.#message >= 0, "no netlink message is open");
    this.#view.setUint32(this.#message, this.#length - this.#message, true);
    this.#message = -1;
  }

  /** Opens an attribute that contains attributes. Returns the token that {@link close} takes. */
  openNest(type: number): number {
    return this.openBytes(type | NLA_F_NESTED);
  }

  /**
   * Opens an attribute whose content {@link u8}, {@link bytes} and so on write. Returns the token for {@link close}.
   */
  openBytes(type: number): number {
    this.#reserve(4);
    const at = this.#length;
    this.#view.setUint16(at + 2, type, true);
    this.#length += 4;
    return at;
  }

  /** Closes the attribute opened at `token` and pads to 4 bytes. */
  close(token: number): void {
    const length = this.#length - token;
    assert(length <= 0xffff, `netlink attribute of ${length} bytes, at most 65535`);
    this.#view.setUint16(token, length, true);
    this.pad();
  }

  /** Fills up to 4 bytes with zeros. */
  pad(): void {
    const end = (this.#length + 3) & ~3;
    this.#reserve(3);
    while (this.#length < end) this.#bytes[this.#length++] = 0;
  }

  /** Opens a user data entry of libnftnl: type and length in a byte each, no padding. Returns a token. */
  openUserData(type: number): number {
    this.u8(type);
    this.u8(0);
    return this.#length;
  }

  /** Closes the user data entry opened at `token`. */
  closeUserData(token: number): void {
    const length = this.#length - token;
    assert(length <= 0xff, `user data of ${length} bytes, at most 255`);
    this.#view.setUint8(token - 1, length);
  }

  /** Attribute with a big-endian 32-bit number, as nf_tables requires. */
  attributeU32(type: number, value: number): void {
    this.#reserve(8);
    const at = this.#length;
    this.#view.setUint16(at, 8, true);
    this.#view.setUint16(at + 2, type, true);
    this.#view.setUint32(at + 4, value >>> 0, false);
    this.#length += 8;
  }

  /** Attribute with a NUL-terminated string. */
  attributeString(type: number, text: string): void {
    const token = this.openBytes(type);
    this.text(text);
    this.u8(0);
    this.close(token);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16be(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, false);
    this.#length += 2;
  }

  u32be(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value >>> 0, false);
    this.#length += 4;
  }

  /** 32 bits in host order; every platform Deno runs on is little-endian. */
  u32host(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value >>> 0, true);
    this.#length += 4;
  }

  /** UTF-8 bytes of `text`, without terminator. */
  text(text: string): void {
    this.#reserve(text.length * 3);
    const at = this.#length;
    if (text === this.#text) this.#bytes.copyWithin(at, this.#textAt, this.#textEnd);
    const written = text === this.#text ? this.#textEnd - this.#textAt : this.#encode(text);
    this.#length = at + written;
    this.#text = text;
    this.#textAt = at;
    this.#textEnd = this.#length;
  }

  /** Writes the bytes of `text` behind those written so far, and returns how many they are. */
  #encode(text: string): number {
    const bytes = this.#bytes;
    const at = this.#length;
    // Names are short and ASCII: this loop costs less than a call of the encoder.
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return i + encoder.encodeInto(text.slice(i), bytes.subarray(at + i)).written;
      bytes[at + i] = code;
    }
    return text.length;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Sets flag bits of the message that starts at `start`. */
  addFlags(start: number, flags: number): void {
    this.#view.setUint16(start + 6, this.#view.getUint16(start + 6, true) | flags, true);
  }

  /** The bytes written; valid until the next write. */
  finish(): Uint8Array<ArrayBuffer> {
    assert(this.#message < 0, "a netlink message is still open");
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `bytes` more. The buffer doubles, so that growth costs a constant time for each byte. */
  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
