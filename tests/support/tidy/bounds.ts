// Bounds that several files rely on are in src/limits, where one sees them together, and none is there without a use.

import ts from "typescript";
import { exportedNames } from "./names.ts";
import { type Finding, nodes, parsed, type Sources } from "./sources.ts";

const BOUND = /_(MAX|MIN)$/;
const FOLDER = "src/limits/";

/** Bounds that are exported from elsewhere, and constants of the folder that no other file uses. */
export function boundsInPlace(sources: Sources): Finding[] {
  const used = new Set<string>();
  for (const [path, file] of parsed(sources, "src/")) {
    if (path.startsWith(FOLDER)) continue;
    for (const node of nodes(file)) if (ts.isIdentifier(node)) used.add(node.text);
  }
  return [...exportedNames(sources)].flatMap(([name, paths]) =>
    paths.flatMap((path) => {
      if (!path.startsWith(FOLDER)) {
        return BOUND.test(name) ? [`${path}: ${name} belongs into ${FOLDER}`] : [];
      }
      return used.has(name) ? [] : [`${path}: ${name} is not used`];
    })
  );
}
