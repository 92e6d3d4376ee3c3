// Where this program differs from kube-proxy 1.37 (nftables mode) on purpose, with the reasons. The campaign excuses a
// packet only for one of these.

import type { Observation, Probe } from "../support/lab/probe.ts";
import type { Scenario } from "../support/scenario/scenario.ts";

interface Difference {
  readonly name: string;
  readonly reason: string;
  /** Whether it explains that kube-proxy did `theirs` with `probe`. */
  explains(
    scenario: Scenario,
    probe: Probe,
    expected: readonly Observation[],
    theirs: readonly Observation[],
  ): boolean;
}

const DIFFERENCES: readonly Difference[] = [];

/** The name of the difference that explains what kube-proxy did; undefined where none does. */
export function differenceFor(
  scenario: Scenario,
  probe: Probe,
  expected: readonly Observation[],
  theirs: readonly Observation[],
): string | undefined {
  return DIFFERENCES.find((difference) => difference.explains(scenario, probe, expected, theirs))?.name;
}

/** Scenario files that kube-proxy cannot be asked about, and why. */
export const NOT_FOR_KUBE_PROXY: Readonly<Record<string, string>> = {
  conflicts: "kube-proxy gives the frontend to whichever Service it visits last, at random",
  sloppy_addresses: "an API server of today refuses such addresses; older objects still have them",
};
