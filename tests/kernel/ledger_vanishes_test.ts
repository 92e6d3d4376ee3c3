// The program as it is shipped, with a ledger that other programs remove, replace or refuse. Rules are served all the same, the
// program says what is wrong, and the ledger continues.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { allKept, keptGaps, keptOf } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  ContainedProgram,
  FailingProgram,
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

/** A user that this test does not run as. */
const OTHER_USER = 4711;

/** Whether the ledger, as it is in its place, has the change of the Service to so many endpoints. */
const inLedger = (ledger: string, endpoints: number) => () => {
  try {
    return keptOf(ledger, "event").some(({ value }) =>
      value?.kind === "EndpointSlice" && value.endpoints.length === endpoints
    );
  } catch {
    return false;
  }
};

/** A program that serves one endpoint, whose ledger is in `folder`/store/ledger. */
async function started(folder: string, kernel: NetlinkKernel): Promise<SourceProgram> {
  removeTables(kernel);
  writeSource(folder, 1);
  const program = new SourceProgram(folder, "store");
  await until("the Service is served", served(kernel, 1));
  await until("it is in the ledger", inLedger(`${folder}/store/ledger`, 1));
  return program;
}

for (const disk of ["emptyReadOnly", "fullOfFiles"] as const) {
  Deno.test(`a new node whose disk is ${disk}: rules are served, and the ledger begins once it can`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    removeTables(kernel);
    writeSource(folder, 1);
    await using program = new SourceProgram(folder, disk);
    await until("the Service is served", served(kernel, 1));
    await until("health says so", ledgerFails);
    const said = /error: the ledger cannot be opened: .*; rules are made without it/;
    await until("the log says so", () => said.test(program.log));
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    program.makeWritable("remount,rw,nr_inodes=1000");
    await until("the ledger is written", ledgerIsWritten);
    writeSource(folder, 3);
    await until("a change is served", served(kernel, 3));
    const ledger = `${program.disk}/ledger`;
    await until("it is in the ledger", inLedger(ledger, 3));
    assert.deepEqual(verifyLedger(folderStorage(ledger, false)), []);
    const [gap] = keptGaps(ledger);
    assert.ok(gap !== undefined && gap.records > 0, JSON.stringify(gap));
    assertWhole(ledger, kernel);
    assert.equal(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  });
}

for (const replaces of [false, true]) {
  Deno.test(`a segment that another program ${replaces ? "replaces" : "removes"} is written again, with a gap record that says so`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    await using program = await started(folder, kernel);
    const ledger = `${folder}/store/ledger`;
    const segment = `${ledger}/00000000000000000000.ndjson`;
    // In one step: the program may restore what is missing at any moment.
    Deno.writeTextFileSync(`${folder}/other`, "not ours\n");
    if (replaces) Deno.renameSync(`${folder}/other`, segment);
    else Deno.removeSync(segment);
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    await until("the change is in the ledger", inLedger(ledger, 2));
    await until(
      "the log says so",
      () => /error: another program removed or replaced 0+\.ndjson/.test(program.log),
    );
    await until("the gap is recorded", () => keptGaps(ledger).length === 1);
    writeSource(folder, 3);
    await until("a change is served", served(kernel, 3));
    assert.equal(await program.stop(), 0);
    assert.equal(keptGaps(ledger)[0]!.records, 0, "nothing is missing");
    assert.equal(allKept(ledger)[0]!.kind, "config");
    assertWhole(ledger, kernel);
    if (replaces) assert.equal(Deno.readTextFileSync(`${segment}.replaced`), "not ours\n");
    await Deno.remove(folder, { recursive: true });
  });
}

for (const gone of ["ledger", "ledger/writer.lock"]) {
  Deno.test(`after ${gone} was removed the ledger is opened again, and rules go on meanwhile`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    await using program = await started(folder, kernel);
    const ledger = `${folder}/store/ledger`;
    Deno.removeSync(`${folder}/store/${gone}`, { recursive: true });
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    await until("the ledger is continued", () => {
      try {
        return keptGaps(ledger).length > 0;
      } catch {
        return false;
      }
    });
    writeSource(folder, 3);
    await until("a change is served", served(kernel, 3));
    await until("the change is in the ledger", inLedger(ledger, 3));
    await until("the ledger is written", ledgerIsWritten);
    assert.equal(await program.stop(), 0);
    assert.match(program.log, /error: the ledger was lost: .*removed or replaced/);
    assertWhole(ledger, kernel);
    await Deno.remove(folder, { recursive: true });
  });
}

/** What is wrong with a folder, by a part of the text that the log then has. */
const OBSTACLES: Record<string, (ledger: string, folder: string) => void> = {
  "belongs to user": (ledger) => Deno.chownSync(ledger, OTHER_USER, OTHER_USER),
  "it is a link": (ledger, folder) => Deno.symlinkSync(`${folder}/precious`, `${ledger}/writer.lock`),
};

for (const [reason, obstruct] of Object.entries(OBSTACLES)) {
  Deno.test(`a folder that is not ours (${reason}) is not used: rules are served, and what is there stays`, async () => {
    const folder = newNodeFolder();
    const ledger = `${folder}/store/ledger`;
    using kernel = new NetlinkKernel();
    removeTables(kernel);
    Deno.mkdirSync(ledger);
    Deno.writeTextFileSync(`${folder}/precious`, "content");
    obstruct(ledger, folder);
    writeSource(folder, 1);
    await using program = new SourceProgram(folder, "store");
    await until("the Service is served", served(kernel, 1));
    const assertUnused = () => {
      assert.equal(Deno.readTextFileSync(`${folder}/precious`), "content");
      assert.deepEqual([...Deno.readDirSync(ledger)].filter(({ name }) => name.endsWith(".ndjson")), []);
    };
    assertUnused();
    await until("health says so", ledgerFails);
    await until("the log says so", () => program.log.includes(reason));
    assertUnused();
    assert.equal(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  });
}

/** What happens to the lock file while the first program runs, for the names of the tests. */
const LOCKS: Record<string, (lock: string) => void> = {
  "": () => {},
  ", also after the lock file was removed": (lock) => Deno.removeSync(lock),
  ", also after the lock file was replaced": (lock) => {
    Deno.removeSync(lock);
    Deno.writeTextFileSync(lock, "");
  },
};

for (const [what, change] of Object.entries(LOCKS)) {
  Deno.test(`a second program on the same ledger is refused while the first one runs${what}`, async () => {
    const folder = newNodeFolder();
    using kernel = new NetlinkKernel();
    await using program = await started(folder, kernel);
    change(`${folder}/store/ledger/writer.lock`);
    const log = program.log.length;
    await using second = new SourceProgram(folder, "store", "--healthz-bind-address", "127.0.0.1:10257");
    const refused = /error: .*(is being written by process \d+|is being written by an unknown process)/;
    await until(
      "the second one is refused, or writes",
      () => refused.test(second.log.slice(log)) || second.segments().length > 0,
    );
    assert.deepEqual(second.segments(), [], "what the second one writes");
    writeSource(folder, 2);
    await until("a change is served", served(kernel, 2));
    assert.deepEqual(second.segments(), []);
    // Without its lock the first program opens the ledger again, and then takes what was left out meanwhile.
    await until("the change is in the ledger", inLedger(`${folder}/store/ledger`, 2));
    await until("the ledger is written", ledgerIsWritten);
    assert.equal(await program.stop(), 0);
    assertWhole(`${folder}/store/ledger`, kernel);
    await Deno.remove(folder, { recursive: true });
  });
}

/** Waits until `ledger` has a gap record, and the next change is in it and in the kernel; then the program ends. */
async function goesOnAfterGap(program: SourceProgram, ledger: string, kernel: NetlinkKernel): Promise<void> {
  writeSource(program.folder, 8);
  await until("a change is served", served(kernel, 8));
  await until("a gap is recorded", () => {
    try {
      return keptGaps(ledger).length > 0;
    } catch {
      return false;
    }
  });
  writeSource(program.folder, 9);
  await until("a change is served", served(kernel, 9));
  await until("the change is in the ledger", inLedger(ledger, 9));
  await until("the ledger is written", ledgerIsWritten);
  assert.equal(await program.stop(), 0);
  assertWhole(ledger, kernel);
}

Deno.test("after the folder was removed while a snapshot was due the ledger is opened again, and rules go on meanwhile", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  await using program = await started(folder, kernel);
  const ledger = `${folder}/store/ledger`;
  Deno.removeSync(ledger, { recursive: true });
  writeBigSlices(folder);
  writeSource(folder, 2);
  await until("a change is served", served(kernel, 2));
  await goesOnAfterGap(program, ledger, kernel);
  assert.match(program.log, /error: .*(removed or replaced|No such file)/);
  assert.match(program.log, /error: the ledger was lost: .*removed or replaced/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("after a fault of the writer of the ledger another one continues it, with a gap record, and rules go on", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  removeTables(kernel);
  writeSource(folder, 1);
  await using program = new FailingProgram(folder, "store");
  await until("the Service is served", served(kernel, 1));
  await until("the ledger is written", ledgerIsWritten);
  writeSource(folder, 2, {}, "the-writer-fails");
  await until("a change is served", served(kernel, 2));
  await until(
    "the log says so",
    () => /error: the ledger was lost: .*a fault of the writer/.test(program.log),
  );
  await goesOnAfterGap(program, `${folder}/store/ledger`, kernel);
  const [gap, ...others] = keptGaps(`${folder}/store/ledger`);
  assert.ok(/a fault of the writer/.test(gap!.reason) && gap!.records > 0, JSON.stringify(gap));
  assert.deepEqual(others, [], "it failed once");
  await Deno.remove(folder, { recursive: true });
});

/** Files of another user in the ledger's folder: the log, and whether the ledger goes on without a person's help. */
const FOREIGN: Record<string, { file: string; mode: number; log: RegExp; goesOn: boolean }> = {
  "a segment that can be read": {
    file: "00000000000000000000.ndjson",
    mode: 0o644,
    log: /in sync|rules of 1 Service are in place/,
    goesOn: true,
  },
  "a segment that cannot be read": {
    file: "00000000000000000000.ndjson",
    mode: 0o600,
    log: /error: the ledger cannot be opened: .*[Pp]ermission denied.*; rules are made without it/,
    goesOn: false,
  },
  "the lock": {
    file: "writer.lock",
    mode: 0o666,
    log: /error: the ledger cannot be written: .*belongs to user 4711/,
    goesOn: false,
  },
};

for (const [what, { file, mode, log, goesOn }] of Object.entries(FOREIGN)) {
  Deno.test(`where ${what} belongs to another user, rules are served and nothing is written into it`, async () => {
    const folder = newNodeFolder();
    const path = `${folder}/store/ledger/${file}`;
    using kernel = new NetlinkKernel();
    {
      await using before = await started(folder, kernel);
      assert.equal(await before.stop(), 0);
    }
    Deno.truncateSync(`${folder}/log`);
    Deno.chmodSync(path, mode);
    Deno.chownSync(path, OTHER_USER, OTHER_USER);
    using open = Deno.openSync(path, { read: true });
    const size = open.statSync().size;
    writeSource(folder, 2);
    await using program = new ContainedProgram(folder, "store");
    await until("the Service is served", served(kernel, 2));
    await until("the log says so", () => log.test(program.log));
    if (!goesOn) {
      await until("health says so", ledgerFails);
      assert.equal(open.statSync().size, size);
      Deno.chownSync(path, 0, 0);
    }
    await until("the ledger is written", ledgerIsWritten);
    writeSource(folder, 3);
    await until("a change is served", served(kernel, 3));
    assert.equal(await program.stop(), 0);
    if (goesOn) assert.equal(open.statSync().size, size);
    assertWhole(`${folder}/store/ledger`, kernel);
    assert.doesNotMatch(program.log, /the writer of the ledger failed/);
    await Deno.remove(folder, { recursive: true });
  });
}
