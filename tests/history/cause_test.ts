// The causes and commits of elements.

import assert from "node:assert/strict";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { causeAt, causeOf, commitOf, placeOf } from "../../src/history/cause.ts";
import { stateAt } from "../../src/history/past.ts";
import { TRIGGER } from "../../src/kube/objects.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { appears, slice } from "../support/cluster_notation.ts";
import { committedPast, pastOf, timeAt } from "../support/past.ts";

Deno.test("the cause of an element is the record that made it what it is", () => {
  const past = stateAt(committedPast(), 4);
  const cause = causeOf(
    past,
    setPath("ip", "ledgerproxy", "single-endpoints"),
    elementKey(["10.96.0.1", "tcp", "80"]),
  );
  assert.deepEqual(cause, {
    offset: 3,
    what: "EndpointSlice shop/web-a",
    time: timeAt(2),
    resourceVersion: "102",
  });
  assert.equal(
    causeOf(past, setPath("ip", "ledgerproxy", "endpoints"), elementKey(["10.96.0.9"])),
    undefined,
  );
});

Deno.test("a record's commit is the one that folded it; a rejected commit brings nothing to the kernel", () => {
  const past = committedPast();
  const lookup = past.lookup();
  const commits = [0, 1, 3, 5].map((offset) => {
    const commit = commitOf(lookup, offset);
    assert.ok(commit !== undefined && !isLedgerDamage(commit));
    return placeOf(commit);
  });
  assert.deepEqual(commits.map(({ offset, time }) => [offset, time]), [
    [2, timeAt(1)],
    [2, timeAt(1)],
    [4, timeAt(2)],
    [6, timeAt(3)],
  ]);
  const rejected = [...past.records()].map(({ record }) =>
    record.kind === "commit" ? { ...record, outcome: "rejected" as const } : record
  );
  assert.equal(commitOf(pastOf(rejected).lookup(), 3), undefined);
});

Deno.test("a cause that retention removed keeps its offset; a slice with a trigger time passes it on", () => {
  const { metadata, ...rest } = slice("shop/web-a http:8080/tcp 10.244.0.1");
  const triggered = { ...rest, metadata: { ...metadata, annotations: { [TRIGGER]: timeAt(-5) } } };
  const past = pastOf([appears(triggered)]);
  assert.equal(causeAt(past.lookup(), 0).triggered, timeAt(-5));
  assert.deepEqual(causeAt(past.lookup(), 7), {
    offset: 7,
    what: "a record that is not kept any more",
    time: "",
  });
});
