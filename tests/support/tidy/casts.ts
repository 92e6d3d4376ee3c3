// Casts. The compiler cannot check an `as`. Most casts show that a constructor or a `kind` is missing.

import ts from "typescript";
import { type Counts, nodes, parsed, roomOf, type Sources } from "./sources.ts";

/** How many `as` a room of src has. `as const` claims nothing. */
export function castsByRoom(sources: Sources): Counts {
  const counts: Record<string, number> = {};
  for (const [path, file] of parsed(sources, "src/")) {
    const room = roomOf(path) ?? path;
    for (const node of nodes(file)) {
      if (!ts.isAsExpression(node) || ts.isConstTypeReference(node.type)) continue;
      counts[room] = (counts[room] ?? 0) + 1;
    }
  }
  return counts;
}
