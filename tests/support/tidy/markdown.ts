// Pages of Markdown wrap, so that a change of a sentence is a change of a few lines.

import type { Finding, Sources } from "./sources.ts";

const COLUMNS_MAX = 100;

/** Lines that are too long. Tables, indented and fenced blocks and lines of one word cannot be wrapped. */
export function longLines(sources: Sources): Finding[] {
  return [...sources].filter(([path]) => path.endsWith(".md")).flatMap(([path, text]) => {
    let fenced = false;
    return text.split("\n").flatMap((line, i) => {
      if (/^\s*```/.test(line)) fenced = !fenced;
      const fixed = fenced || /^ {4}|^\||^!\[/.test(line) || !line.trim().includes(" ");
      return !fixed && [...line].length > COLUMNS_MAX ? [`${path}:${i + 1}: too long`] : [];
    });
  });
}
