// Events of several recordings of one cluster come in one order.

import assert from "node:assert/strict";
import { mergedEvents, Recorder } from "../../src/ingest/recorded_events.ts";
import { whole } from "../support/api_server.ts";

function recorder(...events: readonly (readonly [version: string, time: number, isGone?: boolean])[]) {
  const recorder = new Recorder();
  for (const [version, time, isGone = false] of events) {
    recorder.add(recorder.decoded(1, whole("web", version))!, isGone, time);
  }
  return recorder.recorded();
}
const merged = (...recordings: ReturnType<typeof recorder>[]) =>
  mergedEvents(recordings).map(({ resourceVersion, time, value }) =>
    `${Date.parse(time)} ${resourceVersion}${value === null ? " gone" : ""}`
  );

Deno.test("recordings are merged by time, and what two of them have is one event", () => {
  assert.deepEqual(merged(recorder(["1", 10], ["3", 30]), recorder(["1", 11], ["2", 20])), [
    "10 1",
    "20 2",
    "30 3",
  ]);
});

Deno.test("versions that are numbers decide the order of one object's events, whatever their times", () => {
  assert.deepEqual(merged(recorder(["12", 1], ["9", 2], ["10", 3, true])), ["1 9", "2 10 gone", "3 12"]);
  assert.deepEqual(merged(recorder(["b", 1], ["a", 2])), ["1 b", "2 a"]);
});

Deno.test("a deletion of what was not there is no event", () => {
  assert.deepEqual(merged(recorder(["1", 1, true])), []);
});
