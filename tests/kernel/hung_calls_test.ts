// The program as it is shipped, on a disk for its ledger where one kind of call stands still: rules follow the cluster, health answers,
// the program obeys SIGTERM, and its successor continues the ledger.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { FaultyDisk } from "../support/faulty_disk.ts";
import type { DiskFaults } from "../support/fuse_server.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  ledgerIsWritten,
  newNodeFolder,
  served,
  SourceProgram,
  writeBigSlices,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const LIVEZ = "http://127.0.0.1:10256/livez";
/** Longer than any wait of these tests for something that must come meanwhile. */
const HUNG_MILLISECONDS = 60_000;
const MEANWHILE_MILLISECONDS = 15_000;
/** So many versions of the large slices end several segments. */
const VERSIONS = 4;

async function answers(): Promise<boolean> {
  const answer = await fetch(LIVEZ, { signal: AbortSignal.timeout(MEANWHILE_MILLISECONDS) });
  return (await answer.json()).healthy;
}

/** The first is one that the runtime makes by itself when a file is closed; the others are those of a snapshot. */
const CALLS = ["FLUSH", "CREATE", "RENAME2", "UNLINK"] as const satisfies readonly DiskFaults["held"][];

for (const held of CALLS) {
  Deno.test(`a ledger on a disk that hangs in ${held}: rules follow, health answers, and SIGTERM is obeyed`, async () => {
    const folder = newNodeFolder();
    writeSource(folder, 1);
    await using disk = await FaultyDisk.make(folder);
    using kernel = new NetlinkKernel();
    await using program = new SourceProgram(folder, disk);
    await until("the Service is served", served(kernel, 1));
    await until("the ledger is written", ledgerIsWritten);
    await disk.fail({ held });
    // The end comes from a timer: without the mend, the program waits for it.
    const end = setTimeout(() => void disk.fail({}), HUNG_MILLISECONDS);
    for (let version = 1; version <= VERSIONS; version++) {
      writeBigSlices(folder, version);
      writeSource(folder, 1 + version);
      await until("a change is served meanwhile", served(kernel, 1 + version), MEANWHILE_MILLISECONDS);
      assert.equal(await answers(), true, "health answers meanwhile");
    }
    const ended = program.stop();
    let code: number | undefined;
    void ended.then((answered) => code = answered);
    const said = () => code !== undefined || /the disk of the ledger does not answer/.test(program.log);
    await until("SIGTERM is obeyed meanwhile", said, 2 * MEANWHILE_MILLISECONDS);
    clearTimeout(end);
    await disk.fail({});
    assert.equal(await ended, 0);
    await using second = new SourceProgram(folder, disk);
    writeSource(folder, 2 + VERSIONS);
    await until("its successor serves a change", served(kernel, 2 + VERSIONS));
    await until("its ledger is written", ledgerIsWritten);
    assert.equal(await second.stop(), 0);
    assertWhole(`${disk.path}/ledger`, kernel);
    await Deno.remove(folder, { recursive: true });
  });
}
