// Rows of texts as lines with columns, and lengths of time as text. Terminals and files get the same lines.

/** The rows as lines, each column as wide as its widest cell. The last column is not padded. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, widthOf(cell)));
  }
  return rows.map((row) =>
    row.map((cell, i) => i === row.length - 1 ? cell : `${cell}${" ".repeat(widths[i]! - widthOf(cell))}`)
      .join("  ").trimEnd()
  );
}

/** How many characters `cell` has. Most have none outside of Unicode's basic plane, and a table of Services has thousands of cells. */
function widthOf(cell: string): number {
  return /[\ud800-\udbff]/.test(cell) ? [...cell].length : cell.length;
}

/** A table with a head, or the sentence `nothing` where it has no rows. */
export function tableOr(
  nothing: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  return rows.length === 0 ? [nothing] : tableLines([head, ...rows]);
}

/** `@10 to @19`, of the first and the last record of a range; `no records` where it has none. */
export function rangeText(first: number, last: number): string {
  return last < first ? "no records" : `@${first} to @${last}`;
}

/** `2,992`. */
export function groupedText(count: number): string {
  return count.toLocaleString("en");
}

const UNITS: readonly (readonly [milliseconds: number, unit: string])[] = [
  [24 * 3600 * 1000, "d"],
  [3600 * 1000, "h"],
  [60 * 1000, "min"],
  [1000, "s"],
];

/** `0.4 ms`, `12 ms`, `3.2 s`, `4 min 12 s`, `2 h 5 min`: a length of time in milliseconds, with about three digits. */
export function lengthText(milliseconds: number): string {
  if (milliseconds < 0) return `-${lengthText(-milliseconds)}`;
  if (milliseconds < 10) return `${Number(milliseconds.toFixed(1))} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${Number((milliseconds / 1000).toFixed(1))} s`;
  const largest = UNITS.findIndex(([length]) => milliseconds >= length);
  const [length, unit] = UNITS[largest]!;
  const [smaller, smallerUnit] = UNITS[largest + 1]!;
  const rest = Math.floor((milliseconds % length) / smaller);
  return `${Math.floor(milliseconds / length)} ${unit}${rest === 0 ? "" : ` ${rest} ${smallerUnit}`}`;
}
