// Failures of an API server: the reason decides about the next request, and comes from codes and fields alone.

import assert from "node:assert/strict";
import {
  beginning,
  EncodingFailure,
  httpFailure,
  isStatus,
  retryAfterMilliseconds,
  statusFailure,
} from "../../src/ingest/api_failure.ts";

Deno.test("the reason of a Status follows from its code, its reason and its causes, never from its message", () => {
  const reason = (fields: object) =>
    statusFailure({ kind: "Status", message: "410 Gone: Expired", ...fields }).reason;
  assert.equal(reason({ code: 500 }), "error");
  assert.equal(reason({ code: 410 }), "expired");
  assert.equal(reason({ code: 500, reason: "Gone" }), "expired");
  assert.equal(reason({ code: 401 }), "forbidden");
  assert.equal(reason({ code: 403 }), "forbidden");
  assert.equal(reason({ code: 404 }), "absent");
  assert.equal(reason({ code: 429 }), "throttled");
  const tooLarge = { causes: [{ reason: "ResourceVersionTooLarge" }] };
  assert.equal(reason({ code: 504, reason: "Timeout", details: tooLarge }), "expired");
  assert.equal(
    reason({ code: "410", reason: 7, details: { causes: "none" } }),
    "error",
    "types are not trusted",
  );
});

Deno.test("an error answer has its path, its code and what the server said, on one printable line", () => {
  const { message, reason } = httpFailure("/api/v1/nodes", 503, "try\n\u001b[31magain  later", 0);
  assert.equal(reason, "error");
  assert.match(message, /^\/api\/v1\/nodes: 503 Service Unavailable: try \S*31magain later$/);
  assert.equal(httpFailure("/x", 599, "", 0).message, "/x: 599: an empty answer");
  const status = { kind: "Status", message: "too old", reason: "Expired" };
  assert.equal(httpFailure("/x", 504, status, 0).reason, "expired");
  assert.equal(httpFailure("/x", 504, JSON.stringify(status), 0).message, "/x: 504 Gateway Timeout: too old");
});

Deno.test("a server that asks to wait is throttled; one without the encoding can be asked for another", () => {
  const waiting = httpFailure("/x", 503, "", 4000);
  assert.deepEqual([waiting.reason, waiting.retryAfter], ["throttled", 4000]);
  assert.ok(httpFailure("/x", 406, "", 0) instanceof EncodingFailure);
  assert.ok(!(httpFailure("/x", 400, "", 0) instanceof EncodingFailure));
});

Deno.test("Retry-After has seconds or a date; anything else asks for no wait", () => {
  const wait = (header: string) => retryAfterMilliseconds(header, "2026-11-23T03:12:00.000Z");
  assert.equal(wait("7"), 7000);
  assert.equal(wait("Mon, 23 Nov 2026 03:12:30 GMT"), 30_000);
  for (const header of ["", "-1", "soon", "Mon, 23 Nov 2026 03:11:00 GMT"]) {
    assert.equal(wait(header), 0, header);
  }
});

Deno.test("a Status is an object of that kind; of a long text the beginning is quoted", () => {
  assert.ok(isStatus({ kind: "Status" }));
  for (const other of [null, "Status", [{ kind: "Status" }], { kind: "Node" }]) assert.ok(!isStatus(other));
  assert.equal(beginning("x".repeat(1000)).length, 203);
});
