// Differences between positions, ledgers and kernels.

import assert from "node:assert/strict";
import { differences, sideOfKernel, sideOfPast } from "../../src/history/diff.ts";
import { stateAt } from "../../src/history/past.ts";
import { replayPart } from "../../src/history/replay_part.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { committedPast } from "../support/past.ts";

const PAST = committedPast();
const at = (offset: number) => sideOfPast(stateAt(PAST, offset));

Deno.test("added, removed and changed elements between two positions have their causes", () => {
  const changes = differences(at(2), at(4)).filter(({ set }) => set.endsWith("endpoints"));
  assert.deepEqual(
    changes.map(({ key, before, after, cause }) => [key, before?.value, after?.value, cause?.offset]),
    [
      // The record that removed it is not known, so the cause is the record that had made it.
      ["10.96.0.1 . tcp . 80 . 0", "10.244.0.1 . 8080", undefined, 1],
      ["10.96.0.1 . tcp . 80 . 1", "10.244.0.2 . 8080", undefined, 1],
      ["10.96.0.1 . tcp . 80", undefined, "10.244.0.2 . 8080", 3],
    ],
  );
  assert.deepEqual(differences(at(4), at(4)), []);
});

Deno.test("with the sides exchanged the same elements differ, the other way round", () => {
  const there = differences(at(2), at(6));
  const back = differences(at(6), at(2));
  assert.deepEqual(
    back.map(({ set, key, before, after }) => ({ set, key, before: after, after: before })),
    there.map(({ set, key, before, after }) => ({ set, key, before, after })),
  );
  assert.ok(there.length > 0);
});

Deno.test("a kernel with every commit does not differ; without the last commit it differs by that commit", () => {
  using kernel = new FakeKernel();
  const tables = [{ family: "ip", name: "ledgerproxy" }, { family: "ip6", name: "ledgerproxy" }] as const;
  const listed = () => sideOfKernel(kernel.list(tables));
  const end = at(6);
  for (const { record, transaction } of replayPart(PAST, { from: 0, through: 6, bounded: false })) {
    if (transaction === undefined) continue;
    kernel.commit(transaction);
    if (record.kind === "commit" && record.through === 3) {
      const missing = differences(listed(), end).map(({ set, key }) => `${set} ${key}`);
      assert.deepEqual(missing, differences(at(4), at(6)).map(({ set, key }) => `${set} ${key}`));
    }
  }
  assert.deepEqual(differences(listed(), end), []);
});
