// Compares what the kernel holds with what was committed, in pieces. The listing of 45,000 elements and their digest would block the
// loop for 0.4 s. Commits between two pieces do no harm: of each set the elements that were committed are noted at the moment at
// which the kernel is asked for them. That is the longest piece: the kernel walks over the set again for each datagram that it sends.

import { type Kernel, type ListedPiece, UnreadableRuleset } from "../kernel/kernel.ts";
import { ERRNO, SystemError } from "../kernel/system_error.ts";
import { objectNoun, separated } from "../nft/objects.ts";
import { type Element, type ElementKey, type Elements, sameElement, type SetPath } from "../nft/ruleset.ts";
import { digestText, tablesDigest } from "../plan/digest.ts";
import { POSITION_PATH } from "../plan/position.ts";
import type { EngineState } from "./engine_state.ts";
import { elementsInPlace } from "./kernel_tables.ts";
import { OUR_TABLES } from "./run_loop.ts";

/** Elements that are still to be found. */
type Sought = Map<ElementKey, Element>;

/**
 * Whether `kernel` holds what was committed. Yields between pieces; returns true, as nothing is known, where our tables are rebuilt
 * or listed meanwhile.
 */
export function* comparedInPieces(
  state: EngineState,
  kernel: Required<Pick<Kernel, "listInPieces">>,
): Generator<undefined, boolean, void> {
  const committed = elementsInPlace(state.tables);
  let sought: Sought = new Map();
  try {
    for (const piece of kernel.listInPieces(OUR_TABLES)) {
      if (elementsInPlace(state.tables) !== committed) return true;
      if (piece.kind === "tables") {
        if (!holdsSkeleton(state, committed, piece.tables)) return false;
      } else if (!isApart(piece.set)) {
        if (piece.first) sought = new Map(committed.get(piece.set));
        if (!holds(sought, piece)) return false;
      }
      yield;
    }
    return true;
  } catch (error) {
    // A set holds what this program never writes, or is gone.
    if (error instanceof UnreadableRuleset || isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SystemError && error.errno === ERRNO.ENOENT;
}

/** Whether the elements of a set are compared in another way: the position names the digest, and objects come with the tables. */
function isApart(set: SetPath): boolean {
  return set === POSITION_PATH || set.includes("/");
}

/** Takes the elements of a piece from those that are sought; whether they are the same, and after the last piece none is left. */
function holds(sought: Sought, { elements, last }: ListedPiece & { readonly kind: "elements" }): boolean {
  for (const element of elements) {
    if (!sameElement(sought.get(element.key), element)) return false;
    sought.delete(element.key);
  }
  return !last || sought.size === 0;
}

/** Whether the listed tables are those of the skeleton, with the objects that were committed. */
function holdsSkeleton(
  { cluster }: EngineState,
  committed: Elements,
  listed: (ListedPiece & { readonly kind: "tables" })["tables"],
): boolean {
  const { tables, elements } = separated({ tables: listed, elements: new Map() });
  if (digestText(tablesDigest(tables)) !== digestText(tablesDigest(cluster.tables))) return false;
  const paths = new Set(
    [...elements.keys(), ...committed.keys()].filter((path) => objectNoun(path) !== undefined),
  );
  return [...paths].every((path) => {
    const [found, wanted] = [elements.get(path) ?? new Map(), committed.get(path) ?? new Map()];
    return found.size === wanted.size && [...found].every(([key, one]) => sameElement(wanted.get(key), one));
  });
}
