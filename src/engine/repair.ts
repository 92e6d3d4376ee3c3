// The comparison of the kernel with what was committed, which is made in pieces between batches, and the repair: a comparison whose
// deviations are put back. What the healer must receive of it is returned. The healer may ask for a repair when it receives that a
// piece differs, so pieces yield their inputs one by one, and look at the state again after each.

import { isInterrupted } from "../kernel/system_error.ts";
import type { Kernel, PiecewiseKernel } from "../kernel/kernel.ts";
import { separated } from "../nft/objects.ts";
import { digestText, rulesetDigest } from "../plan/digest.ts";
import { type Deviation, deviations } from "./comparison.ts";
import { committedDigest, type EngineState } from "./engine_state.ts";
import { list, perform, tryCommit } from "./executor.ts";
import type { HealerInput } from "./healer.ts";
import type { Ports } from "./ports.ts";

/** Pause before a piece, in milliseconds: requests are answered and changes taken in between. */
const PIECE_PAUSE_MILLISECONDS = 5;

/** The same where deviations are put back: packets wait for the rules. */
const REPAIR_PAUSE_MILLISECONDS = 1;

/** Pause before a comparison begins again that other programs interrupted, and how often that is done. */
const INTERRUPTED_MILLISECONDS = 1000;
const INTERRUPTIONS_MAX = 10;

/** Changed in place by the functions of this file alone. */
export interface ComparisonState {
  /** The pieces that are left, while a comparison is made, and when the next one is due. */
  pieces: Generator<Deviation | undefined, void, void> | undefined;
  dueAt: number;
  /** Whether what it finds is put back, and whether another one follows: of what came after it began it may see nothing. */
  repairs: boolean;
  again: boolean;
  /** Whether a comparison was asked for meanwhile: notifications were lost. */
  comparesAgain: boolean;
  /** How often in a row other programs interrupted it. */
  interruptions: number;
}

/** The engine whose rules are compared, and its ports. */
interface Compared {
  readonly engine: EngineState;
  readonly ports: Ports;
  readonly comparison: ComparisonState;
}

/** The state while no comparison is made. */
export function newComparison(): ComparisonState {
  return {
    pieces: undefined,
    dueAt: Infinity,
    repairs: false,
    again: false,
    comparesAgain: false,
    interruptions: 0,
  };
}

/** Begins a comparison; where one is being made, another one follows it. Where our tables are not in place, one listing shows that. */
export function beginComparison(
  { engine, ports, comparison }: Compared,
  now: number,
): readonly HealerInput[] {
  const { kernel } = ports;
  if (engine.tables.kind !== "in place" || !isPiecewise(kernel)) {
    return [{ kind: "compared", equal: holdsCommitted(engine, kernel) }];
  }
  comparison.comparesAgain ||= comparison.pieces !== undefined;
  comparison.pieces ??= deviations(engine, kernel);
  comparison.dueAt = now;
  return [];
}

/** Begins a comparison whose deviations are put back; where one is being made, another one follows it. */
export function beginRepair({ engine, ports, comparison }: Compared, now: number): readonly HealerInput[] {
  if (engine.tables.kind !== "in place" || !isPiecewise(ports.kernel)) {
    perform(engine, ports, list(ports.kernel));
    return [tryCommit(engine, ports), { kind: "healed" }];
  }
  comparison.again = comparison.pieces !== undefined;
  comparison.pieces ??= deviations(engine, ports.kernel);
  comparison.repairs = true;
  comparison.dueAt = now;
  return [];
}

/** Goes on by the piece that is due, and puts back what it found. */
export function* comparePiece(compared: Compared, now: number): Generator<HealerInput, void, void> {
  const { comparison } = compared;
  let piece;
  try {
    piece = comparison.pieces!.next();
  } catch (error) {
    if (!isInterrupted(error)) throw error;
    return yield* compareLater(compared, error, now);
  }
  const { done, value: deviation } = piece;
  comparison.interruptions = 0;
  if (done) return yield* endComparison(compared, now);
  if (deviation !== undefined && !comparison.repairs) {
    yield { kind: "compared", equal: false };
    // It may have to wait.
    if (!comparison.repairs) return stopComparison(comparison);
    // What came before was equal, so this comparison is the repair, and none must follow it.
    comparison.again = false;
  }
  comparison.dueAt = now + (comparison.repairs ? REPAIR_PAUSE_MILLISECONDS : PIECE_PAUSE_MILLISECONDS);
  if (deviation !== undefined) yield putBack(compared, deviation);
}

/** Makes no further piece. */
export function stopComparison(comparison: ComparisonState): void {
  comparison.pieces?.return();
  comparison.pieces = undefined;
  comparison.dueAt = Infinity;
  comparison.repairs = comparison.again = comparison.comparesAgain = false;
}

/** Other programs change rules so often that a piece could not be listed: the comparison begins again, a bounded number of times. */
function* compareLater(compared: Compared, error: Error, now: number): Generator<HealerInput, void, void> {
  const { engine, ports, comparison } = compared;
  if (++comparison.interruptions < INTERRUPTIONS_MAX && isPiecewise(ports.kernel)) {
    comparison.pieces = deviations(engine, ports.kernel);
    comparison.dueAt = now + INTERRUPTED_MILLISECONDS;
    return;
  }
  comparison.interruptions = 0;
  ports.warn(`our rules were not compared with the kernel's: ${error.message}`);
  // Where rules are to be put back, that is retried with the next commit.
  if (comparison.repairs) yield putBack(compared, { kind: "unreadable" });
  yield* endComparison(compared, now);
}

function putBack({ engine, ports }: Compared, deviation: Deviation): HealerInput {
  if (deviation.kind === "elements") perform(engine, ports, { kind: "found", delta: deviation.delta });
  else if (deviation.kind === "skeleton") {
    perform(engine, ports, { kind: "unreadable", tables: deviation.found });
  } else perform(engine, ports, list(ports.kernel));
  return tryCommit(engine, ports);
}

function* endComparison(compared: Compared, now: number): Generator<HealerInput, void, void> {
  const { comparison } = compared;
  const { repairs, again, comparesAgain } = comparison;
  stopComparison(comparison);
  if (again) yield* beginRepair(compared, now);
  else yield repairs ? { kind: "healed" } : { kind: "compared", equal: true };
  if (comparesAgain && !again) yield* beginComparison(compared, now);
}

function isPiecewise(kernel: Kernel): kernel is PiecewiseKernel {
  return kernel.listInPieces !== undefined && kernel.element !== undefined;
}

/** Whether a listing of our tables equals what was committed. */
function holdsCommitted(engine: EngineState, kernel: Kernel): boolean {
  const listed = list(kernel);
  if (listed.kind !== "listed") return false;
  const { tables, elements } = separated(listed.ruleset);
  return digestText(rulesetDigest(tables, elements)) === digestText(committedDigest(engine));
}
