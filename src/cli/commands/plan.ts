// `ledgerproxy plan -f MANIFESTS`: prints what this node would do if the objects were applied. It touches neither cluster nor kernel.

import { stateAt } from "../../history/past.ts";
import { planAhead } from "../../history/plan_ahead.ts";
import { planLines } from "../../history/plan_ahead_words.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { readManifests } from "../../ingest/manifest_source.ts";
import { readFault } from "../../ingest/bounded_file.ts";
import { type KubeObject, objectKey } from "../../kube/objects.ts";
import { offsetOf } from "../../ledger/record.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { codeOf } from "../../thrown.ts";
import { offsetArgument, pastArgument, positionArgument } from "../arguments.ts";
import { type Command, type Done, ledgerCommand } from "../command_line.ts";
import { printJson, printLines } from "../terminal.ts";

/** Flags of `plan`. */
export interface PlanOptions {
  readonly ledger?: string;
  readonly filename?: string;
  /** Files with the objects that are deleted. */
  readonly delete?: string;
  readonly at?: PositionExpression;
  readonly json?: boolean;
}

/** What the command answers, and what another one does. */
const HELP = `
plan says, before objects are applied, which packets this node would send
elsewhere or serve no more, and which claims would conflict. diff compares the
past: the elements of two positions of the ledger, or those in the kernel.`;

/** Adds `plan` to the program. */
export function addPlan(program: Command, done: Done): void {
  const description = "print what this node would do if objects were applied: packets, conflicts";
  ledgerCommand(program, "plan", description, "plan -f shop.yaml")
    .option(
      "-f, --filename <path>",
      "a file or folder of YAML/JSON, as kubectl, kustomize or Helm write it",
    )
    .option("--delete <path>", "a file or folder with objects that are deleted")
    .option(
      "--at <position>",
      "applied to the state at this position: @1234, 03:12, 5m (HEAD)",
      positionArgument,
    )
    .addHelpText("after", HELP)
    .action((options: PlanOptions) => done(planCommand(options)));
}

/** Prints the plan; returns 1 where anything that is served now would not be. Throws UsageError, WrongPosition. */
export function planCommand({ ledger, filename, delete: gone, at, json }: PlanOptions): number {
  if (filename === undefined && gone === undefined) {
    throw new UsageError("plan needs -f PATH, the objects to apply, or --delete PATH, those to delete");
  }
  const past = pastArgument(ledger);
  const offset = offsetArgument(past, at);
  const objects = filename === undefined ? [] : manifests("-f", filename);
  const deleted = gone === undefined ? [] : manifests("--delete", gone).map(objectKey);
  const plan = planAhead(stateAt(past, offset).state, { objects, deleted }, offsetOf(offset));
  if (json) printJson("plan/1", plan);
  else printLines(planLines(plan));
  return plan.unserved > 0 ? EXIT.found : EXIT.done;
}

/** The objects in the files; what cannot be read is a warning. Throws UsageError where there are none. */
function manifests(flag: string, path: string): readonly KubeObject[] {
  const { objects, problems, otherKinds = [] } = readAll(flag, path);
  const others = new Set(otherKinds);
  for (const problem of problems) if (!others.has(problem)) log.warn(problem);
  if (others.size > 0) log.info(`${otherKinds.length} objects of other kinds decide no rules`);
  if (objects.length === 0) {
    throw new UsageError(`${flag} ${path}: no Service, EndpointSlice, Node or ServiceCIDR is in it`);
  }
  return objects;
}

/** Reads the files. Throws UsageError where the system cannot: only its errors have a code. */
function readAll(flag: string, path: string): ReturnType<typeof readManifests> {
  try {
    return readManifests(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new UsageError(`${flag} ${path}: ${readFault(error)}`);
  }
}
