// Names at a position, and of Services that were deleted before it.

import assert from "node:assert/strict";
import { isNameProblem, subjectText } from "../../src/history/names.ts";
import { directoryAt, findServiceBefore, findSubjectBefore } from "../../src/history/past_names.ts";
import { WEB_BATCHES } from "../support/web_history.ts";
import { appears, nodeIn, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

const GONE = service("shop/gone 10.96.0.9 http:80/tcp");
const PAST = committedPast([[appears(GONE)], [vanishes(GONE)], ...WEB_BATCHES]);

Deno.test("a position knows the names of its own state", () => {
  assert.deepEqual([...directoryAt(PAST, 0).services.keys()], ["shop/gone"]);
  assert.deepEqual([...directoryAt(PAST, 2).services.keys()], []);
});

Deno.test("a Service that is gone is found by its full name, and by no other", () => {
  const last = 4;
  assert.deepEqual(findSubjectBefore(PAST, last, "shop/gone"), { kind: "service", service: "shop/gone" });
  assert.equal(findSubjectBefore(PAST, last, "gone").kind, "unknown");
  assert.equal(findSubjectBefore(PAST, last, "shop/never").kind, "unknown");
  assert.deepEqual(findSubjectBefore(PAST, last, "web"), { kind: "service", service: "shop/web" });
});

Deno.test("a namespace of which all Services are gone is found, and one that never was is not", () => {
  assert.deepEqual(findSubjectBefore(PAST, 3, "shop/"), { kind: "namespace", namespace: "shop" });
  assert.equal(findSubjectBefore(PAST, 3, "never/").kind, "unknown");
});

Deno.test("what can be no name of a Service is not searched for in the whole ledger", () => {
  let searches = 0;
  const counting: typeof PAST = {
    ...PAST,
    newestFirst(search) {
      if (search?.service !== undefined) searches++;
      return PAST.newestFirst(search);
    },
  };
  for (const text of ["wbe", "Shop/Web", "10.96.0.0/33", "shop/web:http2", "a/b/c"]) {
    assert.ok(isNameProblem(findSubjectBefore(counting, 4, text)), text);
  }
  assert.equal(searches, 0);
  findSubjectBefore(counting, 4, "shop/never");
  assert.equal(searches, 1);
});

Deno.test("a pod, a node and a zone that are gone are found by their full names", () => {
  const plain = slice("shop/web-a http:8080/tcp 10.0.0.1@node-a 10.0.0.2@node-b");
  const [first, second] = plain.endpoints.map((one, i) => ({
    ...one,
    targetRef: { kind: "Pod", name: `web-${i}` },
  }));
  const node = nodeIn("node-b", "z1");
  const past = committedPast([
    [appears(node), appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    [appears({ ...plain, endpoints: [first!, second!] })],
    [vanishes(node), appears({ ...plain, endpoints: [first!] })],
  ]);
  const find = (text: string) => {
    const found = findSubjectBefore(past, 7, text);
    return isNameProblem(found) ? found.kind : subjectText(found);
  };
  const gone = ["shop/web-1", "pods/shop/web-1", "nodes/node-b", "zone/z1"];
  assert.deepEqual(gone.map(find), ["pod shop/web-1", "pod shop/web-1", "node node-b", "zone z1"]);
  for (const text of ["web-1", "pods/web-1", "node-b", "z1", "shop/web-2", "nodes/node-c", "zone/z2"]) {
    assert.equal(find(text), "unknown", text);
  }
  assert.equal(findServiceBefore(past, 7, "shop/web-1").kind, "unknown", "only Services have outages");
});
