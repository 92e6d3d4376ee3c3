// The facts of this process, compared with what it does.

import assert from "node:assert/strict";
import { processFacts } from "../../src/node/process_facts.ts";

Deno.test("open files are counted exactly; times and memory are those of this process", () => {
  const before = processFacts();
  // What tests before this one have left to the runtime may be closed meanwhile: then it counts again.
  for (let steady = false; !steady;) {
    const { descriptors } = processFacts();
    const files = Array.from({ length: 3 }, () => Deno.openSync("/dev/null"));
    const opened = processFacts().descriptors;
    for (const file of files) file.close();
    steady = processFacts().descriptors === descriptors;
    if (steady) assert.equal(opened, descriptors + 3);
  }
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
  // The kernel counts in hundredths of a second of CPU time, which a busy machine may give late.
  while (processFacts().cpuSeconds <= before.cpuSeconds);
});
