// What the bundler does to `using`.

import ts from "typescript";
import { type Finding, lineOf, nodes, parsed, type Sources } from "./sources.ts";

/**
 * `deno bundle --minify` (Deno 2.9.6) puts what a `using` holds into the place of its only use, and then nothing disposes
 * of it. A DisposableStack, try and finally, or a second use keeps it.
 */
export function inlinedUsings(sources: Sources): Finding[] {
  return [...parsed(sources, "src/", "mod.ts")].flatMap(([path, file]) =>
    [...nodes(file)].filter(ts.isVariableStatement).flatMap((statement) => {
      if (!(statement.declarationList.flags & ts.NodeFlags.Using)) return [];
      return statement.declarationList.declarations.flatMap(({ name }) => {
        const uses = [...nodes(statement.parent)].filter((node) =>
          ts.isIdentifier(node) && node !== name && node.text === name.getText() && !isPropertyName(node)
        );
        const line = lineOf(file, statement.getStart(file));
        return uses.length === 1 ? [`${path}:${line}: \`using ${name.getText()}\` is used once`] : [];
      });
    })
  );
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) && parent.name === node;
}
