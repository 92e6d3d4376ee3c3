// The program as it is shipped, and a first list with more bytes than records may wait for a disk: it comes in one piece, so a disk
// that works has had no time for it.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { UNWRITTEN_BYTES_MAX } from "../../src/limits/ledger.ts";
import { keptOf } from "../support/kept_records.ts";
import { MemoryDisk } from "../support/memory_disk.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  newNodeFolder,
  served,
  SourceProgram,
  writeBigSlices,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** About 0.1 MB each. */
const SLICES = 850;
const SERVED_MILLISECONDS_MAX = 120_000;

Deno.test("a first list of more bytes than may wait loses no record, and the disk is not accused", async () => {
  const folder = newNodeFolder();
  using _disk = new MemoryDisk(folder, `${folder}/store`);
  using kernel = new NetlinkKernel();
  writeBigSlices(folder, 1, SLICES);
  const { size } = Deno.statSync(`${folder}/source/big.json`);
  assert.ok(size > UNWRITTEN_BYTES_MAX, `${size} bytes`);
  writeSource(folder, 1);
  await using program = new SourceProgram(folder, "store");
  await until("the Service is served", served(kernel, 1), SERVED_MILLISECONDS_MAX);
  writeSource(folder, 2);
  await until("a change is served", served(kernel, 2), SERVED_MILLISECONDS_MAX);
  assert.equal(await program.stop(), 0);
  const ledger = `${folder}/store/ledger`;
  const gaps = keptOf(ledger, "gap").filter(({ checkpoint }) => checkpoint === undefined);
  assert.deepEqual(gaps, []);
  assert.doesNotMatch(program.log, /cannot be written/);
  assertWhole(ledger, kernel);
});
