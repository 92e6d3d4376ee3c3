// Recordings of the same changes in each form, made from a real API server (fixtures/imports), say the same.

import assert from "node:assert/strict";
import { readRecording, UnknownRecording } from "../../src/ingest/recording_forms.ts";
import { mergedEvents } from "../../src/ingest/recorded_events.ts";
import { describeKey, type KubeObject } from "../../src/kube/objects.ts";

const FIXTURES = new URL("../../fixtures/imports/", import.meta.url);
/** When the recording of KWOK began, by the times of the audit log. */
const BEGAN = Date.parse("2026-11-26T19:58:57.607Z");

function recording(...names: readonly string[]) {
  const read = names.map((name) => readRecording(Deno.readTextFileSync(new URL(name, FIXTURES)), BEGAN));
  const events = mergedEvents(read);
  const objects = new Map<string, unknown>();
  for (const { key, value } of events) {
    if (value === null) objects.delete(describeKey(key));
    else objects.set(describeKey(key), compared(value));
  }
  return {
    forms: read.map(({ form }) => form),
    problems: read.flatMap(({ problems }) => problems),
    notes: read.flatMap(({ notes }) => notes),
    objects,
    events: events.map(({ key, value, time }) =>
      `${time} ${describeKey(key)}${value === null ? " gone" : ""}`
    ),
  };
}

/** What all forms have of an object. */
function compared({ metadata, ...rest }: KubeObject): unknown {
  const { resourceVersion: _, managedFields: __, creationTimestamp: ___, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

/** The changes of the scenario, in order; the objects of the server itself are not among them. */
const CHANGES = [
  "Service shop/old",
  "Service shop/web",
  "EndpointSlice shop/web-a",
  "EndpointSlice other/db-a",
  "EndpointSlice shop/web-a",
  "Service shop/web",
  "Service shop/old gone",
  "EndpointSlice other/db-a gone",
];
const without = (events: readonly string[]) =>
  events.map((text) => text.slice(text.indexOf(" ") + 1)).filter((text) => !text.includes("default/"));

Deno.test("an audit log and KWOK's recording of the same changes give the same events and objects", () => {
  const [audit, kwok] = [recording("audit.ndjson"), recording("kwok.yaml")];
  assert.deepEqual([audit.forms, kwok.forms], [["an audit log"], ["a recording of KWOK"]]);
  assert.deepEqual([audit.problems, kwok.problems], [[], []]);
  assert.deepEqual(without(audit.events), CHANGES, "what a dry run answered was not stored");
  assert.deepEqual(without(kwok.events), CHANGES);
  for (const [name, object] of audit.objects) assert.deepEqual(kwok.objects.get(name), object, name);
  assert.deepEqual([...kwok.objects.keys()].filter((name) => !audit.objects.has(name)), [
    "Service default/kubernetes",
    "EndpointSlice default/kubernetes",
  ]);
});

Deno.test("what kubectl printed of the same changes gives the same objects, at the seconds in their metadata", () => {
  const [audit, kubectl] = [
    recording("audit.ndjson"),
    recording("services.events.json", "endpointslices.events.json"),
  ];
  assert.deepEqual(kubectl.problems, []);
  for (const [name, object] of audit.objects) assert.deepEqual(kubectl.objects.get(name), object, name);
  assert.equal(kubectl.objects.has("EndpointSlice other/db-a"), false);
  const written = (events: readonly string[]) => events.filter((text) => !/default\/|gone/.test(text));
  const seconds = written(kubectl.events).map((text) => Date.parse(text.split(" ")[0]!));
  for (const [i, text] of written(audit.events).entries()) {
    const late = Date.parse(text.split(" ")[0]!) - seconds[i]!;
    assert.ok(late >= 0 && late <= 1000, `${text}: the object has a time ${late} ms before the answer`);
  }
  assert.equal(kubectl.notes.length, 2, kubectl.notes.join());
  assert.match(kubectl.notes[0]!, /^events with the time of the one before, .*: 1 /);
});

Deno.test("without types of events no object is deleted, and the recording says so", () => {
  const plain = recording("services.json", "endpointslices.json");
  assert.deepEqual(plain.problems, []);
  assert.ok(plain.objects.has("Service shop/old"));
  assert.match(plain.notes[0]!, /^kubectl printed no deletions: .*--output-watch-events/);
});

Deno.test("what is no recording is refused with its line, what it is, and what is expected", () => {
  const refused = (text: string, expected: RegExp, began?: number) =>
    assert.throws(() => readRecording(text, began), (error) => {
      assert.ok(error instanceof UnknownRecording);
      assert.match(error.message, expected);
      return true;
    });
  refused("", /^it is empty; a recorded watch, .*an audit log/);
  refused("\n7\n", /^line 2: not an object; /);
  refused("NAME   TYPE\nweb  ClusterIP\n", /^line \d: not JSON/);
  refused('{"a":1,"b":2}', /^line 1: an object with a, b; /);
  refused("apiVersion: v1\nkind: Service\n", /--began 2026-11-23T09:30:00Z$/);
});
