// Heads in the metrics of a node, as a scraper has them.

import assert from "node:assert/strict";
import { HEAD_METRIC, readHeads } from "../../src/ledger/head.ts";
import { idleMetrics } from "../support/process_gauged.ts";

Deno.test("the head that a node publishes is read from its metrics, and only the newest is there", async () => {
  const metrics = idleMetrics();
  assert.equal(readHeads(await metrics.text()), `it has neither checkpoints nor series ${HEAD_METRIC}`);
  const head = { ledger: "0123456789abcdef", next: 1234, chain: "ab".repeat(32) };
  metrics.noteHead({ ...head, next: 7 });
  metrics.noteHead(head);
  assert.deepEqual(readHeads(await metrics.text()), [head]);
});
