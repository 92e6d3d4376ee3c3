// The size of what JSON describes, before it is parsed. Parsed JSON takes up to 145 bytes of memory for each bracket and comma
// (V8 of Deno 2.9: texts of nested lists, empty objects, other keys in each), so a short text can fill the memory.
// Why not simply bound the bytes? Those of real objects are mostly texts, which take no more memory than their bytes.

import { JSON_PARTS_MAX } from "./limits/input.ts";

const OBJECT = 0x7b;
const LIST = 0x5b;
const NEXT = 0x2c;

/**
 * What is wrong with a text of JSON that has more than `limit` parts; undefined where it has no more. Nearly all texts have fewer
 * characters than that, and are not read.
 */
export function partsExcess(text: string, limit = JSON_PARTS_MAX): string | undefined {
  if (text.length <= limit) return undefined;
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === OBJECT || code === LIST || code === NEXT) count++;
  }
  return count > limit ? partsText(limit) : undefined;
}

/** The value that `text` describes. Throws SyntaxError, as JSON.parse does, also where it has more than `limit` parts. */
export function parsedJson(text: string, limit = JSON_PARTS_MAX): ReturnType<typeof JSON.parse> {
  const problem = partsExcess(text, limit);
  if (problem !== undefined) throw new SyntaxError(problem);
  return JSON.parse(text);
}

/** What is wrong where there are more than `limit` parts. */
export function partsText(limit: number): string {
  return `more than ${limit} brackets and commas of JSON`;
}
