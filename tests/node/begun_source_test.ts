// A source that is asked before the loop takes its batches.

import assert from "node:assert/strict";
import type { Source, SourceBatch } from "../../src/ingest/source.ts";
import { begunSource } from "../../src/node/begun_source.ts";

/** A source of batches with these problems; `asked` and `ended` note what it was asked for, and that it ended. */
function sourceOf(problems: readonly string[], endless = false) {
  const noted = { asked: [] as unknown[], ended: 0 };
  const source: Source = {
    description: "a test",
    async *batches(signal, known) {
      noted.asked.push(known?.());
      try {
        for (const problem of problems) yield { kind: "events", events: [], problems: [problem] };
        if (endless && !signal.aborted) {
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        }
      } finally {
        noted.ended++;
      }
    },
  };
  return { source, noted };
}

async function problemsOf(batches: AsyncIterable<SourceBatch>): Promise<string[]> {
  const problems: string[] = [];
  for await (const batch of batches) problems.push(...batch.problems);
  return problems;
}

const KNOWN = new Map([["Service", "7"]] as const);

Deno.test("the first batch is asked for at once, with what is known, and the reader gets every batch once", async () => {
  const { source, noted } = sourceOf(["a", "b", "c"]);
  await using begun = begunSource(source, () => KNOWN);
  await Promise.resolve();
  assert.deepEqual(noted.asked, [KNOWN]);
  const read = begun.batches(new AbortController().signal, () => assert.fail("it was asked already"));
  assert.deepEqual(await problemsOf(read), ["a", "b", "c"]);
  assert.equal(noted.ended, 1);
});

Deno.test("a reader's signal ends the source, also one that aborted before", async () => {
  const stop = new AbortController();
  const { source, noted } = sourceOf(["a"], true);
  await using begun = begunSource(source, () => KNOWN);
  const read = problemsOf(begun.batches(stop.signal));
  setTimeout(() => stop.abort(), 5);
  assert.deepEqual(await read, ["a"]);
  const { source: other, noted: ofOther } = sourceOf([], true);
  await using another = begunSource(other, () => KNOWN);
  assert.deepEqual(await problemsOf(another.batches(AbortSignal.abort())), []);
  assert.deepEqual([noted.ended, ofOther.ended], [1, 1]);
});

Deno.test("a source that no one reads is ended, and its error is no fault of the program", async () => {
  const { source, noted } = sourceOf(["a", "b"]);
  {
    await using _ = begunSource(source, () => KNOWN);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(noted.ended, 1);
  const fails = { next: () => Promise.reject(new Error("for a test")) };
  const broken: Source = { description: "", batches: () => ({ [Symbol.asyncIterator]: () => fails }) };
  await using begun = begunSource(broken, () => KNOWN);
  await new Promise((resolve) => setTimeout(resolve, 1));
  await assert.rejects(problemsOf(begun.batches(new AbortController().signal)), /for a test/);
});
