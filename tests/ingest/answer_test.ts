// Rejects answers of another kind or API group, and pages that are not the last although they have no continue token.

import assert from "node:assert/strict";
import { pageOf, watchLineOf } from "../../src/ingest/answer.ts";
import { resources } from "../../src/ingest/resources.ts";
import { VERSION_CHARACTERS_MAX } from "../../src/limits/input.ts";
import { whole } from "../support/api_server.ts";

const SERVICES = resources("node-a")[3]!;
const END = { resourceVersion: "20", annotations: { "k8s.io/initial-events-end": "true" } };
const page = (metadata: Record<string, unknown>) => ({
  kind: "ServiceList",
  apiVersion: "v1",
  metadata: { resourceVersion: "20", ...metadata },
  items: [],
});

for (const [kind, apiVersion] of [["Pod", "v1"], ["Service", "v9"], ["Node", "v1"], [null, null]] as const) {
  Deno.test(`a bookmark of ${kind} of ${apiVersion} ends no list of Services`, () => {
    const bookmark = { type: "BOOKMARK", object: { kind, apiVersion, metadata: END } };
    assert.throws(
      () => watchLineOf(bookmark, SERVICES),
      /a watch event BOOKMARK with .*, expected a Service/,
    );
  });
}

Deno.test("a bookmark of Services ends the list, also one without a kind", () => {
  for (const object of [{ kind: "Service", apiVersion: "v1", metadata: END }, { metadata: END }]) {
    const line = watchLineOf({ type: "BOOKMARK", object }, SERVICES);
    assert.deepEqual(line, { kind: "bookmark", resourceVersion: "20", endsList: true });
  }
});

Deno.test("the deletion of an object of another API group deletes no Service of that name", () => {
  const object = { ...whole("a"), apiVersion: "serving.knative.dev/v1" };
  assert.throws(() => watchLineOf({ type: "DELETED", object }, SERVICES), /which names no Service/);
});

Deno.test("a page that leaves out items and has no continue token is rejected", () => {
  const cut = page({ remainingItemCount: 3 });
  assert.throws(() => pageOf(cut, SERVICES), /without a continue token that leaves out 3 items/);
  assert.throws(() => pageOf(page({ continue: "", remainingItemCount: 1 }), SERVICES), /leaves out 1 item/);
  assert.equal(pageOf(page({ continue: null, remainingItemCount: 0 }), SERVICES).token, "");
  assert.equal(pageOf(page({ continue: "x", remainingItemCount: 3 }), SERVICES).token, "x");
});

for (const apiVersion of [{ toString: 1, valueOf: 1 }, nested(100_000), null, undefined]) {
  Deno.test(`an apiVersion that is no text is an invalid answer: ${typeof apiVersion}`, () => {
    const expected = { name: "ApiFailure", reason: "invalid" };
    const list = { kind: "ServiceList", apiVersion, metadata: {}, items: [] };
    assert.throws(() => pageOf(list, SERVICES), expected);
    const item = { ...whole("a"), apiVersion: apiVersion ?? null };
    assert.throws(() => pageOf({ ...page({}), items: [item] }, SERVICES), expected);
    for (const type of ["ADDED", "BOOKMARK", "ERROR"]) {
      assert.throws(() => watchLineOf({ type, object: item }, SERVICES), expected);
    }
  });
}

function nested(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

Deno.test("a version or a token that fits into no URL is refused with the answer that has it", () => {
  const [long, longest] = ["9".repeat(VERSION_CHARACTERS_MAX + 1), "9".repeat(VERSION_CHARACTERS_MAX)];
  const message = (name: string) => ({ message: `a ${name} of 4097 characters, more than 4096` });
  assert.throws(() => pageOf(page({ resourceVersion: long }), SERVICES), message("resourceVersion"));
  assert.throws(() => pageOf(page({ continue: long }), SERVICES), message("continue token"));
  const line = { type: "BOOKMARK", object: { metadata: { resourceVersion: long } } };
  assert.throws(() => watchLineOf(line, SERVICES), message("resourceVersion"));
  assert.equal(pageOf(page({ continue: longest }), SERVICES).token, longest);
});
