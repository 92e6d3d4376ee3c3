// `ledgerproxy schema [COMMAND]`: prints the JSON Schemas (draft 2020-12) of what `--json` prints.

import * as z from "../../kube/zod.ts";
import { EXIT } from "../../node/exit_code.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { JSON_SCHEMAS } from "../json_schema.ts";
import { printText } from "../terminal.ts";

const EXAMPLE = `
Example:
  ledgerproxy schema log | jq .properties`;

/** Adds `schema` to the program. */
export function addSchema(program: Command, done: Done): void {
  program.command("schema").description("print the JSON Schemas of what --json prints, one on each line")
    .argument("[command]", "only the schemas of this command")
    .addHelpText("after", EXAMPLE)
    .action((command: string | undefined) => done(printSchemas(command)));
}

/** Prints one schema a line, with its name among the properties. Throws UsageError for a command that has none. */
function printSchemas(command: string | undefined): number {
  const chosen = Object.entries(JSON_SCHEMAS).filter(([name]) =>
    command === undefined || name.split("/")[0] === command
  );
  for (const [name, schema] of chosen) {
    const { properties, ...rest } = z.toJSONSchema(schema);
    const named = { schema: { const: `ledgerproxy.${name}` }, ...properties };
    printText(JSON.stringify({ $id: `ledgerproxy.${name}`, ...rest, properties: named }));
  }
  if (chosen.length > 0) return EXIT.done;
  const known = new Set(Object.keys(JSON_SCHEMAS).map((name) => name.split("/")[0]));
  throw new UsageError(`${command}: it has no JSON; schemas are there for ${[...known].join(", ")}`);
}
