// Recordings of KWOK that are wrong in one place. A whole one is read in recording_forms_test.ts.

import assert from "node:assert/strict";
import { readKwokRecording } from "../../src/ingest/kwok_recording.ts";

const BEGAN = Date.parse("2026-11-23T09:30:00Z");
const SERVICE = `apiVersion: v1
kind: Service
metadata:
  creationTimestamp: "$(time-offset-nanosecond -3000000000)"
  name: web
  namespace: shop
spec:
  clusterIP: 10.96.0.1
  ports:
  - port: 80
    protocol: TCP
`;
const patch = (more: string) =>
  `---
apiVersion: action.kwok.x-k8s.io/v1alpha1
kind: ResourcePatch
${more}
resource:
  resource: services
  version: v1
target:
  name: web
  namespace: shop
`;

Deno.test("objects are there when the recording began, and times in them are from before", () => {
  const { events } = readKwokRecording(
    SERVICE + patch("method: delete\ndurationNanosecond: 1500000000"),
    BEGAN,
  );
  assert.deepEqual(events.map(({ time, value }) => [time, value?.metadata.creationTimestamp]), [
    ["2026-11-23T09:30:00.000Z", "2026-11-23T09:29:57.000Z"],
    ["2026-11-23T09:30:01.500Z", undefined],
  ]);
});

Deno.test("a time that no text can have is a problem of its line", () => {
  for (const wrong of ["1e300", ".inf", ".nan", "-1e21"]) {
    const read = () =>
      readKwokRecording(SERVICE + patch(`method: delete\ndurationNanosecond: ${wrong}`), BEGAN);
    assert.doesNotThrow(read);
    const { events, problems } = read();
    assert.equal(events.length, 1);
    assert.match(
      problems.join(),
      /^line 13: Service shop\/web: durationNanosecond .*: that is no time of/,
      wrong,
    );
  }
});

Deno.test("a patch whose resource is no text is of no kind that is watched", () => {
  const other = patch("method: delete\ndurationNanosecond: 1")
    .replace("resource: services", "resource: { toString: 1, valueOf: 1 }");
  const { events, problems } = readKwokRecording(SERVICE + other, BEGAN);
  assert.deepEqual([events.length, problems], [1, []]);
});

Deno.test("documents are apart, whatever follows the marker between them", () => {
  const whole = SERVICE + patch("method: delete\ndurationNanosecond: 1500000000");
  for (const text of [whole, whole.replaceAll("\n", "\r\n"), whole.replace("---\n", "--- # a patch\n")]) {
    const { events, problems } = readKwokRecording(text, BEGAN);
    assert.deepEqual([events.map(({ value }) => value === null), problems], [[false, true], []]);
  }
});

Deno.test("a document that cannot be used is named with its line, and the others are read", () => {
  const { events, problems } = readKwokRecording(
    SERVICE + patch("method: rename\ndurationNanosecond: 1") +
      patch("method: delete\ndurationNanosecond: soon") +
      "---\na: [\n" + patch("method: delete\ndurationNanosecond: 2000000") +
      patch("method: patch\ndurationNanosecond: 3000000") +
      "---\napiVersion: kwok.x-k8s.io/internal\nkind: ResourcePatch\n" +
      "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n",
    BEGAN,
  );
  assert.deepEqual(events.map(({ value }) => value === null), [false, true]);
  assert.deepEqual(problems, [
    'line 13: Service shop/web: method "rename": create, patch or delete is expected',
    'line 24: Service shop/web: durationNanosecond "soon": a number is expected',
    "line 36: the indentation is wrong",
    "line 48: Service shop/web: patch of an object that the recording does not have",
    'line 59: ResourcePatch of "kwok.x-k8s.io/internal": action.kwok.x-k8s.io/v1alpha1 is expected; ' +
    "record again with kwokctl 0.6 or later",
  ]);
});
