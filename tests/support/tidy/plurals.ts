// Counts in texts: `${count} records` is wrong of one, so the noun must be written by a function that knows the number.

import ts from "typescript";
import { type Finding, lineOf, nodes, parsed, type Sources } from "./sources.ts";

/** Nouns that this program counts. */
const NOUNS =
  "change commit connection deletion element endpoint event flow frontend hour item line minute object operation outcome packet port " +
  "problem range record segment Service slot snapshot";
const ADJECTIVES = "changed|guarded|more|new|other|ready|source|whole";
const PLURAL = new RegExp(`^ (?:(?:${ADJECTIVES}) )?(?:${NOUNS.split(" ").join("|")})s\\b|^ watches\\b`);

/** What is before a bound: no program has a bound of one. */
const BOUND_BEFORE = /\b(?:more than|at most) $|@$/;

/** Texts in which a number comes before a plural: `${records.length} records`. */
export function fixedPlurals(sources: Sources): Finding[] {
  return [...parsed(sources, "src/", "mod.ts")].flatMap(([path, file]) =>
    [...nodes(file)].filter(ts.isTemplateExpression).flatMap(({ head, templateSpans }) => {
      let before = head.text;
      return templateSpans.flatMap(({ expression, literal }) => {
        const found = PLURAL.test(literal.text) && !BOUND_BEFORE.test(before) && !isBound(expression);
        before = literal.text;
        const text = `\${${expression.getText(file)}}${literal.text.split("\n")[0]!.slice(0, 30)}`;
        return found
          ? [`${path}:${lineOf(file, expression.getStart(file))}: ${text}: countText knows one`]
          : [];
      });
    })
  );
}

/** Whether `expression` is a constant, or a number that is written in groups, as those of lists that are cut. */
function isBound(expression: ts.Expression): boolean {
  return ts.isIdentifier(expression) && /^[A-Z_]+$/.test(expression.text) ||
    ts.isCallExpression(expression) && expression.expression.getText() === "groupedText";
}
