// What kubectl printed, with times from three places: the event, the object, the event before.

import assert from "node:assert/strict";
import { readKubectlWatch } from "../../src/ingest/kubectl_watch.ts";
import { whole } from "../support/api_server.ts";

/** A Service with the times that its metadata has. */
function service(name: string, version: string, times: Record<string, unknown> = {}) {
  const object = whole(name, version);
  return { ...object, metadata: { ...object.metadata, ...times } };
}
const managed = (time: string) => ({ managedFields: [{ manager: "kubectl", time }] });
const at = (second: number) => `2026-11-23T09:30:0${second}Z`;
const read = (...values: unknown[]) =>
  readKubectlWatch(values.map((value) => JSON.stringify(value)).join("\n"));
const times = (...values: unknown[]) =>
  read(...values).events.map(({ key, value, time }) =>
    `${time.slice(17, -1)} ${key.name}${value === null ? " gone" : ""}`
  );

Deno.test("the time that an event was given counts; without one, the newest time in the object", () => {
  const old = { creationTimestamp: at(1), ...managed(at(3)) };
  assert.deepEqual(
    times(
      { type: "ADDED", object: service("web", "1", old) },
      { time: "2026-11-23T10:30:05.25+01:00", type: "MODIFIED", object: service("web", "2", old) },
    ),
    ["03.000 web", "05.250 web"],
  );
});

Deno.test("an object that appears may be older than the event before; a change or a deletion is not", () => {
  const events = [
    { type: "ADDED", object: service("new", "5", { creationTimestamp: at(6) }) },
    { type: "ADDED", object: service("old", "1", { creationTimestamp: at(1) }) },
    { type: "MODIFIED", object: service("old", "7", { creationTimestamp: at(1) }) },
    { type: "DELETED", object: service("old", "8", { creationTimestamp: at(1) }) },
    { type: "ADDED", object: service("old", "9", { creationTimestamp: at(7) }) },
    { type: "BOOKMARK", object: { metadata: { resourceVersion: "10" } } },
  ];
  assert.deepEqual(times(...events), [
    "06.000 new",
    "01.000 old",
    "06.000 old",
    "06.000 old gone",
    "07.000 old",
  ]);
  assert.match(read(...events).notes.join(), /because they have none of their own: 2 /);
});

Deno.test("what cannot be read is named with its line and what to do, and the rest is read", () => {
  const { events, problems } = read(
    { type: "ADDED", object: service("timeless", "1") },
    { time: "monday", type: "ADDED", object: service("web", "1") },
    { type: "ERROR", object: { kind: "Status", message: "too old resource version", code: 410 } },
    { type: "RENAMED", object: service("web", "1") },
    { type: "ADDED", object: { ...service("web", "1"), spec: 7 } },
    "web",
    { a: 1 },
    { type: "ADDED", object: { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } } },
    { kind: "List", items: [service("web", "3", { creationTimestamp: at(4) })] },
  );
  assert.deepEqual(events.map(({ key }) => key.name), ["web"]);
  assert.deepEqual(problems.map((text) => text.replace(/: spec.*/, ": spec")), [
    "line 1: Service shop/timeless: it has no time: give the event one, as with `jq -c '{time: (now | todate)} + .'`",
    'line 2: Service shop/web: time "monday": RFC 3339 is expected, such as 2026-11-23T09:30:00Z',
    'line 3: the watch ended: "too old resource version"',
    'line 4: type "RENAMED" is not one of ADDED, MODIFIED, DELETED, BOOKMARK, ERROR',
    'line 5: Service "shop/web": spec',
    "line 6: not an object",
    "line 7: neither an object with kind, nor an event with type and object",
  ]);
});

Deno.test("a time that is no text is a problem of its line", () => {
  const { problems } = read({ time: { toString: 1 }, type: "ADDED", object: service("web", "1") });
  assert.match(problems.join(), /^line 1: Service shop\/web: time a map: RFC 3339 is expected/);
});

Deno.test("objects that go over many lines are read, and one that is cut is named by its first line", () => {
  const text = JSON.stringify(service("web", "1", { creationTimestamp: at(1) }), null, 4);
  const { events, problems } = readKubectlWatch(`${text}\n${text.slice(0, -20)}`);
  assert.deepEqual(events.length, 1);
  assert.deepEqual(problems, [`line ${text.split("\n").length + 1}: the file ends inside this object`]);
});
