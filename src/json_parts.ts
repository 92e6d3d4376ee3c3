// The size of what JSON describes, before it is parsed. Parsed JSON takes up to 145 bytes of memory for each bracket and comma
// (V8 of Deno 2.9: texts of nested lists, empty objects, other keys in each), so a short text can fill the memory.
// Why not simply bound the bytes? Those of real objects are mostly texts, which take no more memory than their bytes.

import { JSON_LIST_PARTS_MAX, JSON_PARTS_MAX } from "./limits.ts";

const OBJECT = 0x7b;
const LIST = 0x5b;
const NEXT = 0x2c;

/** Counts parts while the bytes arrive. Those in texts count too: real texts have few. */
export class JsonParts {
  #count = 0;

  /** Counts `chunk`; returns what is wrong once there are more than {@link JSON_LIST_PARTS_MAX} parts. */
  push(chunk: Uint8Array): string | undefined {
    let count = this.#count;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk[i];
      if (code === OBJECT || code === LIST || code === NEXT) count++;
    }
    this.#count = count;
    return count > JSON_LIST_PARTS_MAX ? excess(JSON_LIST_PARTS_MAX) : undefined;
  }
}

/**
 * What is wrong with a text of JSON that has more than `limit` parts. Undefined for every other, and at once for one that is
 * shorter than that, as nearly all are.
 */
export function partsExcess(text: string, limit = JSON_PARTS_MAX): string | undefined {
  if (text.length <= limit) return undefined;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === OBJECT || code === LIST || code === NEXT) count++;
  }
  return count > limit ? excess(limit) : undefined;
}

/** The value that `text` describes. Throws SyntaxError, as JSON.parse does, also where it has more than `limit` parts. */
export function parsedJson(text: string, limit = JSON_PARTS_MAX): ReturnType<typeof JSON.parse> {
  const problem = partsExcess(text, limit);
  if (problem !== undefined) throw new SyntaxError(problem);
  return JSON.parse(text);
}

function excess(limit: number): string {
  return `more than ${limit} brackets and commas of JSON`;
}
