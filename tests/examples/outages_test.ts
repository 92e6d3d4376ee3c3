// examples/outages.ts on incidents whose truth is known.

import assert from "node:assert/strict";
import { INCIDENTS, writeIncident } from "../support/incident.ts";
import { runProgram } from "../support/run_program.ts";

/** The offsets of the lines `... @N by EndpointSlice ...`. */
async function outages(folder: string, clusterIP: string): Promise<string[]> {
  const args = [folder, "10.244.9.9", `${clusterIP}:80/tcp`];
  const { code, stdout, stderr } = await runProgram("examples/outages.ts", ["--allow-read"], ...args);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").filter((line) => line !== "");
}

Deno.test("each time that a crash loop leaves no endpoint is one outage with its two events", async () => {
  const folder = Deno.makeTempDirSync();
  const { clusterIP, causes, service } = writeIncident(folder, INCIDENTS.indexOf("crash loop"));
  const lines = await outages(folder, clusterIP);
  assert.equal(lines.length, causes.length / 2);
  const ended = new RegExp(
    `^out for \\d+\\.\\d s from \\S+ @\\d+ by EndpointSlice ${service}-a to @\\d+ by EndpointSlice ${service}-a$`,
  );
  for (const line of lines) assert.match(line, ended);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("an outage that lasts has a beginning and no end; a Service that was served always has none", async () => {
  const folder = Deno.makeTempDirSync();
  const { clusterIP, service } = writeIncident(folder, INCIDENTS.indexOf("missing slice"));
  const lines = await outages(folder, clusterIP);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, new RegExp(`^out since \\S+ @\\d+ by EndpointSlice ${service}-a \\(deleted\\)$`));
  const other = clusterIP === "10.96.0.1" ? "10.96.0.2" : "10.96.0.1";
  assert.deepEqual(await outages(folder, other), []);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("wrong arguments are said", async () => {
  const { code, stderr } = await runProgram("examples/outages.ts", ["--allow-read"], "x", "y", "z");
  assert.notEqual(code, 0);
  assert.match(stderr, /z: it must be ADDRESS:PORT\/PROTO/);
});
