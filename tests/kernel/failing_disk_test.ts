// The program as it is shipped, on a disk of which one kind of call fails: rules follow the cluster, health says what is wrong, and
// afterwards the ledger is whole and misses nothing.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { FaultyDisk } from "../support/faulty_disk.ts";
import type { DiskFaults } from "../support/fuse_server.ts";
import { keptGaps } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  ledgerFails,
  ledgerIsWritten,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeBigSlices,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const EIO = 5;
const EDQUOT = 122;

/** A disk, and a program on it that serves one endpoint. */
async function started(kernel: NetlinkKernel) {
  const folder = newNodeFolder();
  removeTables(kernel);
  writeSource(folder, 1);
  const disk = await FaultyDisk.make(folder);
  const program = new SourceProgram(folder, disk);
  await until("the Service is served", served(kernel, 1));
  await until("the ledger is written", ledgerIsWritten);
  return { folder, disk, program, ledger: `${disk.path}/ledger` };
}

/** Changes the Service, and waits until the change is in the kernel. */
async function change(folder: string, kernel: NetlinkKernel, endpoints: number): Promise<void> {
  writeSource(folder, endpoints);
  await until(`${endpoints} endpoints are served`, served(kernel, endpoints));
}

const FAULTS: Record<string, DiskFaults> = {
  "every sync fails, and no write": { fsync: EIO },
  "every write fails": { write: EIO },
  "the disk is full inside a record": { room: 100 },
  "the user's quota is used up": { write: EDQUOT },
  "the disk is full, and no sync succeeds either": { room: 0, fsync: EIO },
};

for (const [what, faults] of Object.entries(FAULTS)) {
  Deno.test(`${what}: rules go on, health says so, and afterwards the ledger misses nothing`, async () => {
    using kernel = new NetlinkKernel();
    const { folder, disk, program, ledger } = await started(kernel);
    await using _disk = disk;
    await using _program = program;
    await disk.fail(faults);
    for (let endpoints = 2; endpoints <= 6; endpoints++) await change(folder, kernel, endpoints);
    await until("health says so", ledgerFails);
    await until("the log says so", () => /error: the ledger cannot be written: /.test(program.log));
    await disk.fail({});
    await until("the ledger is written again", ledgerIsWritten);
    await change(folder, kernel, 7);
    assert.equal(await program.stop(), 0);
    assertWhole(ledger, kernel);
    assert.deepEqual(keptGaps(ledger), []);
    await Deno.remove(folder, { recursive: true });
  });

  Deno.test(`${what}, and the program is killed: its successor cuts off what is not whole, and goes on`, async () => {
    using kernel = new NetlinkKernel();
    const { folder, disk, program, ledger } = await started(kernel);
    await using _disk = disk;
    {
      await using _program = program;
      await disk.fail(faults);
      await change(folder, kernel, 2);
      await until("health says so", ledgerFails);
    }
    writeSource(folder, 3);
    await using second = new SourceProgram(folder, disk);
    await until("3 endpoints are served", served(kernel, 3));
    await until("health says so", ledgerFails);
    await disk.fail({});
    await until("the ledger is written again", ledgerIsWritten);
    await change(folder, kernel, 4);
    assert.equal(await second.stop(), 0);
    assertWhole(ledger, kernel);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("every read fails while segments are compressed: rules go on, and afterwards the ledger misses nothing", async () => {
  using kernel = new NetlinkKernel();
  const { folder, disk, program, ledger } = await started(kernel);
  await using _disk = disk;
  await using _program = program;
  await disk.fail({ read: EIO });
  // A snapshot is due: afterwards the segment before it is read.
  for (let version = 1; version <= 3; version++) {
    writeBigSlices(folder, version);
    await change(folder, kernel, 1 + version);
  }
  await disk.fail({});
  await change(folder, kernel, 5);
  await until("the ledger is written", ledgerIsWritten);
  assert.equal(await program.stop(), 0);
  assertWhole(ledger, kernel);
  assert.deepEqual(keptGaps(ledger), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("every read fails at a start: rules are made without the ledger, which is continued once it can be read", async () => {
  using kernel = new NetlinkKernel();
  const { folder, disk, program, ledger } = await started(kernel);
  await using _disk = disk;
  {
    await using _program = program;
    assert.equal(await program.stop(), 0);
  }
  removeTables(kernel);
  await disk.fail({ read: EIO });
  writeSource(folder, 2);
  await using second = new SourceProgram(folder, disk);
  await until("2 endpoints are served", served(kernel, 2));
  await until("health says so", ledgerFails);
  await change(folder, kernel, 3);
  await disk.fail({});
  await until("the ledger is written", ledgerIsWritten);
  await change(folder, kernel, 4);
  assert.equal(await second.stop(), 0);
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the program ends while every write fails: it says how many records are lost, and the next start goes on", async () => {
  using kernel = new NetlinkKernel();
  const { folder, disk, program, ledger } = await started(kernel);
  await using _disk = disk;
  await using _program = program;
  await disk.fail({ write: EIO });
  for (let endpoints = 2; endpoints <= 4; endpoints++) await change(folder, kernel, endpoints);
  await until("health says so", ledgerFails);
  assert.equal(await program.stop(), 0);
  assert.match(
    program.log,
    /error: the ledger cannot be written: .*os error 5.*; the last [1-9]\d* records? (is|are) lost\n/,
  );
  await disk.fail({});
  await using second = new SourceProgram(folder, disk);
  await until("the ledger is written", ledgerIsWritten);
  await change(folder, kernel, 5);
  assert.equal(await second.stop(), 0);
  assert.equal(second.log.match(/records? (?:is|are) lost/g)?.length, 1, "at the first end alone");
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});
