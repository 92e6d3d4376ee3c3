// Compares what the kernel holds with what was committed, in pieces: to list 45,000 elements and make their digest would block the
// loop for 0.4 s. Commits go on between the pieces, and the kernel's listing of a set that changes meanwhile may lack elements, and
// have others twice. So what looks different is in doubt: the kernel is asked for these elements alone, once the set was listed.

import {
  type Kernel,
  type ListedPiece,
  type PiecewiseKernel,
  type TableName,
  UnreadableRuleset,
} from "../kernel/kernel.ts";
import { ERRNO, SystemError } from "../kernel/system_error.ts";
import { ELEMENTS_ASKED_AT_ONCE } from "../limits/commits.ts";
import { objectNoun, separated } from "../nft/objects.ts";
import { type Element, type ElementKey, type Elements, sameElement } from "../nft/ruleset.ts";
import { type Delta, diff } from "../plan/delta.ts";
import { digestText, tablesDigest } from "../plan/digest.ts";
import type { EngineState } from "./engine_state.ts";
import { elementsInPlace, OUR_TABLES } from "./kernel_tables.ts";

/** What the kernel holds otherwise than was committed. */
export type Deviation =
  /** Elements, or chains beside the skeleton: from what was committed to what the kernel holds at this moment. */
  | { readonly kind: "elements"; readonly delta: Delta }
  /** Tables with another skeleton; `found` are those that exist. */
  | { readonly kind: "skeleton"; readonly found: readonly TableName[] }
  /** What this program never writes, or cannot read because it is gone. */
  | { readonly kind: "unreadable" };

type Elementary = ListedPiece & { readonly kind: "elements" };

/**
 * Yields after each piece, and with it what was found: it holds until the next commit. Ends early after a deviation that is not of
 * elements, and where our tables are rebuilt or listed meanwhile.
 */
export function* deviations(
  state: EngineState,
  kernel: PiecewiseKernel,
): Generator<Deviation | undefined, void, void> {
  const committed = elementsInPlace(state.tables);
  const doubts = newDoubts();
  try {
    for (const piece of kernel.listInPieces(OUR_TABLES)) {
      if (elementsInPlace(state.tables) !== committed) return;
      if (piece.kind === "table") {
        const deviation = tableDeviation(state, kernel, committed, piece);
        yield deviation;
        if (deviation?.kind === "skeleton") return;
        continue;
      }
      compare(doubts, committed, piece);
      if (piece.elements.length > 0) yield undefined;
      while (piece.last && doubts.doubted.length > 0) {
        if (elementsInPlace(state.tables) !== committed) return;
        yield asked(kernel, committed, piece, doubts.doubted.splice(-ELEMENTS_ASKED_AT_ONCE));
      }
    }
  } catch (error) {
    if (!(error instanceof UnreadableRuleset) && !isGone(error)) throw error;
    yield { kind: "unreadable" };
  }
}

function isGone(error: unknown): boolean {
  return error instanceof SystemError && error.errno === ERRNO.ENOENT;
}

/** The elements of one set that were not listed yet, and those that are in doubt. */
interface Doubts {
  sought: Set<ElementKey>;
  readonly doubted: Element[];
}

function newDoubts(): Doubts {
  return { sought: new Set(), doubted: [] };
}

/** Notes what is different in a piece of a set, and after the last one what was not listed. */
function compare(doubts: Doubts, committed: Elements, { set, elements, first, last }: Elementary): void {
  const wanted = committed.get(set);
  if (first) doubts.sought = new Set(wanted?.keys());
  for (const element of elements) {
    doubts.sought.delete(element.key);
    if (!sameElement(wanted?.get(element.key), element)) doubts.doubted.push(element);
  }
  for (const key of last ? doubts.sought : []) {
    const missing = wanted?.get(key);
    if (missing !== undefined) doubts.doubted.push(missing);
  }
}

/** What the kernel, asked for the elements with the keys of `doubted`, holds otherwise than was committed. */
function asked(
  kernel: PiecewiseKernel,
  committed: Elements,
  { set, container }: Elementary,
  doubted: readonly Element[],
): Deviation | undefined {
  const delta = new Map(doubted.map((one) => [one.key, one])).values().flatMap((one) => {
    const { key } = one;
    const [before, after] = [committed.get(set)?.get(key), kernel.element(set, container, one)];
    return sameElement(before, after) ? [] : [{ set, key, before, after }];
  }).toArray();
  return delta.length === 0 ? undefined : { kind: "elements", delta };
}

/** What is found of a table without its elements: another skeleton, or other objects. */
function tableDeviation(
  { cluster }: EngineState,
  kernel: Kernel,
  committed: Elements,
  { family, table }: ListedPiece & { readonly kind: "table" },
): Deviation | undefined {
  const listed = separated({ tables: table === undefined ? [] : [table], elements: new Map() });
  const wanted = cluster.tables.filter((one) => one.family === family);
  if (digestText(tablesDigest(listed.tables)) !== digestText(tablesDigest(wanted))) {
    const isOurs = ({ family, name }: TableName) =>
      OUR_TABLES.some((one) => one.family === family && one.name === name);
    return { kind: "skeleton", found: kernel.tables().filter(isOurs) };
  }
  const objects = (all: Elements) =>
    new Map([...all].filter(([path]) => path.startsWith(`${family} `) && objectNoun(path) !== undefined));
  const delta = diff(objects(committed), objects(listed.elements));
  return delta.length === 0 ? undefined : { kind: "elements", delta };
}
