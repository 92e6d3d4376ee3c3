// The closed list of problems that /healthz names. Every client that reaches the node can read /healthz, so it never has the
// text of an error. Those texts are in the log, and at /details of the metrics port for clients on this node.

import type { OpenDrift } from "../engine/healer.ts";
import type { OwnNodeProblem } from "../fold/own_node.ts";
import type { LedgerFailure } from "../ledger/ledger.ts";
import type { ProblemReason, ResourceStatus } from "../ingest/source.ts";

/** Problems of a source, as `/healthz` names them. */
const SOURCE_PROBLEMS = [
  "not listed yet",
  "api server not answering",
  "api server refuses us",
  "api server is overloaded",
  "api server answers with errors",
  "list awaiting confirmation",
] as const;
export type SourceProblem = (typeof SOURCE_PROBLEMS)[number];

/** Problems of the own Node object: the fold's name for each, and its name in `/healthz`. */
export const OWN_NODE_PROBLEMS = {
  unnamed: "own Node not named",
  unreadable: "own Node cannot be read",
  missing: "own Node not found",
  deleted: "own Node deleted",
  unaddressed: "own Node has no addresses",
  "without-pod-cidrs": "own Node has no pod CIDRs",
} as const satisfies Readonly<Record<Exclude<OwnNodeProblem, "">, string>>;

/** All problems that `/healthz` can name. */
export const HEALTH_PROBLEMS = [
  "rules rejected",
  "another program changes our tables",
  "ledger cannot be written",
  "services set aside",
  "restarting after a fault",
  ...Object.values(OWN_NODE_PROBLEMS),
  ...SOURCE_PROBLEMS,
] as const;
export type HealthProblem = (typeof HEALTH_PROBLEMS)[number];

/** The facts that problems follow from. Times in milliseconds since 1970, where nothing else is said. */
export interface ProblemFacts {
  /** Since when changes wait that the kernel rejected, by a clock that never goes back. */
  readonly pendingSince: number | undefined;
  /** Since when the loop is stopped because of a fault, by the same clock. */
  readonly brokenSince: number | undefined;
  /** What another program did to our tables, until our rules are back and it has stopped. */
  readonly drift: OpenDrift | undefined;
  readonly ledger: LedgerFailure | undefined;
  /** Services that are not served, and why. */
  readonly aside: ReadonlyMap<string, string>;
  readonly node: Exclude<OwnNodeProblem, ""> | undefined;
  readonly sources: readonly ResourceStatus[];
}

/** Why a resource is not followed: the name of each reason in `/healthz`. */
const BY_REASON: Readonly<Record<ProblemReason, SourceProblem>> = {
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
  // Where the proxy does not need the resource, its reflector has no problem.
  absent: "api server answers with errors",
};

/** The problem of one resource; undefined while it is followed. */
export function sourceProblem({ reason }: ResourceStatus): SourceProblem | undefined {
  return reason === "" ? undefined : BY_REASON[reason];
}

/** All problems, each once, in the order of {@link HEALTH_PROBLEMS}. */
export function problemsOf(facts: ProblemFacts): HealthProblem[] {
  const found = new Set<HealthProblem | undefined>([
    facts.pendingSince === undefined ? undefined : "rules rejected",
    facts.drift === undefined ? undefined : "another program changes our tables",
    facts.ledger === undefined ? undefined : "ledger cannot be written",
    facts.aside.size === 0 ? undefined : "services set aside",
    facts.brokenSince === undefined ? undefined : "restarting after a fault",
    facts.node === undefined ? undefined : OWN_NODE_PROBLEMS[facts.node],
    ...facts.sources.map(sourceProblem),
  ]);
  return HEALTH_PROBLEMS.filter((problem) => found.has(problem));
}

/** What to do about a failure, by the text of the system's error; where that has no name here, there is no advice. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /\(os error (28|122)\)/,
    "free room on its disk (df, df -i), or start with a smaller --retain-megabytes, which removes the oldest segments",
  ],
  [/\(os error 30\)/, "its disk is read-only: the kernel's log may say why; mount it for writing"],
];

/** The reason of a failure, and what to do about it. */
export function failureText({ reason }: Pick<LedgerFailure, "reason">): string {
  const advice = ADVICE.find(([error]) => error.test(reason))?.[1];
  return advice === undefined ? reason : `${reason}: ${advice}`;
}
