// What of the changes of a Service touches one of its ports.

import assert from "node:assert/strict";
import { changesAbout, commitsBringing, filterOf } from "../../src/history/changes_log.ts";
import { logOf } from "../../src/history/log_question.ts";
import { isNameProblem } from "../../src/history/names.ts";
import { endpointChangeText, fieldChangeText } from "../../src/history/object_diff.ts";
import { findSubjectBefore } from "../../src/history/past_names.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

const web = (ports: string, spec = {}) =>
  service(`shop/web 10.96.0.1 ${ports}`, "2026-01-01T00:00:00Z", spec);
const BOTH = "http:80/tcp metrics:9090/tcp";

/** Events @0 to @2, then one in each batch: @4, @6, ... Its slices have a port each, as where targetPorts have names. */
const PAST = committedPast([
  [
    appears(web(BOTH)),
    appears(slice("shop/web-h http:8080/tcp 10.244.0.1@node-a")),
    appears(slice("shop/web-m metrics:9091/tcp 10.244.0.1@node-a")),
  ],
  [appears(slice("shop/web-m metrics:9091/tcp 10.244.0.1@node-a 10.244.0.2@node-b"))],
  [appears(slice("shop/web-h http:8080/tcp !10.244.0.1@node-a"))],
  [appears(slice("shop/web-m metrics:9092/tcp 10.244.0.1@node-a 10.244.0.2@node-b"))],
  [appears(slice("shop/web-h http:8080/tcp !10.244.0.1@node-a !10.244.0.3@node-c"))],
  [appears(web("http:80/tcp metrics:9091/tcp"))],
  [appears(web("http:80/tcp metrics:9091/tcp", { externalIPs: ["192.0.2.7"] }))],
  [appears(web("http:80/tcp", { externalIPs: ["192.0.2.7"] }))],
  [vanishes(slice("shop/web-m metrics:9092/tcp 10.244.0.1"))],
  [vanishes(web("http:80/tcp"))],
]);
const LAST = [...PAST.records()].at(-1)!.offset;

function filterAbout(text: string) {
  const subject = findSubjectBefore(PAST, LAST, text);
  assert.ok(!isNameProblem(subject), text);
  return { subject, filter: filterOf(subject, PAST, LAST) };
}

/** The changes about `text`, oldest first, each with its offset. */
function about(text: string): string[] {
  return [...changesAbout(PAST, LAST, filterAbout(text).filter)].reverse().map(({ entry }) =>
    [
      `@${entry.offset}`,
      ...(entry.verb === "changed" ? [] : [entry.verb]),
      ...entry.endpoints.map(endpointChangeText),
      ...entry.fields.map(fieldChangeText),
    ].join(" ")
  );
}

Deno.test("a change touches a port by its fields, its endpoints, and what is of the whole Service", () => {
  assert.deepEqual(about("shop/web:http"), [
    "@0 appeared",
    "@1 appeared + 10.244.0.1 ready on node-a",
    "@6 10.244.0.1 on node-a: ready -> not ready",
    "@10 + 10.244.0.3 not ready on node-c",
    "@13 externalIPs: + 192.0.2.7",
    "@18 gone",
  ]);
  assert.deepEqual(about("shop/web:metrics"), [
    "@0 appeared",
    "@2 appeared + 10.244.0.1 ready on node-a",
    "@4 + 10.244.0.2 ready on node-b",
    "@8 ports[metrics].port: 9091 -> 9092",
    "@11 ports[metrics].port: 9090 -> 9091",
    "@13 externalIPs: + 192.0.2.7",
    "@15 ports[metrics].name: metrics -> none ports[metrics].port: 9091 -> none ports[metrics].protocol: TCP -> none",
    "@17 gone - 10.244.0.1 ready on node-a - 10.244.0.2 ready on node-b",
  ]);
  assert.equal(about("shop/web").length, 12, "the whole Service");
});

Deno.test("commits and records about a port are those that changed it", () => {
  const { subject, filter } = filterAbout("shop/web:http");
  const commits = [...commitsBringing(PAST, LAST, filter)].map(({ entry }) => entry.offset);
  assert.deepEqual(commits, [19, 14, 7, 3]);
  const records = [...logOf(PAST, LAST, { subjects: [subject] }).records(LAST)].map(({ offset }) => offset);
  assert.deepEqual(records, [19, 18, 14, 13, 10, 7, 6, 3, 1, 0]);
});

Deno.test("a port without a name has no number that it must keep", () => {
  const one = (port: string) => appears(service(`shop/one 10.96.0.5 :${port}/tcp`));
  const past = committedPast([
    [one("80"), appears(slice("shop/one-a :8080/tcp 10.244.0.1"))],
    [one("81")],
    [appears(slice("shop/one-a :8080/tcp 10.244.0.1 10.244.0.2"))],
  ]);
  const subject = findSubjectBefore(past, 6, "shop/one:81");
  assert.ok(!isNameProblem(subject));
  const found = [...changesAbout(past, 6, filterOf(subject, past, 6))].map(({ entry }) => entry.offset);
  assert.deepEqual(found, [5, 3, 1, 0]);
});
