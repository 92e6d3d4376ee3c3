// A part of a ledger is committed to a kernel as its records come, up to the first commit that the kernel rejects.

import assert from "node:assert/strict";
import { replayCommits } from "../../src/cli/replay_commits.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { ERRNO } from "../../src/kernel/system_error.ts";
import { committedPast } from "../support/past.ts";

const WHOLE = { from: 0, through: Infinity, bounded: false };

Deno.test("each record is yielded before its commit, and the kernel ends with all commits", () => {
  using kernel = new FakeKernel();
  const replay = replayCommits(kernel, committedPast(), WHOLE);
  const tables: number[] = [];
  for (let step = replay.next();; step = replay.next()) {
    if (step.done) {
      assert.deepEqual([step.value.records, step.value.commits, step.value.problem], [7, 3, null]);
      break;
    }
    if (step.value.kind === "commit") tables.push(kernel.tables().length);
  }
  assert.deepEqual(tables, [0, 2, 2], "a pause for a record comes before its commit");
});

Deno.test("a commit that the kernel rejects ends the replay, with its offset and what was done before", () => {
  using kernel = new FakeKernel();
  let commits = 0;
  const rejects = Object.assign(kernel, {
    commit: () => {
      if (++commits > 1) throw new KernelRejection(null, ERRNO.EINVAL);
    },
  });
  const seen: string[] = [];
  const replay = replayCommits(rejects, committedPast(), WHOLE);
  for (let step = replay.next();; step = replay.next()) {
    if (step.done) {
      assert.deepEqual([step.value.records, step.value.commits], [seen.length, 1]);
      assert.match(step.value.problem!, /^@\d+: the commit cannot be made again: .*EINVAL/);
      return;
    }
    seen.push(step.value.kind);
  }
});
