// Changes, by everything that can be asked for.

import assert from "node:assert/strict";
import { CHANGE_KINDS, type ChangeFilter, changesAbout, filterOf } from "../../src/history/changes_log.ts";
import { findSubject, isNameProblem } from "../../src/history/names.ts";
import { directoryAt } from "../../src/history/past_names.ts";
import { appears, nodeIn, service, slice } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const PAST = webPast();
/** The offsets of the changes that a filter wants, each with how many endpoints and fields are left of it. */
const found = (filter: ChangeFilter, past = PAST) =>
  [...changesAbout(past, 99, filter)].map(({ entry: { offset, endpoints, fields } }) =>
    `${offset}${endpoints.length ? `e${endpoints.length}` : ""}${fields.length ? `f${fields.length}` : ""}`
  ).join(" ");

/** As {@link found}, about what a text names. */
function about(text: string, past = PAST): string {
  const last = [...past.records()].at(-1)!.offset;
  const subject = findSubject(directoryAt(past, last), text);
  assert.ok(!isNameProblem(subject), text);
  return found(filterOf(subject, past, last), past);
}

Deno.test("without a filter every record but an accepted commit is a change, newest first", () => {
  assert.equal(found({}), "12 11 9f1 7e2 5e1 3e1 1e2 0");
  assert.equal(found({ kind: "commit" }), "13 10 8 6 4 2");
  assert.equal(found({ kind: "drift" }), "");
});

Deno.test("by Service, namespace and time", () => {
  assert.equal(found({ service: "shop/cart" }), "11");
  assert.equal(found({ namespace: "shop" }), "12 11 9f1 7e2 5e1 3e1 1e2 0");
  assert.equal(found({ namespace: "sho" }), "");
  assert.equal(found({ since: Date.parse(timeAt(3)), until: Date.parse(timeAt(4)) }), "7e2 5e1");
});

Deno.test("by node, address and block: only the parts of a change that are meant", () => {
  assert.equal(about("node-a"), "7e1 3e1 1e1");
  assert.equal(about("node-b"), "7e1 5e1 1e1");
  assert.equal(about("10.244.0.1"), "7e1 3e1 1e1");
  assert.equal(about("010.244.0.2"), "7e1 5e1 1e1");
  assert.equal(about("10.244.0.0/24"), "7e2 5e1 3e1 1e2");
  assert.equal(about("10.96.0.2"), "11", "the address of a Service that appeared");
  assert.equal(about("10.96.0.3/32"), "", "a Service that went and was never there has no address");
});

Deno.test("of a node that is named every field that changed is wanted, of others what names it", () => {
  const node = (name: string, zone: string) => appears(nodeIn(name, zone));
  const past = committedPast([[node("node-a", "z1"), node("node-b", "z1")], [node("node-a", "z2")]]);
  assert.equal(about("node-a", past), "3f1 0f1");
  const onA = filterOf({ kind: "node", node: "node-a", addresses: [] }, past, 99);
  assert.equal(found({ ...onA, change: "fields" }, past), "3f1 0f1");
  assert.equal(about("node-b", past), "1f1");
});

Deno.test("by kind of change", () => {
  const kinds = Object.fromEntries(CHANGE_KINDS.map((change) => [change, found({ change })]));
  assert.deepEqual(kinds, {
    "endpoint-added": "7e1 1e2",
    "endpoint-removed": "3e1",
    readiness: "7e1 5e1",
    fields: "9f1",
    object: "12 11 1 0",
  });
  const onB = filterOf({ kind: "node", node: "node-b", addresses: [] }, PAST, 99);
  assert.equal(found({ ...onB, change: "readiness" }), "7e1 5e1");
});

Deno.test("by pod and zone, where the ledger knows them", () => {
  const plain = slice("shop/web-a http:8080/tcp 10.0.0.1@node-a 10.0.0.2@node-b");
  const named = plain.endpoints.map((one, i) => ({ ...one, targetRef: { kind: "Pod", name: `web-${i}` } }));
  const past = committedPast([
    [
      appears(nodeIn("node-b", "zone-1")),
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
    ],
    [appears({ ...plain, endpoints: named })],
    [appears({ ...plain, endpoints: named.slice(1) })],
  ]);
  assert.equal(about("web-0", committedPast([[appears({ ...plain, endpoints: named })]])), "0e1");
  assert.equal(found({ endpoint: ({ pod }) => pod === "shop/web-0" }, past), "5e1 3e1");
  assert.equal(about("zone-1", past), "3e1 0f1", "the Node too, which brought the zone");
});

Deno.test("a change knows the commit that brought it to the kernel, if there is one", () => {
  const commits = [...changesAbout(PAST, 13, {})].map(({ entry, commit }) => [entry.offset, commit?.offset]);
  assert.deepEqual(commits, [[12, undefined], [11, 13], [9, 10], [7, 8], [5, 6], [3, 4], [1, 2], [0, 2]]);
  const events = [...PAST.records()].slice(0, 2).map(({ record }) => record);
  assert.deepEqual([...changesAbout(pastOf(events), 1, {})].map(({ commit }) => commit), [
    undefined,
    undefined,
  ]);
});

Deno.test("a change whose rules a step made is logged once, with the commit that brought them", () => {
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  const [one, two] = ["10.0.0.1", "10.0.0.2"].map((address) => slice(`shop/web-a http:8080/tcp ${address}`));
  const past = committedPast([[appears(web), appears(one!)], [appears(two!)]], {
    bounds: { most: 1000, large: 1000, step: 9, burst: { small: 0, most: 0 } },
  });
  const logged = [...changesAbout(past, 99, { service: "shop/web" })];
  const lookup = past.lookup();
  for (const { entry, commit } of logged.filter(({ entry }) => entry.object.startsWith("EndpointSlice"))) {
    const record = lookup(commit?.offset ?? -1)?.record;
    assert.ok(record?.kind === "commit" && record.changes.some(({ cause }) => cause === entry.offset));
  }
  assert.deepEqual(logged.map(({ entry: { kind, object } }) => `${kind} ${object}`), [
    "event EndpointSlice shop/web-a",
    "event EndpointSlice shop/web-a",
    "event Service shop/web",
  ]);
});
