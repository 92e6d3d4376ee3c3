// The closed list of problems, and the facts that each follows from.

import assert from "node:assert/strict";
import type { ProblemReason } from "../../src/ingest/source.ts";
import { HEALTH_PROBLEMS, type ProblemFacts, problemsOf, sourceProblem } from "../../src/serve/problems.ts";
import { resourceStatus } from "../support/resource_status.ts";

const NO_PROBLEM: ProblemFacts = {
  pendingSince: undefined,
  brokenSince: undefined,
  drift: undefined,
  ledger: undefined,
  aside: new Map(),
  node: undefined,
  sources: [],
};

const status = (reason: ProblemReason | "") =>
  resourceStatus({ problem: "a text that must not be shown", reason });

Deno.test("each reason why a resource is not followed has a name in the list", () => {
  const names: Record<ProblemReason | "", string | undefined> = {
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
    absent: "api server answers with errors",
    "": undefined,
  };
  for (const [reason, name] of Object.entries(names)) {
    const source = status(reason as keyof typeof names);
    assert.equal(sourceProblem(source), name, reason);
    assert.deepEqual(
      problemsOf({ ...NO_PROBLEM, sources: [source] }),
      name === undefined ? [] : [name],
      reason,
    );
  }
});

Deno.test("each fact is one problem, and two resources with the same problem are one", () => {
  const drift = { process: "nft", pid: 7, changes: ["x"], since: 0, putBackAt: undefined };
  const cases: [Partial<ProblemFacts>, string[]][] = [
    [{}, []],
    [{ pendingSince: 0 }, ["rules rejected"]],
    [{ drift }, ["another program changes our tables"]],
    [{ ledger: { reason: "No space left on device", records: 3 } }, ["ledger cannot be written"]],
    [{ aside: new Map([["shop/web", "too large"]]) }, ["services set aside"]],
    [{ brokenSince: 0 }, ["restarting after a fault"]],
    [{ node: "missing" }, ["own Node not found"]],
    [{ sources: [status("cut"), status("silent")] }, ["api server not answering"]],
  ];
  for (const [facts, problems] of cases) assert.deepEqual(problemsOf({ ...NO_PROBLEM, ...facts }), problems);
});

Deno.test("problems are in the order of the list, whatever the order of the facts", () => {
  const all = problemsOf({
    ...NO_PROBLEM,
    sources: [status("unconfirmed"), status("starting")],
    node: "deleted",
    pendingSince: 0,
  });
  assert.deepEqual(all, [
    "rules rejected",
    "own Node deleted",
    "not listed yet",
    "list awaiting confirmation",
  ]);
  assert.deepEqual(all, HEALTH_PROBLEMS.filter((problem) => all.includes(problem)));
});
