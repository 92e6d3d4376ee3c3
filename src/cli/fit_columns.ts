// Fits tables to the width of a terminal. Columns that are too wide are cut in their middle, because names differ at
// their ends; the last column, which is a sentence, at its end. Files and pipes get the whole lines.

/** No column of names becomes narrower, nor the last column. */
const NAMES_NARROWEST = 12;
const LAST_NARROWEST = 8;
/** Times, addresses and counts mean nothing without their middle, so their columns stay whole. */
const EXACT = /^(?:\d{4}-\d\d-\d\d|\[?[\da-f]*[.:][\da-f.:]*\]?|@?\d+)(?:$|[:/ ])/;
/** Blanks between two columns. */
const GAP = "  ";

/** The characters of a line. */
type Row = readonly string[];

/** A column: from a position up to, but without, another one. */
interface Column {
  readonly from: number;
  readonly to: number;
}

/** `lines` with their tables at most `width` characters wide. A table whose columns cannot be cut so far stays whole. */
export function fittedTables(lines: readonly string[], width: number): string[] {
  return blocks(lines).flatMap((block) => {
    const rows = block.map((line) => [...line]);
    return rows.every((row) => row.length <= width) ? block : fitted(rows, width);
  });
}

/** `lines` in tables and what is between them: a line without a gap is no row of a table. */
function blocks(lines: readonly string[]): string[][] {
  const found: string[][] = [];
  let inTable = false;
  for (const line of lines) {
    const isRow = line.trim().includes(GAP);
    if (isRow && inTable) found.at(-1)!.push(line);
    else found.push([line]);
    inTable = isRow;
  }
  return found;
}

/** The rows of one table, with its widest columns cut until it fits. */
function fitted(rows: readonly Row[], width: number): string[] {
  const columns = columnsOf(rows);
  const widths = columns.length < 2 ? undefined : fittingWidths(rows, columns, width);
  return widths === undefined
    ? rows.map((row) => row.join(""))
    : rows.map((row) => cutRow(row, columns, widths));
}

/** The widths at which `columns` fit into `width`; undefined where they cannot be cut so far. */
function fittingWidths(
  rows: readonly Row[],
  columns: readonly Column[],
  width: number,
): number[] | undefined {
  const widths = columns.map(({ from, to }) => to - from);
  const narrowest = columns.map((column) => narrowestWidth(rows, column, column === columns.at(-1)));
  const gaps = GAP.length * (columns.length - 1);
  let excess = columns[0]!.from + widths.reduce((sum, one) => sum + one, gaps) - width;
  for (; excess > 0; excess--) {
    const spare = widths.map((one, i) => one > narrowest[i]! ? one : 0);
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) return undefined;
    widths[widest]!--;
  }
  return widths;
}

/** How narrow a column may become. The first row is the heading. */
function narrowestWidth(rows: readonly Row[], { from, to }: Column, isLast: boolean): number {
  if (isLast) return LAST_NARROWEST;
  const cells = rows.slice(1).map((row) => row.slice(from, to).join("").trim());
  return cells.some((cell) => EXACT.test(cell)) ? to - from : NAMES_NARROWEST;
}

/** A row whose cells have `widths`. */
function cutRow(row: Row, columns: readonly Column[], widths: readonly number[]): string {
  const cells = columns.map(({ from, to }, i) => {
    const cell = row.slice(from, to).join("");
    const isLast = i === columns.length - 1;
    const cut = isLast ? withoutEnd(cell.trimEnd(), widths[i]!) : withoutMiddle(cell, widths[i]!);
    return cut.padEnd(widths[i]!);
  });
  return `${" ".repeat(columns[0]!.from)}${cells.join(GAP)}`.trimEnd();
}

/** The start of `text`, in at most `most` characters. */
function withoutEnd(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

/** Start and end of a cell, in at most `most` characters. A number at the right of its column stays there. */
function withoutMiddle(cell: string, most: number): string {
  const [all, text] = [[...cell], [...cell.trim()]];
  if (text.length <= most) {
    return cell.startsWith(" ") ? all.slice(all.length - most).join("") : text.join("");
  }
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head).join("")}…${text.slice(text.length - (most - 1 - head)).join("")}`;
}

/** The columns of rows: between them all rows have blanks. */
function columnsOf(rows: readonly Row[]): Column[] {
  const length = Math.max(...rows.map((row) => row.length));
  const blank = Array.from({ length }, (_, i) => rows.every((row) => (row[i] ?? " ") === " "));
  const columns: Column[] = [];
  let from: number | undefined;
  for (let i = 0; i <= length; i++) {
    const ends = i === length || blank[i] && (i + 1 >= length || blank[i + 1]);
    if (ends && from !== undefined) {
      columns.push({ from, to: i });
      from = undefined;
    } else if (!ends && from === undefined && !blank[i]) from = i;
  }
  return columns;
}
