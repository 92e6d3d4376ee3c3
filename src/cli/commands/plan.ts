// `ledgerproxy plan -f MANIFESTS`: prints what this node would do if the objects were applied. It touches neither cluster nor kernel.

import { stateAt } from "../../history/past.ts";
import { planAhead } from "../../history/plan_ahead.ts";
import { planLines } from "../../history/plan_ahead_words.ts";
import type { PositionExpression } from "../../history/position_expression.ts";
import { isNamespaceName, ManifestFiles } from "../manifest_files.ts";
import { objectKey } from "../../kube/objects.ts";
import { offsetOf } from "../../ledger/record.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
import { offsetArgument, pastArgument, positionArgument } from "../arguments.ts";
import { collected, type Command, type Done, ledgerCommand } from "../command_line.ts";
import { printJson, printLines } from "../terminal.ts";

/** Flags of `plan`. */
export interface PlanOptions {
  readonly ledger?: string;
  readonly filename?: readonly string[];
  /** Files with the objects that are deleted. */
  readonly delete?: readonly string[];
  /** Of objects that name none. */
  readonly namespace?: string;
  readonly at?: PositionExpression;
  readonly json?: boolean;
}

/** What the command answers, and what another one does. */
const HELP = `
plan says, before objects are applied, which packets this node would send
elsewhere or serve no more, and which claims would conflict. diff compares the
past: the elements of two positions of the ledger, or those in the kernel.

  helm template web ./chart | ledgerproxy plan -f - -n shop
  kubectl kustomize overlays/prod | ledgerproxy plan -f -

Exit codes: 1 where a packet that is served now would not be, or where the API
server would refuse an object.`;

/** Adds `plan` to the program. */
export function addPlan(program: Command, done: Done): void {
  const description = "print what this node would do if objects were applied: packets, conflicts";
  ledgerCommand(program, "plan", description, "plan -f shop.yaml")
    .option(
      "-f, --filename <path>",
      "a file or folder of YAML/JSON, as kubectl, kustomize or Helm write it; - is standard input; may be repeated",
      collected,
    )
    .option("--delete <path>", "a file or folder with objects that are deleted", collected)
    .option("-n, --namespace <name>", "the namespace of objects that name none (default)", namespaceArgument)
    .option(
      "--at <position>",
      "applied to the state at this position: @1234, 03:12, 5m (HEAD)",
      positionArgument,
    )
    .addHelpText("after", HELP)
    .action((options: PlanOptions) => done(planCommand(options)));
}

/** Throws UsageError. */
function namespaceArgument(text: string): string {
  if (!isNamespaceName(text)) throw new UsageError(`--namespace ${text}: it must be the name of a namespace`);
  return text;
}

/** Prints the plan; returns 1 where anything that is served now would not be. Throws UsageError, WrongPosition. */
export function planCommand(options: PlanOptions): number {
  const { ledger, filename = [], delete: gone = [], at, json, namespace } = options;
  if (filename.length + gone.length === 0) {
    throw new UsageError("plan needs -f PATH, the objects to apply, or --delete PATH, those to delete");
  }
  const past = pastArgument(ledger);
  const offset = offsetArgument(past, at);
  const files = new ManifestFiles(namespace);
  const objects = files.read("-f", filename);
  const deleted = files.read("--delete", gone).map(objectKey);
  files.sayNamespace();
  const { manifests } = files;
  const plan = planAhead(stateAt(past, offset).state, { objects, deleted, manifests }, offsetOf(offset));
  if (json) printJson("plan/1", plan);
  else printLines(planLines(plan));
  return plan.unserved + plan.refused.length > 0 ? EXIT.found : EXIT.done;
}
