// Repeats a probe until each possible result was seen, or had enough chances to be seen.

import type { Expectation } from "../scenario/expectation.ts";
import { normalised } from "../scenario/expectation.ts";
import type { Lab } from "./lab.ts";
import { LOST, type Observation, type Probe, send } from "./probe.ts";

/** How long to wait, in milliseconds, for an answer that is not expected, and for one that is. */
const PATIENCE = { lost: 25, answered: 10_000 };

/** Draws for one endpoint: with N endpoints one is missed by 25 N draws with probability below e^-25. */
const DRAWS_EACH = 25;
const DRAWS_PINNED = 4;

/** All results of `probe` that were seen, sorted. It stops once they are those of `expectation`. */
export function observe(lab: Lab, probe: Probe, { observations, pinned }: Expectation): Observation[] {
  const seen = new Set<Observation>();
  const patience = observations.includes(LOST) ? PATIENCE.lost : PATIENCE.answered;
  const draws = pinned ? DRAWS_PINNED : observations.length * DRAWS_EACH;
  for (let drawn = 0; drawn < draws && (pinned || seen.size < observations.length); drawn++) {
    const observation = normalised(send(lab, probe, patience), probe);
    seen.add(observation);
    if (!observations.includes(observation)) break;
  }
  return [...seen].sort();
}

/** Whether `seen` is as expected: all results, or one of them for a client with affinity. */
export function agrees(seen: readonly Observation[], { observations, pinned }: Expectation): boolean {
  if (pinned) return seen.length === 1 && observations.includes(seen[0]!);
  return seen.join() === observations.join();
}
