// Names at a position, and of Services that were deleted before it.

import assert from "node:assert/strict";
import { isNameProblem } from "../../src/history/names.ts";
import { directoryAt, findSubjectBefore } from "../../src/history/past_names.ts";
import { WEB_BATCHES } from "../support/web_history.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";
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
