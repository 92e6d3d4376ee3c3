// Errors that nothing catches, in a process of its own: it goes on, and knows which of them may have broken the engine.

import assert from "node:assert/strict";
import { UNCAUGHT_PER_MINUTE_MAX } from "../../src/limits/serving.ts";

const PROGRAM = new URL("../support/uncaught.ts", import.meta.url).pathname;

Deno.test("uncaught exceptions and rejections are faults, and the process goes on", () => {
  const args = ["run", "-A", "--no-check", "--quiet", PROGRAM];
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), { args }).outputSync();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  const faults = lines.slice(0, -1).map(({ kind, text, breaksEngine }) =>
    `${kind}: ${text}${breaksEngine ? " (breaks)" : ""}`
  );
  assert.deepEqual(faults.sort(), [
    "exception: Error: in a listener",
    "exception: Error: in a microtask",
    "exception: TypeError: in a timer",
    "rejection: Error: without a handler, token=...",
    "rejection: InvariantError: positions out of order (breaks)",
    "rejection: thrown: a string",
  ]);
  assert.deepEqual(lines.at(-1), { count: 1000, noted: UNCAUGHT_PER_MINUTE_MAX });
});
