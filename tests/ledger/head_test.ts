// Heads in the metrics of a node, as a scraper has them.

import assert from "node:assert/strict";
import { checkpointRecord, keyName } from "../../src/ledger/checkpoint.ts";
import { HEAD_METRIC, readHeads } from "../../src/ledger/head.ts";
import { newSigner } from "../../src/ledger/signed_note.ts";
import { idleMetrics } from "../support/process_gauged.ts";

const LEDGER = "0123456789abcdef";

Deno.test("the head that a node publishes is read from its metrics, and only the newest is there", async () => {
  const metrics = idleMetrics();
  assert.equal(readHeads(await metrics.text()), `it has neither checkpoints nor series ${HEAD_METRIC}`);
  const head = { ledger: "0123456789abcdef", next: 1234, chain: "ab".repeat(32) };
  metrics.noteHead({ ...head, next: 7 });
  metrics.noteHead(head);
  assert.deepEqual(readHeads(await metrics.text()), [head]);
});

/** A checkpoint of the records before @`next`. */
function note(next: number): string {
  const said = {
    ledger: LEDGER,
    next,
    chain: "ab".repeat(32),
    time: "2026-11-23T09:26:10.000Z",
    number: next,
  };
  const [signer, nextKey] = [newSigner(keyName(LEDGER)), newSigner(keyName(LEDGER)).verifier];
  const { checkpoint } = checkpointRecord({ ...said, nextKey }, signer);
  return checkpoint!;
}

Deno.test("a file of a witness that was cut or changed is an error, wherever: the newest head would be missing", () => {
  const series = (offset: number) =>
    `${HEAD_METRIC}{ledger="${LEDGER}",offset="${offset}",chain="${"ab".repeat(32)}"}`;
  for (const last of [note(9), series(9)]) {
    const whole = `${note(3)}${series(5)} 1\n${last}`;
    assert.deepEqual([...readHeads(whole)].map((head) => Object(head).next).sort(), [3, 5, 9]);
    assert.deepEqual(readHeads(whole.replaceAll("\n", "\r\n")), readHeads(whole));
    // Of a signature, what is left may be one; it is a wrong one. A name of a metric that was cut may be another metric.
    for (
      let cut = whole.length - 1 - "\n".length;
      cut > whole.length - last.length + HEAD_METRIC.length;
      cut--
    ) {
      assert.equal(typeof readHeads(whole.slice(0, cut)), "string", whole.slice(-last.length, cut));
    }
  }
});

Deno.test("labels that a scraper adds may have any value", () => {
  const labels = `job="a}b",pod="x\\"},offset=\\"7",ledger="${LEDGER}",offset="5",chain="${"ab".repeat(32)}"`;
  assert.deepEqual(readHeads(`${HEAD_METRIC}{${labels}} 1 1763889970000\n`), [
    { ledger: LEDGER, next: 5, chain: "ab".repeat(32) },
  ]);
});
