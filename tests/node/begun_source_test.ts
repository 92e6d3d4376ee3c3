// A source that is asked before the loop takes its batches.

import assert from "node:assert/strict";
import type { Source, SourceBatch } from "../../src/ingest/source.ts";
import { nodeIn } from "../support/cluster_notation.ts";
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

const events = (...problems: readonly string[]): SourceBatch[] =>
  problems.map((problem) => ({ kind: "events", events: [], problems: [problem] }));
const NODE = nodeIn("node-a", "zone-a");
const list = (size: number): SourceBatch => ({
  ...{
    kind: "list",
    objects: Array.from({ length: size }, () => NODE),
    complete: true,
    time: "",
    problems: ["list"],
  },
});

/** A source that has begun, some time later. */
async function begunWith(batches: readonly SourceBatch[]) {
  let asked = 0;
  const source: Source = {
    description: "a test",
    async *batches() {
      for (const batch of batches) {
        asked++;
        yield batch;
      }
    },
  };
  const begun = begunSource(source, () => KNOWN);
  await new Promise((resolve) => setTimeout(resolve, 5));
  return { begun, asked: () => asked };
}

Deno.test("batches that come before there is a reader are seen, and the reader gets those that were not taken, in order", async () => {
  const { begun } = await begunWith(events("a", "b", "c"));
  assert.deepEqual(begun.received.map(({ problems }) => problems[0]), ["a", "b", "c"]);
  begun.take(1);
  assert.deepEqual(begun.received.map(({ problems }) => problems[0]), ["a", "c"]);
  assert.deepEqual(await problemsOf(begun.batches(new AbortController().signal)), ["a", "c"]);
  assert.deepEqual(begun.received, [], "nothing stays in memory");
});

Deno.test("no more than some batches are asked for ahead, and none behind a large list", async () => {
  const many = await begunWith(events(...Array.from({ length: 50 }, (_, i) => `${i}`)));
  assert.equal(many.asked(), 16);
  const small = await begunWith([...events("a"), list(1), ...events("b")]);
  assert.equal(small.asked(), 3);
  const listed = await begunWith([...events("a"), list(1000), ...events("b")]);
  assert.equal(listed.asked(), 2);
  assert.deepEqual(await problemsOf(listed.begun.batches(new AbortController().signal)), ["a", "list", "b"]);
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
