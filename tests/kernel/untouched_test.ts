// A start compares the kernel's generation, which shows whether another program committed since our last commit. A
// change before that commit is found by the first comparison of elements.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { CommitRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { allKept } from "../support/kept_records.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  inKernel,
  newNodeFolder,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const DELETE_ONE = "nft 'delete element ip ledgerproxy cluster-ips { 10.96.0.1 }'";

Deno.test("a start lists the elements only where another program committed since our last commit", async () => {
  const folder = newNodeFolder();
  const ledger = `${folder}/store/ledger`;
  // A checkpoint is given up where the disk takes long.
  const records = () =>
    allKept(ledger).filter((record) => record.kind !== "gap" || record.checkpoint === undefined);
  using kernel = new NetlinkKernel();
  writeSource(folder, 3);
  let rules: string[] = [];
  /** Runs the program until `done`; returns its log line about the rules that it found. */
  const life = async (done: () => boolean): Promise<string> => {
    Deno.writeTextFileSync(`${folder}/log`, "");
    await using program = new SourceProgram(folder, "store");
    await until("it has what it wants", done);
    await until("it follows its source", () => /reading /.test(program.log));
    assert.equal(await program.stop(), 0);
    return /the kernel holds the rules of the last commit, @\d+(, untouched since)?/.exec(program.log)?.[0] ??
      "";
  };
  const whole = () => rules.length > 0 && inKernel(kernel).join() === rules.join();
  assert.equal(await life(served(kernel, 3)), "", "nothing was there");
  rules = inKernel(kernel);
  const before = records().length;
  assert.match(await life(whole), /untouched since$/);
  assert.equal(records().length, before, "nothing was to be done");

  shell("nft add table ip other; nft delete table ip other");
  assert.match(await life(whole), /@\d+$/, "it cannot know whose tables were changed");

  shell(DELETE_ONE);
  assert.match(await life(whole), /@\d+$/);
  const drift = records().findLast(({ kind }) => kind === "drift");
  assert.match(JSON.stringify(drift), /altered: the elements are not those that were committed/);
  assert.match(await life(whole), /untouched since$/, "the commit that put it back counts from now on");

  writeSource(folder, 4);
  assert.match(await life(served(kernel, 4)), /untouched since$/, "changes go on from there");
  rules = inKernel(kernel);
  assert.match(await life(whole), /untouched since$/);
  assertWhole(ledger, kernel);

  // A commit of ours after another program's change, and a kill before the change was noticed.
  shell(DELETE_ONE);
  {
    const last = records().findLast((record): record is CommitRecord => record.kind === "commit")!;
    using writer = new LedgerWriter(folderStorage(ledger, true), { policy: "always" });
    writer.append([{ ...last, generation: kernel.generation() }]);
  }
  assert.match(await life(whole), /untouched since$/);
  assert.match(JSON.stringify(records().findLast(({ kind }) => kind === "drift")), /found by comparison/);
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});
