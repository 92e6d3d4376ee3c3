// The results of `test` as JUnit's XML, which continuous integration shows.

import type { Checked } from "../history/journal_checks.ts";
import { printable } from "../printable.ts";

/** One suite with a case for each assertion in `file`. */
export function junitText(file: string, checked: readonly Checked[]): string {
  const failures = checked.filter(({ holds }) => !holds).length;
  const cases = checked.map(({ name, holds, text, commit, cause }) => {
    if (holds) return `  <testcase name="${escaped(name)}"/>`;
    const why = [
      text,
      ...(commit === null ? [] : [`first by the commit @${commit.offset} ${commit.time}`]),
      ...(cause === null ? [] : [`because of @${cause.offset} ${cause.what}`]),
    ].join("; ");
    return `  <testcase name="${escaped(name)}"><failure message="${escaped(why)}"/></testcase>`;
  });
  const head = `<testsuite name="${escaped(file)}" tests="${checked.length}" failures="${failures}">`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...cases, "</testsuite>", ""].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

/** A text as the value of an attribute. XML has no control characters, so they are written as `printable` writes them. */
function escaped(text: string): string {
  return printable(text).replace(/[&<>"\n]/g, (character) => ENTITIES[character]!);
}
