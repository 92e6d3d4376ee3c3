// Casts: each `as` is a claim that the compiler cannot check, and most are a missing constructor or a missing `kind`.

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
