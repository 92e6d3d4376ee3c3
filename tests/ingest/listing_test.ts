// A list while it arrives: what it keeps is bounded by its distinct objects, whatever a server sends.

import assert from "node:assert/strict";
import { Listing } from "../../src/ingest/listing.ts";
import { LIST_OBJECTS_MAX } from "../../src/limits/input.ts";
import { service } from "../support/api_server.ts";
import { SERVICES } from "../support/reflector_run.ts";

const key = (name: string) => ({ kind: "Service", namespace: "shop", name }) as const;

Deno.test("more deletions than a list may have objects are refused", () => {
  const listing = new Listing(SERVICES);
  for (let i = 0; i < LIST_OBJECTS_MAX; i++) listing.delete(key(`s-${i}`));
  const problem = { message: `a list with more than ${LIST_OBJECTS_MAX} deletions` };
  assert.throws(() => listing.delete(key("one-more")), problem);
});

Deno.test("a list that repeats one object has no more of them than a list may have objects", () => {
  const listing = new Listing(SERVICES);
  const repeated = { ...service("again"), spec: {} };
  const problem = { message: `a list of more than ${LIST_OBJECTS_MAX} objects` };
  assert.throws(() => {
    for (let i = 0; i <= LIST_OBJECTS_MAX; i++) listing.add(repeated);
  }, problem);
  assert.equal(listing.size, 1);
});

Deno.test("a list that deletes one object again and again has no more deletions than a list may have", () => {
  const listing = new Listing(SERVICES);
  for (let i = 0; i < LIST_OBJECTS_MAX; i++) listing.delete(key("again"));
  const problem = { message: `a list with more than ${LIST_OBJECTS_MAX} deletions` };
  assert.throws(() => listing.delete(key("again")), problem);
});

Deno.test("a part has each object once, with its newest version, and none that was deleted", () => {
  const listing = new Listing(SERVICES, true);
  for (const version of ["1", "2"]) listing.add(service("twice", version));
  listing.add(service("gone"));
  listing.delete(key("gone"));
  assert.equal(listing.undelivered, 1);
  const { objects } = listing.part("2026-11-28T10:00:00.000Z");
  assert.deepEqual(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]), [[
    "twice",
    "2",
  ]]);
  assert.equal(listing.undelivered, 0);
});
