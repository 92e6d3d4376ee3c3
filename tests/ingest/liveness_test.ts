// Detection of dead connections, by times alone.

import assert from "node:assert/strict";
import { type Cuts, noteCut } from "../../src/ingest/cuts.ts";
import {
  LIVENESS_TIMES,
  livenessDeadline,
  type LivenessInput,
  newLiveness,
  stepLiveness,
} from "../../src/ingest/liveness.ts";

/** Gives inputs at times in seconds; returns the effects with their times. */
function history(inputs: readonly (readonly [number, LivenessInput])[], until: number): string[] {
  const state = newLiveness(LIVENESS_TIMES, 0);
  const done: string[] = [];
  const take = (input: LivenessInput, at: number) => {
    for (const { kind } of stepLiveness(state, input, at * 1000)) done.push(`${kind} ${at}`);
  };
  const pass = (to: number) => {
    for (let due; (due = livenessDeadline(state)) !== undefined && due <= to * 1000;) {
      take({ kind: "time" }, due / 1000);
    }
  };
  for (const [at, input] of inputs) {
    pass(at);
    take(input, at);
  }
  pass(until);
  return done;
}

const ASKED = { kind: "asked" } as const;
const ANSWERED = { kind: "answered" } as const;
const RECEIVED = { kind: "received" } as const;
const PROBED = { kind: "probed" } as const;
const CLOSED = { kind: "closed", answered: true } as const;

Deno.test("a silent connection is probed after 20 s, and replaced 8 s later", () => {
  assert.deepEqual(history([[0, ASKED], [1, ANSWERED], [5, RECEIVED]], 34), ["probe 25", "replace 33"]);
});

Deno.test("any received byte proves that the connection works", () => {
  const alive = [[0, ASKED], [1, ANSWERED], [22, PROBED], [47, RECEIVED]] as const;
  assert.deepEqual(history(alive, 60), ["probe 21", "probe 42"]);
});

Deno.test("a request without an answer is probed sooner, because TLS may hang", () => {
  assert.deepEqual(history([[0, ASKED]], 13), ["probe 4", "replace 12"]);
  // A server that is busy with a long list still answers probes.
  assert.deepEqual(history([[0, ASKED], [5, PROBED], [26, PROBED], [40, ANSWERED]], 45), [
    "probe 4",
    "probe 25",
  ]);
});

Deno.test("without a request nothing is probed, and silence before one does not count", () => {
  assert.deepEqual(history([], 1000), []);
  assert.deepEqual(history([[0, ASKED], [1, ANSWERED], [2, CLOSED], [900, ASKED], [901, ANSWERED]], 920), []);
  assert.deepEqual(history([[0, ASKED], [10, { kind: "closed", answered: false }]], 1000), ["probe 4"]);
});

Deno.test("cuts are counted, and reported once a minute with their cause", () => {
  const cuts: Cuts = { count: 0, reportedAt: undefined };
  const lines = Array.from({ length: 40 }, (_, i) => noteCut(cuts, "reset by peer", i * 5000));
  assert.deepEqual(lines.flatMap((line, i) => line === undefined ? [] : [[i * 5, line]]), [
    [0, "a watch was cut and is resumed: reset by peer"],
    [60, "12 watches were cut in the last 60 s and resumed; the last one: reset by peer"],
    [120, "12 watches were cut in the last 60 s and resumed; the last one: reset by peer"],
    [180, "12 watches were cut in the last 60 s and resumed; the last one: reset by peer"],
  ]);
});
