// The output of `--json` follows its schemas, for every command that has the flag, and has no character that moves a cursor.

import assert from "node:assert/strict";
import { JSON_SCHEMAS } from "../../src/cli/json_schema.ts";
import type { JsonSchemaName } from "../../src/cli/terminal.ts";
import { HOSTILE_TEXT, writeHostileLedger } from "../support/hostile_ledger.ts";
import { INCIDENTS, writeIncident } from "../support/incident.ts";
import { ledgerproxy } from "../support/run_program.ts";

const ASSERTIONS = new URL("../support/assertions.yaml", import.meta.url).pathname;
/** A Service to plan. */
const PLANNED = new URL("../support/planned_service.yaml", import.meta.url).pathname;

/** Arguments for every command that has --json, about `folder`, with the schema of its lines. */
function questions(folder: string, service: string, target: string, at: [number, number]) {
  const ledger = ["--ledger", folder];
  const [good, bad] = at.map((offset) => `@${offset}`) as [string, string];
  return [
    ["audit/1", ["audit", ...ledger]],
    ["bisect/1", ["bisect", good, bad, "10.244.9.9", target, "--all", ...ledger]],
    ["blame/1", ["blame", service, ...ledger]],
    ["diff/1", ["diff", good, bad, ...ledger]],
    ["endpoints/1", ["endpoints", ...ledger]],
    ["latency/1", ["latency", ...ledger]],
    ["log/1", ["log", "--limit", "1000", ...ledger]],
    ["outages/1", ["outages", "--since", "@0", ...ledger]],
    ["plan/1", ["plan", "-f", PLANNED, ...ledger]],
    ["replay/1", ["replay", folder]],
    ["services/1", ["services", "--at", good, ...ledger]],
    ["show/1", ["show", bad, ...ledger]],
    ["status/1", ["status", "--at", bad, ...ledger]],
    ["test/1", ["test", ASSERTIONS, ...ledger]],
    ["top/1", ["top", ...ledger]],
    ["verify/1", ["verify", folder]],
    ["version/1", ["version"]],
    ["why/1", ["why", "10.244.9.9", target, ...ledger]],
  ] as const satisfies readonly (readonly [JsonSchemaName, readonly string[]])[];
}

/** Checks each line of an answer against its schema. */
function checked(name: JsonSchemaName, stdout: string): void {
  const lines = stdout.trimEnd().split("\n");
  assert.ok(lines.length > 0 && lines[0] !== "", `${name}: an answer`);
  for (const line of lines) {
    const { schema, ...rest } = JSON.parse(line);
    assert.equal(schema, `ledgerproxy.${name}`);
    const { error } = JSON_SCHEMAS[name].safeParse(rest);
    assert.equal(error, undefined, `${name}: ${error?.message}\n${line}`);
  }
}

Deno.test("every line of --json follows the schema that it names", async () => {
  const folder = Deno.makeTempDirSync();
  const truth = writeIncident(`${folder}/a`, INCIDENTS.indexOf("crash loop"));
  writeIncident(`${folder}/b`, INCIDENTS.indexOf("foreign flush"));
  // These need a node: tests/cluster/takeover_test.ts, and connections_test.ts and packet_trace_test.ts in tests/kernel.
  const seen = new Set<string>(["check/1", "connections/1", "why-live/1"]);
  const all = questions(`${folder}/a`, truth.service, `${truth.clusterIP}:80/tcp`, [truth.before, truth.end]);
  for (const [name, args] of [...all, ["log/1", ["log", "--ledger", `${folder}/b`]] as const]) {
    const { stdout } = await ledgerproxy([...args, "--json"]);
    checked(name, stdout);
    seen.add(name);
  }
  assert.deepEqual([...seen].sort(), Object.keys(JSON_SCHEMAS).sort(), "every schema was printed");
  const { stdout } = await ledgerproxy(["schema"]);
  const ids = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).$id);
  assert.deepEqual(ids, Object.keys(JSON_SCHEMAS).map((name) => `ledgerproxy.${name}`));
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("whatever names objects and programs have, no command prints a character that moves a cursor or reverses text", async () => {
  const folder = Deno.makeTempDirSync();
  const { service, target, range } = writeHostileLedger(folder);
  for (const [name, args] of questions(folder, service, target, range)) {
    const json = await ledgerproxy([...args, "--json"]);
    checked(name, json.stdout);
    const text = await ledgerproxy(args);
    for (const output of [json.stdout, json.stderr, text.stdout, text.stderr]) {
      assert.doesNotMatch(output, /[^\P{C}\n\t]|[\u2028\u2029]/u, `${name}: ${output.slice(0, 300)}`);
    }
    for (const line of text.stdout.split("\n")) {
      assert.ok(
        !line.startsWith(HOSTILE_TEXT.newline.trimStart()),
        `${name}: a line that a name has made: ${line}`,
      );
    }
  }
  const { stdout } = await ledgerproxy(["log", "--kind", "drift", "--ledger", folder, "--json"]);
  assert.equal(JSON.parse(stdout).record.process, HOSTILE_TEXT.process, "the value is as it was");
  Deno.removeSync(folder, { recursive: true });
});
