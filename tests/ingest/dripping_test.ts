// Answers that never end: they are given up although bytes come, and all of them together have a bound.

import assert from "node:assert/strict";
import type { ReflectorState } from "../../src/ingest/reflector_state.ts";
import { resources } from "../../src/ingest/resources.ts";
import { line, whole } from "../support/api_server.ts";
import { list, NO_STREAMS, Run, watching } from "../support/reflector_run.ts";

Deno.test("a page, a list in pages, a streamed list and a catch-up that drip are given up", () => {
  const page = new Run().start().answer(NO_STREAMS, 422).head();
  for (let i = 0; i < 20; i++) page.pass(9000).bytes(" ");
  assert.deepEqual(
    page.said[0],
    "! Service: the list was not whole after 70 s, though bytes came; trying again",
  );
  assert.ok(page.queries.length > 2, "it asks again");

  const pages = new Run().start().answer(NO_STREAMS, 422);
  for (let i = 0; i < 20 && pages.said.length === 0; i++) {
    pages.pass(60_000).answer(list([`s${i}`], { continue: `token-${i}` }));
  }
  assert.match(pages.said[0]!, /^! Service: the list was not whole after \d+ s, though bytes came/);

  const stream = new Run().start().head();
  for (let i = 0; i < 20; i++) stream.pass(9000).bytes(line("ADDED", whole(`s${i}`)));
  assert.deepEqual(
    stream.said,
    [
      "! Service: no end of the streamed list within 120 s; listing in pages",
      "! Service: nothing came for 30 s; trying again",
    ].slice(0, stream.said.length),
  );
  assert.equal(stream.queries[1]!["limit"], "500");

  const known = new Run().start({ known: "5" }).head();
  for (let i = 0; i < 100; i++) known.pass(200).bytes(line("MODIFIED", whole("a", String(i + 6))));
  assert.equal(known.queries[1]!["sendInitialEvents"], "true", "the list follows");
});

Deno.test("a watch whose line never ends is silent, whatever bytes come", () => {
  const run = watching();
  for (let i = 0; i < 10; i++) run.pass(60_000).bytes("{");
  assert.ok(run.queries.length > 1, "it is asked for again");
  assert.match(run.said.join("\n"), /! Service: nothing came for 150 s/);
});

Deno.test("waiting for the loop does not make a list too slow", () => {
  const run = new Run().start().answer(NO_STREAMS, 422).answer(list(["a"], { continue: "more" }));
  run.at += 200_000;
  run.input({ kind: "taken" }).pass(60_000).answer(list(["b"]));
  assert.deepEqual(run.said, ["list: a,b"]);
});

Deno.test("a request that waits for a program's credentials is not called a silent server", () => {
  const run = new Run().start();
  run.at += 30_000;
  run.input({ kind: "time", unsent: true });
  const why = "no credentials for 30 s: an exec program, or the disk with their files, does not answer";
  assert.deepEqual(run.said, [`! Service: ${why}; trying again`]);
});

Deno.test("endless answers of all resources at once hold less than one bound", () => {
  const peers: ReflectorState[] = [];
  const runs = resources("node-a").map((resource) => new Run(resource, {}, 1, peers));
  // The kind of such a list comes last, so its objects wait for it.
  const chunk = new TextEncoder().encode(`${`{"a":"${"x".repeat(1000)}"},`.repeat(8 << 10)}`);
  const held = () =>
    peers.reduce((sum, { phase }) => sum + (phase.kind === "exchange" ? phase.framing?.held ?? 0 : 0), 0);
  for (const run of runs) run.start().answer(NO_STREAMS, 422).head();
  for (const run of runs) run.input({ kind: "bytes", chunk: new TextEncoder().encode('{"items":[') });
  let most = 0;
  for (let i = 0; i < 40; i++) {
    for (const run of runs) if (run.said.length === 0) run.input({ kind: "bytes", chunk });
    most = Math.max(most, held());
  }
  assert.ok(most < 340 << 20, `${most} bytes`);
  for (const { said } of runs) {
    assert.match(said[0]!, /an answer of more than \d+ bytes, while others have \d+/);
  }
});

Deno.test("an object that does not end is given up long before", () => {
  const run = new Run().start().answer(NO_STREAMS, 422).head();
  for (let i = 0; i < 17; i++) run.input({ kind: "bytes", chunk: new Uint8Array(1 << 20).fill(0x20) });
  assert.match(run.said.join("\n"), /Service: an answer with an object of more than 16777216 bytes/);
});
