// The objects of a long file of JSON, a few at a time: one list, as `kubectl get -o json` writes it, with its kind at the end. So the
// objects of a large file are never described in memory together. Pure.

import { isJsonObject } from "../kube/json_value.ts";
import { JSON_PARTS_MAX } from "../limits/input.ts";
import { JsonListPieces } from "./json_list.ts";

/** Characters that are looked at together. */
const SLICE = 64 * 1024;
/** The codes of the first halves of characters that have two. */
const [FIRST_HALF, SECOND_HALF] = [0xd800, 0xdc00] as const;

/**
 * The objects of the list in `text`; undefined where it is short, no list, or not JSON: then it is read as a whole. The text is
 * read twice, so what comes is known to be whole.
 */
export function longList(text: string): Iterable<unknown> | undefined {
  if (text.length <= JSON_PARTS_MAX) return undefined;
  try {
    const frame = frameOf(text);
    const { kind, apiVersion, items } = isJsonObject(frame) ? frame : {};
    const isList = typeof kind === "string" && kind.endsWith("List") && Array.isArray(items) &&
      items.length === 0;
    return isList ? { [Symbol.iterator]: () => itemsOf(text, kind, apiVersion) } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An item of a list of `kind`. The items of a typed list (ServiceList) have no kind and apiVersion of their own. */
export function listItem(kind: string, apiVersion: unknown, item: unknown): unknown {
  if (kind === "List" || typeof item !== "object" || item === null || "kind" in item) return item;
  return { kind: kind.slice(0, -"List".length), apiVersion, ...item };
}

/** The list without its objects, each of which is read. Throws SyntaxError. */
function frameOf(text: string): unknown {
  const list = new JsonListPieces();
  for (const piece of piecesOf(text, list)) parsedPiece(piece);
  return JSON.parse(new TextDecoder().decode(list.frame));
}

function* itemsOf(text: string, kind: string, apiVersion: unknown): Generator<unknown> {
  for (const piece of piecesOf(text, new JsonListPieces())) {
    for (const item of parsedPiece(piece)) yield listItem(kind, apiVersion, item);
  }
}

function parsedPiece(piece: string): unknown[] {
  const items: unknown = JSON.parse(`[${piece}]`);
  if (!Array.isArray(items) || items.length === 0) throw new SyntaxError("a list that is not JSON");
  return items;
}

/** The pieces of the list in `text`. Throws SyntaxError where an object is too large. */
function* piecesOf(text: string, list: JsonListPieces): Generator<string> {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  for (let at = 0; at < text.length;) {
    const last = text.charCodeAt(at + SLICE - 1);
    const end = at + SLICE + (last >= FIRST_HALF && last < SECOND_HALF ? 1 : 0);
    const pieces: string[] = [];
    const excess = list.push(
      encoder.encode(text.slice(at, end)),
      (piece) => pieces.push(decoder.decode(piece)),
    );
    if (excess !== undefined) throw new SyntaxError(excess);
    yield* pieces;
    at = end;
  }
}
