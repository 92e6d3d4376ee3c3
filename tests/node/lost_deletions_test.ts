// Deletions that only a commit still shows.

import assert from "node:assert/strict";
import { LostDeletions } from "../../src/node/lost_deletions.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { committedPast } from "../support/past.ts";

const WEB = service("shop/web 10.96.0.1 http:80/tcp");
const DB = service("shop/db 10.96.0.2 sql:5432/tcp");

/** The deleted Services, where the records at `lost` cannot be read. */
function deletedWithout(isLost: (text: string) => boolean): string[] {
  const past = committedPast([
    [appears(WEB), appears(DB), appears(slice("shop/web-a http:8080/tcp 10.244.0.1"))],
    [vanishes(DB)],
  ]);
  const whole = [...past.records()].filter(({ record }) => !isLost(JSON.stringify(record)));
  const deletions = new LostDeletions(0);
  for (const { offset, record } of whole) deletions.note(offset, record);
  return [...deletions.services(folded(...whole.map(({ record }) => record)))];
}

Deno.test("a Service whose deletion is lost was deleted if a commit deleted all its elements for that record", () => {
  assert.deepEqual(deletedWithout((text) => text.includes('"value":null')), ["shop/db"]);
});

Deno.test("a Service is not deleted where another record, or none, is lost", () => {
  assert.deepEqual(deletedWithout(() => false), []);
  assert.deepEqual(deletedWithout((text) => text.includes("web-a")), []);
});
