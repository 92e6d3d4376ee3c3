// 100 generated incidents: bisect, blame and log are asked as a user on call would ask, and must name the cause.

import assert from "node:assert/strict";
import { bisectCommand } from "../../src/cli/commands/bisect.ts";
import { blameCommand as blame } from "../../src/cli/commands/blame.ts";
import { logCommand } from "../../src/cli/commands/log.ts";
import { type Assertion, parseAssertions } from "../../src/history/assertion.ts";
import { checkAssertions } from "../../src/history/assertion_check.ts";
import { stateAt } from "../../src/history/past.ts";
import { assertionsOf, assertionsText, servicesChanged } from "../../src/history/written_assertions.ts";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { INCIDENTS, type Truth, writeIncident } from "../support/incident.ts";

const SEEDS = 100;
const CLIENT = "10.244.9.9";

/** The lines that a command prints, parsed as JSON. */
// deno-lint-ignore no-explicit-any
function answers(command: () => number): any[] {
  const decoder = new TextDecoder();
  let text = "";
  const { writeSync } = Deno.stdout;
  Deno.stdout.writeSync = (bytes: Uint8Array) => {
    text += decoder.decode(bytes);
    return bytes.length;
  };
  try {
    command();
  } finally {
    Deno.stdout.writeSync = writeSync;
  }
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** The causes that the tools name, asked with what a user knows: a Service that fails, and two positions around the start. */
function investigate(
  folder: string,
  { kind, service, clusterIP, endpoint, replacement, before, end }: Truth,
) {
  const [good, bad] = [{ kind: "offset", offset: before }, { kind: "offset", offset: end }] as const;
  const common = { ledger: folder, json: true };
  const bisect = (expect: string, all: boolean) =>
    answers(() => bisectCommand(good, bad, CLIENT, `${clusterIP}:80/tcp`, { ...common, expect, all }));
  switch (kind) {
    case "wrong selector":
    case "missing slice":
      return bisect("endpoint", false).map(({ cause }) => cause);
    case "late watch": {
      const [stopped] = bisect(endpoint, false);
      const [blamed] = answers(() => blame(replacement, common));
      assert.deepEqual(stopped.cause, blamed.cause, `${service}: both tools name one event`);
      return [stopped.cause];
    }
    case "foreign flush":
      return answers(() => logCommand(undefined, { ...common, kind: "drift" }));
    case "crash loop":
      return bisect("endpoint", true).map(({ cause }) => cause);
  }
}

Deno.test("bisect, blame or log names the cause of each of 100 incidents", () => {
  const folder = Deno.makeTempDirSync();
  const seen = new Map<string, number>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const place = `${folder}/${seed}`;
    const truth = writeIncident(place, seed);
    const named = investigate(place, truth);
    assert.deepEqual(named.map(({ offset }) => offset), truth.causes, `seed ${seed}: ${truth.kind}`);
    if (truth.kind === "foreign flush") assert.equal(named[0].record.process, "nft");
    else assert.match(named[0].what, new RegExp(`^EndpointSlice ${truth.service}-a`));
    if (truth.kind === "late watch") {
      const late = (Date.parse(named[0].time) - Date.parse(named[0].triggered)) / 1000;
      assert.ok(late >= truth.lateSeconds, `seed ${seed}: ${late} s late`);
    }
    seen.set(truth.kind, (seen.get(truth.kind) ?? 0) + 1);
  }
  assert.deepEqual([...seen.keys()].sort(), [...INCIDENTS].sort());
  Deno.removeSync(folder, { recursive: true });
});

/** What the causes of broken assertions are, of a file that was written of the state before; nothing is known of the failure. */
function broken(folder: string, { before, end }: Truth): { readonly text: string; readonly cause: number }[] {
  const past = openPast(folder);
  const span = { from: before, through: end };
  const { state } = stateAt(past, before);
  const text = assertionsText("written", assertionsOf(state, servicesChanged(past, span, state)));
  const parsed = parseAssertions(readDocuments("written.yaml", text).values);
  if ("problems" in parsed) return assert.fail(parsed.problems.join("\n"));
  return checkAssertions(past, span, parsed as readonly Assertion[]).filter(({ holds }) => !holds).map(
    ({ name, text, cause }) => ({ text: `${name}: ${text}`, cause: cause?.offset ?? -1 }),
  );
}

Deno.test("assertions that were written of the state before name the cause of each of 100 incidents, and no other", () => {
  const folder = Deno.makeTempDirSync();
  for (let seed = 0; seed < SEEDS; seed++) {
    const place = `${folder}/${seed}`;
    const truth = writeIncident(place, seed);
    const found = broken(place, truth);
    const causes = [...new Set(found.map(({ cause }) => cause))];
    assert.deepEqual(
      causes,
      truth.causes.slice(0, 1),
      `seed ${seed}: ${truth.kind}: ${JSON.stringify(found)}`,
    );
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("bisect says when a position is not as the user said, and what other programs did in between", () => {
  const folder = Deno.makeTempDirSync();
  const seed = INCIDENTS.indexOf("foreign flush");
  const { before, end, clusterIP } = writeIncident(folder, seed);
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--quiet",
      new URL("../../src/cli/main.ts", import.meta.url).pathname,
      "bisect",
      `@${before}`,
      `@${end}`,
      CLIENT,
      `${clusterIP}:80/tcp`,
      "--ledger",
      folder,
    ],
    env: { NO_COLOR: "1" },
  });
  const { code, stderr } = command.outputSync();
  assert.equal(code, 1);
  const text = new TextDecoder().decode(stderr);
  assert.match(
    text,
    new RegExp(`BAD, @${end}, is as expected \\(--expect endpoint\\): 50\\.0 %  to 10\\.244`),
  );
  assert.match(text, /our tables were changed: @\d+ .* nft \(process 4711\): delete table ip ledgerproxy/);
  Deno.removeSync(folder, { recursive: true });
});
