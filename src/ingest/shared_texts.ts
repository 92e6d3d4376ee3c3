// Reads short texts out of bytes, and returns the same string for the same bytes where it still has it. Objects repeat most of
// their texts: names of nodes, namespaces and ports, protocols, keys of labels. So most texts cost no allocation, and the
// objects of a cluster share them in memory.

/** Longer texts are not shared: they repeat seldom, and would keep much memory. */
const SHARED_BYTES_MAX = 64;
/** How many texts are kept, a power of two. A text replaces the one that has its place. */
const PLACES = 4096;

const ASCII_MAX = 0x7f;
/** For each length an array of that length, for the characters of a text. */
const CODES = Array.from({ length: SHARED_BYTES_MAX + 1 }, (_, length) => new Array<number>(length).fill(0));

// As in JSON that a server writes, bytes that are not UTF-8 become U+FFFD.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads texts, and keeps some of them. */
export class SharedTexts {
  readonly #texts: string[] = new Array(PLACES).fill("");

  /** The text in the bytes from `from` to `to`. */
  read(bytes: Uint8Array, from: number, to: number): string {
    const length = to - from;
    if (length === 0) return "";
    if (length > SHARED_BYTES_MAX) return decoder.decode(bytes.subarray(from, to));
    // A call of the decoder costs three times as much as this array, and as much as reading ten numbers.
    const codes = CODES[length]!;
    let hash = 0x811c9dc5;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[from + i]!;
      all |= byte;
      codes[i] = byte;
      // FNV-1a.
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all > ASCII_MAX) return decoder.decode(bytes.subarray(from, to));
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#texts[place]!;
    if (known.length === length && isAt(known, bytes, from)) return known;
    return this.#texts[place] = String.fromCharCode.apply(null, codes);
  }
}

/** Whether the bytes from `from` on are `text`, which is ASCII. */
function isAt(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
