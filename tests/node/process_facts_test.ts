// The facts of this process, compared with what it does.

import assert from "node:assert/strict";
import { processFacts } from "../../src/node/process_facts.ts";

Deno.test("open files are counted exactly; times and memory are those of this process", () => {
  const before = processFacts();
  const files = Array.from({ length: 3 }, () => Deno.openSync("/dev/null"));
  assert.equal(processFacts().descriptors, before.descriptors + 3);
  for (const file of files) file.close();
  assert.equal(processFacts().descriptors, before.descriptors);
  assert.ok(before.descriptorsMax >= before.descriptors);
  const { stdout } = new Deno.Command("ps", { args: ["-o", "etimes=", "-p", String(Deno.pid)] }).outputSync();
  const elapsed = Number(new TextDecoder().decode(stdout));
  assert.ok(
    Math.abs(Date.now() / 1000 - before.startedAt - elapsed) < 3,
    `${before.startedAt}, ${elapsed} s`,
  );
  const { rss } = Deno.memoryUsage();
  assert.ok(
    before.residentBytes > rss / 2 && before.residentBytes < rss * 2,
    `${before.residentBytes} of ${rss}`,
  );
  const end = performance.now() + 300;
  while (performance.now() < end);
  assert.ok(processFacts().cpuSeconds > before.cpuSeconds);
});
