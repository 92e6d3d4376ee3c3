// A batch of many events is taken in pieces.

import assert from "node:assert/strict";
import { piecesOf } from "../../src/engine/pieces.ts";
import type { EventsBatch } from "../../src/ingest/source.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";

const ENDPOINTS = Array.from({ length: 50 }, (_, i) => `10.244.0.${i + 1}`).join(" ");
const OBJECTS = Array.from({ length: 200 }, (_, i) => [
  service(`many/m${i} 10.96.1.${i + 1} http:80/tcp`),
  slice(`many/m${i}-a http:8080/tcp ${ENDPOINTS}`),
]).flat();
const BATCH: EventsBatch = { kind: "events", events: OBJECTS.map(appears), problems: ["one"] };

Deno.test("the pieces have all events in order, each costs little, and problems are in the first one", () => {
  for (const batch of [BATCH, { ...BATCH, events: OBJECTS.map(vanishes) }]) {
    const pieces = piecesOf(batch) as EventsBatch[];
    assert.deepEqual(pieces.flatMap(({ events }) => events), batch.events);
    assert.deepEqual(pieces.map(({ problems }) => problems.length), pieces.map((_, i) => i === 0 ? 1 : 0));
    assert.ok(pieces.length >= 10);
  }
  const large = appears(
    slice(`many/m0-a ${Array.from({ length: 90 }, (_, i) => `p${i}:${i + 1}/tcp`).join(",")} ${ENDPOINTS}`),
  );
  assert.equal(piecesOf({ ...BATCH, events: [large] }).length, 1, "an event is never cut");
});

Deno.test("a list, and a batch of problems alone, is one piece", () => {
  const whole = { kind: "list", objects: OBJECTS, complete: true, time: "", problems: [] } as const;
  assert.deepEqual(piecesOf(whole), [whole]);
  const problems = { ...BATCH, events: [] };
  assert.deepEqual(piecesOf(problems), [problems]);
});
