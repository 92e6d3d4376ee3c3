// The closed list of what /healthz may say is wrong. Everybody can read it, so it never holds the text of an error: those
// are in the log, and on the metrics port for clients of this node.

import type { UnsettledDrift } from "../engine/healer.ts";
import type { LedgerFailure } from "../ledger/writer.ts";
import type { ProblemReason, ResourceStatus } from "../ingest/source.ts";

/** What may be wrong with a source, in words for `/healthz`. */
export const SOURCE_PROBLEMS = [
  "not listed yet",
  "api server not answering",
  "api server refuses us",
  "api server is overloaded",
  "api server answers with errors",
  "list awaiting confirmation",
] as const;
export type SourceProblem = (typeof SOURCE_PROBLEMS)[number];

/** The fold's words for what is wrong with the own Node object, and those of `/healthz`. */
export const NODE_PROBLEMS = {
  unnamed: "own Node not named",
  unreadable: "own Node cannot be read",
  missing: "own Node not found",
  deleted: "own Node deleted",
  unaddressed: "own Node has no addresses",
  "without-pod-cidrs": "own Node has no pod CIDRs",
} as const;
export type NodeProblem = keyof typeof NODE_PROBLEMS;

/** All of it. */
export const PROBLEMS = [
  "rules rejected",
  "another program changes our tables",
  "ledger cannot be written",
  "restarting after a fault",
  ...Object.values(NODE_PROBLEMS),
  ...SOURCE_PROBLEMS,
] as const;
export type Problem = (typeof PROBLEMS)[number];

/** What problems follow from. */
export interface ProblemFacts {
  /** Since when changes wait that the kernel would not take. */
  readonly pendingSince: number | undefined;
  /** Since when the loop is stopped by a fault of this program. */
  readonly brokenSince: number | undefined;
  readonly drift: UnsettledDrift | undefined;
  readonly ledger: LedgerFailure | undefined;
  readonly node: NodeProblem | undefined;
  readonly sources: readonly ResourceStatus[];
}

/** The words of sources for what keeps a resource from being followed, and those of `/healthz`. */
const BY_REASON: Readonly<Record<ProblemReason, SourceProblem | undefined>> = {
  starting: "not listed yet",
  unreachable: "api server not answering",
  silent: "api server not answering",
  cut: "api server not answering",
  forbidden: "api server refuses us",
  throttled: "api server is overloaded",
  error: "api server answers with errors",
  expired: "api server answers with errors",
  invalid: "api server answers with errors",
  unconfirmed: "list awaiting confirmation",
  // The server does not know the resource, and the proxy can do without it.
  absent: undefined,
};

/** Why one resource is not followed; undefined while it is. */
export function sourceProblem({ reason }: ResourceStatus): SourceProblem | undefined {
  return reason === "" ? undefined : BY_REASON[reason];
}

/** Everything that is wrong, each once, in the order of {@link PROBLEMS}. */
export function problemsOf(facts: ProblemFacts): Problem[] {
  const found = new Set<Problem | undefined>([
    facts.pendingSince === undefined ? undefined : "rules rejected",
    facts.drift === undefined ? undefined : "another program changes our tables",
    facts.ledger === undefined ? undefined : "ledger cannot be written",
    facts.brokenSince === undefined ? undefined : "restarting after a fault",
    facts.node === undefined ? undefined : NODE_PROBLEMS[facts.node],
    ...facts.sources.map(sourceProblem),
  ]);
  return PROBLEMS.filter((problem) => found.has(problem));
}
