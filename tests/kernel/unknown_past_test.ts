// A start with an incomplete ledger: rules in the kernel stay until the source gives a reason to change them, and the
// intact part of the ledger is used.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { segmentName } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { addSnapshot } from "../support/added_snapshot.ts";
import { keptGaps } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  inKernel,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const TIME = "2026-11-23T09:26:10.000Z";
const DRIFT = { kind: "drift", time: TIME, process: "x", pid: 1, changes: [], response: "" } as const;
/** The text of a source that cannot be read: the program gets no list. */
const UNREADABLE = "{";

const newProgram = (folder: string) => new SourceProgram(folder, "store");

async function ran(folder: string, whenDone: () => boolean): Promise<string> {
  Deno.writeTextFileSync(`${folder}/log`, "");
  await using program = newProgram(folder);
  await until("it has read its source", () => /reading /.test(program.log));
  await until("it is done", whenDone);
  // With a source that cannot be read the program ends by itself.
  await program.stop();
  return program.log;
}

/** A folder whose ledger and kernel have one Service with three endpoints; then `make` damages the ledger. */
async function damaged(make: (ledger: string) => void): Promise<{ folder: string; ledger: string }> {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  removeTables(kernel);
  writeSource(folder, 3);
  await ran(folder, served(kernel, 3));
  const ledger = `${folder}/store/ledger`;
  make(ledger);
  Deno.writeTextFileSync(`${folder}/source/all.json`, UNREADABLE);
  return { folder, ledger };
}

/** Makes a snapshot after all records, appends more records, and removes the segment before it, as retention does. */
function removePast(ledger: string): void {
  const storage = folderStorage(ledger, false);
  const place = addSnapshot(storage);
  const writer = new LedgerWriter(storage, { policy: "always", behind: place });
  for (let i = 0; i < 5; i++) writer.append([DRIFT]);
  writer[Symbol.dispose]();
  storage.remove(segmentName(0));
}

function removeSnapshots(ledger: string): void {
  for (const { name } of [...Deno.readDirSync(ledger)]) {
    if (name.includes(".snapshot.")) Deno.removeSync(`${ledger}/${name}`);
  }
}

/** Flips a bit in the third line of the newest segment. */
function flipBit(ledger: string): void {
  const name = [...Deno.readDirSync(ledger)].map(({ name }) => name).filter((name) => /ndjson$/.test(name))
    .sort().at(-1)!;
  const bytes = Deno.readFileSync(`${ledger}/${name}`);
  bytes[bytes.indexOf(0x0a, bytes.indexOf(0x0a) + 1) + 20]! ^= 1;
  Deno.writeFileSync(`${ledger}/${name}`, bytes);
}

const warned = (folder: string, what: RegExp) => () => what.test(Deno.readTextFileSync(`${folder}/log`));
const gap = (ledger: string) => {
  const [first] = readLedger(folderStorage(ledger, false));
  assert.equal(first?.record.kind, "gap");
  return first!.record as Extract<typeof first, object>["record"] & { kind: "gap" };
};

Deno.test("without the past, snapshots and a source, the rules stay until the source can be read", async () => {
  const { folder, ledger } = await damaged((ledger) => {
    removePast(ledger);
    removeSnapshots(ledger);
  });
  using kernel = new NetlinkKernel();
  const rules = inKernel(kernel);
  const log = await ran(folder, warned(folder, /all\.json/));
  assert.deepEqual(inKernel(kernel), rules);
  assert.match(log, /what was before @\d+ is not kept, and no snapshot of it is whole/);
  const { reason, salvaged } = gap(ledger);
  assert.match(reason, /known is 5 whole records, and nothing of what was before them/);
  assert.deepEqual(salvaged, { snapshot: null, records: 5, complete: false, committed: false });
  await ran(folder, warned(folder, /all\.json/));
  assert.deepEqual(inKernel(kernel), rules, "and stay at the second start");
  writeSource(folder, 2);
  await ran(folder, served(kernel, 2));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a flipped bit after an intact snapshot, a reboot and no source: the snapshot is served", async () => {
  const { folder, ledger } = await damaged((ledger) => {
    removePast(ledger);
    flipBit(ledger);
  });
  using kernel = new NetlinkKernel();
  const rules = inKernel(kernel);
  for (let boot = 0; boot < 2; boot++) {
    removeTables(kernel);
    await ran(folder, served(kernel, 3));
    assert.deepEqual(inKernel(kernel), rules);
  }
  const { reason, records, salvaged } = gap(ledger);
  assert.match(reason, /damaged \(CRC\).*known is the snapshot before @\d+ and 4 whole records behind it/);
  assert.deepEqual([records, salvaged?.records, salvaged?.complete, salvaged?.committed], [1, 4, true, true]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a flipped bit after an intact snapshot while the kernel has the rules: no rule is changed", async () => {
  const { folder } = await damaged((ledger) => {
    removePast(ledger);
    flipBit(ledger);
  });
  using kernel = new NetlinkKernel();
  const rules = inKernel(kernel);
  await ran(folder, warned(folder, /all\.json/));
  assert.deepEqual(inKernel(kernel), rules);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a ledger whose end was cut removes no rule that its lost records made", async () => {
  const { folder, ledger } = await damaged((ledger) => {
    const file = `${ledger}/${segmentName(0)}`;
    const lines = Deno.readTextFileSync(file).split("\n");
    // Cuts the slice and its commit.
    const cut = lines.findIndex((line) => line.includes('"kind":"EndpointSlice"'));
    assert.ok(cut > 1, "the slice has a record");
    Deno.writeTextFileSync(file, `${lines.slice(0, cut).join("\n")}\n`);
  });
  using kernel = new NetlinkKernel();
  const rules = inKernel(kernel);
  await ran(folder, warned(folder, /all\.json/));
  assert.deepEqual(inKernel(kernel), rules);
  assert.ok(keptGaps(ledger).length > 0);
  writeSource(folder, 2);
  await ran(folder, served(kernel, 2));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a ledger of a newer program is set aside whole and named; the rules stay, and a new ledger is begun", async () => {
  const { folder, ledger } = await damaged((ledger) => {
    const file = `${ledger}/${segmentName(0)}`;
    const [header, ...rest] = Deno.readTextFileSync(file).split("\n");
    const covered = header!.slice(0, header!.indexOf(',"crc"')).replace('"version":1', '"version":2');
    const crc = crc32(covered).toString(16).padStart(8, "0");
    Deno.writeTextFileSync(file, [`${covered},"crc":"${crc}"}`, ...rest].join("\n"));
  });
  using kernel = new NetlinkKernel();
  const rules = inKernel(kernel);
  for (let start = 0; start < 2; start++) {
    const log = await ran(folder, warned(folder, /all\.json/));
    assert.deepEqual(inKernel(kernel), rules);
    if (start === 0) {
      assert.match(log, /of a newer program: .*format version 2; this program reads version 1/);
    }
  }
  const [aside] = [...Deno.readDirSync(ledger)].filter(({ isDirectory }) => isDirectory);
  assert.match(aside!.name, /^version-2-/);
  const names = [...Deno.readDirSync(`${ledger}/${aside!.name}`)].map(({ name }) => name);
  assert.deepEqual(names.filter((name) => !name.endsWith(".key")), [
    segmentName(0),
  ]);
  assert.equal(gap(ledger).salvaged?.records, 0, "none of its records is used");
  writeSource(folder, 2);
  await ran(folder, served(kernel, 2));
  await Deno.remove(folder, { recursive: true });
});
