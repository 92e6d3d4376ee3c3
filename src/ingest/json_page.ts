// Reads one JSON value, and a list in parts while its bytes arrive, as protobuf_list.ts does. A server writes the kind of a list
// first, then its metadata, then its objects. Where the objects come first their bytes are kept until the end.

import { isJsonObject } from "../kube/json_value.ts";
import { beginning, invalid } from "./api_failure.ts";
import { type Framing, PagePart } from "./body.ts";
import { JsonListPieces } from "./json_list.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What ends a list whose objects have not arrived, after its beginning. */
const LIST_END = new TextEncoder().encode("]}");

/** One value, or one page of a list: parts of it ({@link PagePart}), and at the end the page with the rest. */
export class JsonPage implements Framing {
  readonly #pieces = new JsonListPieces();
  /** The list without its objects; undefined before the first of them, and where something of it follows them. */
  #head: Fields | undefined;
  #count = 0;
  /** Pieces whose list is not known yet. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  get held(): number {
    return this.#pieces.held + this.#waitingBytes;
  }

  push(chunk: Uint8Array): readonly unknown[] {
    const parts: PagePart[] = [];
    const excess = this.#pieces.push(chunk, (piece) => this.#take(piece, parts));
    if (excess !== undefined) throw invalid(`an answer with an object of ${excess}`);
    return parts;
  }

  end(): readonly unknown[] {
    const text = new TextDecoder().decode(this.#pieces.frame);
    if (text.trim() === "") throw invalid("an empty answer where a list was expected");
    const page = parsed(text, text);
    const head = fieldsIn(page);
    const isTwice = Array.isArray(head["items"]) && head["items"].length > 0;
    if (this.#count > 0 && isTwice) throw invalid("a list with items twice");
    const parts = this.#waiting.splice(0).map((piece, i) => new PagePart(() => partOf(head, piece, i === 0)));
    return [...parts, page];
  }

  /** Takes a piece of the list, and adds what it completes. */
  #take(piece: Uint8Array, parts: PagePart[]): void {
    if (this.#count++ === 0) this.#head = headOf(this.#pieces.frame);
    const head = this.#head;
    if (head === undefined) {
      this.#waiting.push(piece.slice());
      this.#waitingBytes += piece.length;
      return;
    }
    const page = partOf(head, piece, this.#count === 1);
    if (page.items.length > 0) parts.push(new PagePart(() => page));
  }
}

/** The list that begins with `frame`, if all but its objects is before them. */
function headOf(frame: Uint8Array): Fields | undefined {
  const bytes = new Uint8Array(frame.length + LIST_END.length);
  bytes.set(frame);
  bytes.set(LIST_END, frame.length);
  const text = new TextDecoder().decode(bytes);
  const head = fieldsIn(parsed(text, text));
  return "kind" in head && "apiVersion" in head && "metadata" in head ? head : undefined;
}

/** The page `head` with the objects in `piece`. Only the first piece may have none: before every other is a comma. */
function partOf(
  head: Fields,
  piece: Uint8Array,
  mayBeEmpty: boolean,
): Fields & { readonly items: unknown[] } {
  const text = new TextDecoder().decode(piece);
  const items = parsed(`[${text}]`, text);
  if (!Array.isArray(items) || (items.length === 0 && !mayBeEmpty)) throw notJson(text);
  return { ...head, items };
}

function parsed(text: string, quoted: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(quoted);
  }
}

function notJson(text: string) {
  return invalid(`an answer that is not JSON: ${beginning(text)}`);
}

function fieldsIn(value: unknown): Fields {
  return isJsonObject(value) ? value : {};
}
