// The results of all runs of a session beside each other. A failure counts against a proxy of ours where it failed in any run and
// kube-proxy failed in none: a test that fails now and then with both is no proof.

import type { Outcome } from "./junit.ts";

/** Outcomes by name of the test, for each run; undefined for a run that has no result. */
export type Runs = readonly (ReadonlyMap<string, Outcome> | undefined)[];

/** One test that is not the same for both. */
export interface OddTest {
  readonly name: string;
  /** In how many of the runs that have it the test failed with ours, and with kube-proxy. */
  readonly ours: readonly [failed: number, ran: number];
  readonly theirs: readonly [failed: number, ran: number];
}

/** Tests that failed in a run of `ours`, and in none of `theirs`. */
export function onlyOurs(ours: Runs, theirs: Runs): OddTest[] {
  return [...new Set(ours.flatMap((run) => [...run?.keys() ?? []]))].sort()
    .map((name) => ({ name, ours: failed(ours, name), theirs: failed(theirs, name) }))
    .filter((test) => test.ours[0] > 0 && test.theirs[0] === 0);
}

function failed(runs: Runs, name: string): [number, number] {
  const found = runs.map((run) => run?.get(name)).filter((outcome) => outcome !== undefined);
  return [found.filter((outcome) => outcome === "failed").length, found.length];
}

/** `48 pass, 0 fail, 0 skip` for one run; `-` where it has no result. */
export function countsText(run: ReadonlyMap<string, Outcome> | undefined): string {
  if (run === undefined) return "-";
  const count = (outcome: Outcome) => [...run.values()].filter((one) => one === outcome).length;
  return `${count("passed")} pass, ${count("failed")} fail, ${count("skipped")} skip`;
}

/** What a phase of the exercises counted. */
export interface Counted {
  readonly ok: number;
  readonly failed: number;
  /** Whether the commands of the phase did what they should. */
  readonly completed: boolean;
}

/** `0 of 12582 failed`; `-` where there is no result. */
export function countedText(counted: Counted | undefined): string {
  if (counted === undefined) return "-";
  const { ok, failed, completed } = counted;
  return `${failed} of ${ok + failed} failed${completed ? "" : ", not completed"}`;
}

/** Whether a phase speaks against ours: it did not end as it should, or it has failures where kube-proxy has none. */
export function isWorse(ours: Counted, theirs: Counted | undefined): boolean {
  return !ours.completed || ours.ok === 0 ||
    (ours.failed > 0 && (theirs === undefined || theirs.failed === 0));
}
