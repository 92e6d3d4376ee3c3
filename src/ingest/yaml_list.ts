// Divides the text of a long YAML list, as `kubectl get -o yaml` writes it, into pieces of a few items each, and a frame, which is
// all the rest. The parser takes 70 bytes of memory for each character, so a long list is parsed piece by piece. Pure.

/** A shorter text is parsed as a whole. */
const LONG_CHARACTERS = 1024 * 1024;
/** A piece has whole items of at least this many characters together; the last piece may have fewer. */
const PIECE_CHARACTERS = 64 * 1024;
/** Directives, and what begins or ends a document behind the first line (YAML 1.2, 9.1.2). */
const SEVERAL_DOCUMENTS = /^%|(?<=\n)(?:---|\.\.\.)(?=\s|$)/;
const ITEMS = /^items:[ \t]*\r?\n/m;
/** Comments and empty lines, and what is before the mark of the first item. */
const FIRST_ITEM = /(?:[ \t]*(?:#.*)?\r?\n)*( *)-(?=\s)/y;
const NO_ITEMS = "items: []\n";
const [TAB, LINE_END, CARRIAGE_RETURN, SPACE, COMMENT, MARK] = [9, 10, 13, 32, 35, 45] as const;

/** Some items as a list of their own. `linesBefore`: how much greater the numbers of their lines are in the whole text. */
export interface YamlPiece {
  readonly text: string;
  readonly linesBefore: number;
}

/** A list in parts. */
export interface YamlListParts {
  /** The list without items. */
  readonly frame: string;
  /** The line of the whole text that is line `line` of the frame, both counted from 1. */
  readonly lineOfFrame: (line: number) => number;
  readonly pieces: readonly YamlPiece[];
}

/**
 * The parts of the one list in `text`; undefined where the text is short, has several documents, or does not have its items one
 * below the other. What is cut at a wrong place is no YAML: no line of a value in a list is indented as its items are, or less.
 */
export function yamlListParts(text: string): YamlListParts | undefined {
  if (text.length <= LONG_CHARACTERS || SEVERAL_DOCUMENTS.test(text)) return undefined;
  const key = ITEMS.exec(text);
  if (key === null) return undefined;
  const first = key.index + key[0].length;
  FIRST_ITEM.lastIndex = first;
  const indent = FIRST_ITEM.exec(text)?.[1]?.length;
  if (indent === undefined) return undefined;
  const linesBefore = text.slice(0, first).split("\n").length - 1;
  const { pieces, end, lines } = piecesFrom(text, first, linesBefore, indent);
  return {
    frame: `${text.slice(0, key.index)}${NO_ITEMS}${text.slice(end)}`,
    lineOfFrame: (line) => line <= linesBefore ? line : line + lines,
    pieces,
  };
}

/** The pieces of the items that begin at `first`, where the items end, and how many lines they have. */
function piecesFrom(text: string, first: number, linesBefore: number, indent: number) {
  const pieces: YamlPiece[] = [];
  let [begin, beginLine, at, line] = [first, 0, first, 0];
  const add = () => {
    pieces.push({ text: `items:\n${text.slice(begin, at)}`, linesBefore: linesBefore + beginLine - 1 });
  };
  for (; at < text.length; line++) {
    const kind = lineKind(text, at, indent);
    if (kind === "end") break;
    if (kind === "item" && at - begin >= PIECE_CHARACTERS) {
      add();
      [begin, beginLine] = [at, line];
    }
    const next = text.indexOf("\n", at);
    at = next === -1 ? text.length : next + 1;
  }
  add();
  return { pieces, end: at, lines: line };
}

/** Whether the line at `start` begins an item, continues one, or is behind the items. */
function lineKind(text: string, start: number, indent: number): "item" | "more" | "end" {
  let at = start;
  while (text.charCodeAt(at) === SPACE) at++;
  if (at - start > indent) return "more";
  const code = text.charCodeAt(at);
  if (code === MARK && at - start === indent && isSpace(text.charCodeAt(at + 1))) return "item";
  let last = at;
  while (text.charCodeAt(last) === TAB || text.charCodeAt(last) === SPACE) last++;
  const isBlank = code === COMMENT || isLineEnd(text.charCodeAt(last));
  return isBlank ? "more" : "end";
}

/** The code of a place behind a text is NaN, which is an end too. */
function isLineEnd(code: number): boolean {
  return code === LINE_END || code === CARRIAGE_RETURN || Number.isNaN(code);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB || isLineEnd(code);
}
