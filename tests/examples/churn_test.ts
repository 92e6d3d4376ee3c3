// examples/churn.ts compared with the ledger's own commits.

import assert from "node:assert/strict";
import { INCIDENTS, writeIncident } from "../support/incident.ts";
import { keptOf } from "../support/kept_records.ts";
import { runProgram } from "../support/run_program.ts";

Deno.test("elements and commits of each Service are those that the commits name, most commits first", async () => {
  const folder = Deno.makeTempDirSync();
  writeIncident(folder, INCIDENTS.indexOf("late watch"));
  const { stdout, stderr } = await runProgram("examples/churn.ts", ["--allow-read"], folder);
  const lines = stdout.trimEnd().split("\n").map((line) => {
    const found = /^(shop\/s\d): (\d+) elements in (\d+) commits$/.exec(line);
    assert.ok(found, line + stderr);
    return { service: found[1]!, elements: Number(found[2]), commits: Number(found[3]) };
  });
  assert.equal(lines.length, 6);
  const commits = keptOf(folder, "commit");
  for (const { service, elements, commits: count } of lines) {
    const named = commits.map(({ changes }) =>
      changes.filter(({ comment }) => comment === service || comment === `${service}:http`).length
    );
    assert.equal(elements, named.reduce((a, b) => a + b, 0), service);
    assert.equal(count, named.filter((number) => number > 0).length, service);
  }
  assert.deepEqual(
    lines.map(({ commits }) => commits),
    lines.map(({ commits }) => commits).sort((a, b) => b - a),
  );
  Deno.removeSync(folder, { recursive: true });
});
