// Recordings: made from a recorded watch, and played with or without their timing.

import assert from "node:assert/strict";
import { type Clock, recordingSource } from "../../src/ingest/recording_source.ts";
import { readWatchRecording } from "../../src/ingest/watch_recording.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { appears, service } from "../support/cluster_notation.ts";

const EVENING = new URL("../../fixtures/api/evening.ndjson", import.meta.url);

Deno.test("the recorded watch of a real API server is read without a problem", () => {
  const { events, problems } = readWatchRecording(Deno.readTextFileSync(EVENING));
  assert.deepEqual(problems, []);
  assert.equal(
    events.filter(({ value }) => value === null).length,
    2,
    "a Service and its slice were deleted",
  );
});

Deno.test("a list becomes upserts and deletions, a bookmark nothing, and a wrong line is reported by number", () => {
  const object = (name: string) => ({
    kind: "Service",
    apiVersion: "v1",
    metadata: { name, namespace: "shop", resourceVersion: "7" },
    spec: {},
  });
  const time = "2026-11-23T09:26:10.000Z";
  const { events, problems } = readWatchRecording([
    JSON.stringify({ time, kind: "Service", type: "LIST", items: [object("one"), object("two")] }),
    JSON.stringify({ time, kind: "Service", type: "BOOKMARK", object: {} }),
    JSON.stringify({ time, kind: "Service", type: "ADDED", object: object("three") }),
    JSON.stringify({ time, kind: "Service", type: "DELETED", object: object("one") }),
    JSON.stringify({ time, kind: "Service", type: "LIST", items: [object("two")] }),
    "{cut",
    JSON.stringify({ time, kind: "Pod", type: "ADDED", object: {} }),
    JSON.stringify({ time, kind: "Service", type: "RENAMED", object: object("four") }),
    JSON.stringify({ time: "yesterday", kind: "Service", type: "ADDED", object: object("four") }),
  ].join("\n"));
  const said = events.map(({ key, value, resourceVersion }) =>
    `${key.name} ${value === null ? "gone" : "there"} ${resourceVersion}`
  );
  assert.deepEqual(said, ["one there 7", "two there 7", "three there 7", "one gone 7", "three gone "]);
  assert.deepEqual(problems.map((problem) => problem.slice(0, 6)), ["line 6", "line 7", "line 8", "line 9"]);
});

/** A clock that moves only when a caller sleeps. */
function virtualClock(): Clock & { slept: number[] } {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
      return Promise.resolve();
    },
  };
}

const at = (second: string, name: string): { record: EventRecord } => ({
  record: { ...appears(service(`shop/${name} 10.96.0.1 http:80/tcp`)), time: `2026-11-23T09:26:${second}Z` },
});
const RECORDS = [at("10.000", "one"), at("10.002", "two"), at("12.000", "three"), at("22.000", "four")];

async function play(speed: number): Promise<{ names: string[][]; slept: number[] }> {
  const clock = virtualClock();
  const names: string[][] = [];
  for await (
    const batch of recordingSource("", () => RECORDS, speed, clock).batches(new AbortController().signal)
  ) {
    assert.ok(batch.kind === "events");
    names.push(batch.events.map(({ key }) => key.name));
  }
  return { names, slept: clock.slept };
}

Deno.test("a recording is played with its own timing, faster, or at once", async () => {
  const timed = [["one", "two"], ["three"], ["four"]];
  assert.deepEqual(await play(1), { names: timed, slept: [2000, 10_000] });
  assert.deepEqual(await play(10), { names: timed, slept: [200, 1000] });
  assert.deepEqual(await play(Infinity), { names: [["one", "two", "three", "four"]], slept: [] });
});

Deno.test("a line that is no object, or too long, is reported, and the next one is read", () => {
  const time = "2026-11-23T09:26:10.000Z";
  const { events, problems } = readWatchRecording([
    "null",
    "7",
    JSON.stringify({ time, kind: "Service", type: "LIST", items: {} }),
    JSON.stringify({ time, kind: "Service", type: "LIST", items: "x" }),
    JSON.stringify({ time, kind: "Service", type: "ADDED", object: null }),
    `"${"x".repeat(17 * 1024 * 1024)}"`,
    JSON.stringify({ time, kind: "Service", type: "DELETED" }),
    JSON.stringify({ time: { at: 1 }, kind: "Service", type: "ADDED" }),
  ].join("\n"));
  assert.deepEqual(events, []);
  assert.deepEqual(problems, [
    "line 1: not an object",
    "line 2: not an object",
    "line 3: items: a map; a list is expected",
    'line 4: items: "x"; a list is expected',
    "line 5: kind missing is not one of Service, EndpointSlice, Node, ServiceCIDR",
    "line 6: more than 16777216 bytes",
    "line 7: kind missing is not one of Service, EndpointSlice, Node, ServiceCIDR",
    "line 8: time a map is not RFC 3339",
  ]);
});

Deno.test("a recording is read while it is played: events that are not due are not in memory", async () => {
  let read = 0;
  function* records() {
    for (let second = 10; second < 60; second++) {
      read++;
      yield at(`${second}.000`, `s${second}`);
    }
  }
  for await (
    const _ of recordingSource("", records, 1, virtualClock()).batches(new AbortController().signal)
  ) {
    assert.equal(read, 2, "the first event, and the next one, which begins another batch");
    break;
  }
});
