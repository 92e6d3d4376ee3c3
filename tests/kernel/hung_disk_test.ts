// The program as it is shipped, with a disk that really hangs: a thread stands still in the kernel. Rules follow the cluster,
// health answers, and the ledger continues when the disk does.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { UNWRITTEN_BYTES_MAX } from "../../src/limits/ledger.ts";
import { LoopDisk } from "../support/loop_disk.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  health,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeBigSlices,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const HEALTH = "http://127.0.0.1:10256";
const METRICS = "127.0.0.1:10249";
/** How long changes are made while the disk hangs; it does until it is thawed. */
const FROZEN_MILLISECONDS = 10_000;
/** A busy machine answers within that. */
const ANSWER_MILLISECONDS = 30_000;
/** So many versions of the large slices, of 4 MB each, are more than may wait in memory. */
const FILLING_VERSIONS = 24;
const RECORDS_OF_A_VERSION = 40;
/** The disk has to take all that waited, and the start in place reads it again. */
const CONTINUED_MILLISECONDS_MAX = 120_000;

const problems = async (): Promise<string[]> => (await health()).problems;
/** How many records are appended, and not surely on the disk. */
const behind = async (): Promise<number> => {
  const { appendedOffset, durableOffset } = (await health()).ledger;
  return appendedOffset - durableOffset;
};
const healthAnswers = () => problems().then(() => true, () => false);
const gaps = (ledger: string) =>
  [...readLedger(folderStorage(ledger, false))].flatMap(({ offset, record }) =>
    record.kind === "gap" && record.checkpoint === undefined ? [{ ...record, offset }] : []
  );
const cannotOpen = (program: SourceProgram) => () => /error: the ledger cannot be opened: /.test(program.log);
/**
 * Waits until the loop has started again in place with the ledger, and has read the source: a change of it is served. A program
 * that ends before that leaves rules that no record explains.
 */
async function startedAgain(
  program: SourceProgram,
  kernel: NetlinkKernel,
  folder: string,
  endpoints: number,
): Promise<void> {
  const again = () => /the ledger can be opened: starting again in place/.test(program.log);
  await until("the ledger is continued", again, CONTINUED_MILLISECONDS_MAX);
  writeSource(folder, endpoints);
  await until("a change is served afterwards", served(kernel, endpoints), CONTINUED_MILLISECONDS_MAX);
}
/** Waits until the ledger is complete again, and compares it with the kernel. */
async function continued(program: SourceProgram, ledger: string, kernel: NetlinkKernel): Promise<void> {
  const failing = "ledger cannot be written";
  // A predecessor keeps the port for as long as it keeps the lock.
  const found = () => problems().catch(() => [failing]);
  await until("the ledger is written again", async () => !(await found()).includes(failing));
  assert.equal(await program.stop(), 0);
  assertWhole(ledger, kernel);
}

Deno.test("a disk that hangs for 10 s delays neither rules nor health, and the ledger misses nothing", async () => {
  const folder = newNodeFolder();
  await using disk = await LoopDisk.make(folder);
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  await using program = new SourceProgram(folder, disk, "--metrics-bind-address", METRICS);
  await until("the Service is served", served(kernel, 1));
  await until("health answers", healthAnswers);
  using _frozen = disk.freeze();
  const end = performance.now() + FROZEN_MILLISECONDS;
  let [endpoints, longest, slowest] = [1, 0, 0];
  while (performance.now() < end) {
    const changed = performance.now();
    writeSource(folder, ++endpoints);
    await until("a change is served while the disk hangs", served(kernel, endpoints));
    slowest = Math.max(slowest, performance.now() - changed);
    const asked = performance.now();
    const answer = await fetch(`${HEALTH}/livez`, { signal: AbortSignal.timeout(ANSWER_MILLISECONDS) });
    longest = Math.max(longest, performance.now() - asked);
    assert.equal((await answer.json()).healthy, true);
  }
  console.log(
    `${endpoints} changes, slowest ${slowest.toFixed()} ms; longest /livez ${longest.toFixed()} ms`,
  );
  assert.ok(await behind() >= endpoints - 1, "health counts what is appended and not durable");
  await until("health says so", async () => (await problems()).includes("ledger cannot be written"));
  assert.match(await (await fetch(`http://${METRICS}/metrics`)).text(), /^ledgerproxy_ledger_failing 1$/m);
  disk.thaw();
  await until("every record is durable again", async () => await behind() === 0);
  await continued(program, `${disk.path}/ledger`, kernel);
  assert.deepEqual(gaps(`${disk.path}/ledger`), [], "nothing is missing");
  assert.match(program.log, /error: the ledger cannot be written: the disk has not answered for \d+ s/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a disk that hangs at the start: rules are made without the ledger, which continues later with a gap record", async () => {
  const folder = newNodeFolder();
  await using disk = await LoopDisk.make(folder);
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  {
    await using program = new SourceProgram(folder, disk);
    await until("the Service is served", served(kernel, 1));
    await until("health answers", healthAnswers);
    assert.equal(await program.stop(), 0);
  }
  removeTables(kernel);
  writeSource(folder, 2);
  disk.freeze();
  await using program = new SourceProgram(folder, disk);
  using _frozen = { [Symbol.dispose]: () => disk.thaw() };
  await until("the Service is served while the disk hangs", served(kernel, 2));
  await until("the log says so", cannotOpen(program));
  await until("so does health", async () => (await problems()).includes("ledger cannot be written"));
  writeSource(folder, 3);
  await until("a change is served while the disk hangs", served(kernel, 3));
  disk.thaw();
  await startedAgain(program, kernel, folder, 4);
  await continued(program, `${disk.path}/ledger`, kernel);
  const [gap, ...others] = gaps(`${disk.path}/ledger`);
  assert.ok(gap !== undefined && others.length === 0);
  assert.ok(gap.records > 0 && /the disk does not answer/.test(gap.reason), JSON.stringify(gap));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("more than may wait in memory while the disk hangs: rules follow, and a gap record counts what is missing", async () => {
  const folder = newNodeFolder();
  await using disk = await LoopDisk.make(folder, 8 * UNWRITTEN_BYTES_MAX);
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  await using program = new SourceProgram(folder, disk);
  await until("the Service is served", served(kernel, 1));
  await until("health answers", healthAnswers);
  using _frozen = disk.freeze();
  // Slices of no Service change no rule, and each version of them is 40 records. The change of the Service behind them is served
  // once they are folded.
  for (let version = 1; version <= FILLING_VERSIONS; version++) {
    writeBigSlices(folder, version);
    writeSource(folder, 1 + version);
    await until("a change is served while the disk hangs", served(kernel, 1 + version));
  }
  const { problem, appendedOffset } = (await health()).ledger;
  assert.equal(problem, "ledger cannot be written");
  disk.thaw();
  await startedAgain(program, kernel, folder, FILLING_VERSIONS + 2);
  await continued(program, `${disk.path}/ledger`, kernel);
  const [gap, ...others] = gaps(`${disk.path}/ledger`);
  assert.ok(gap !== undefined && others.length === 0);
  assert.equal(gap.reason, "the disk was too slow for what may wait in memory");
  // Until the disk had taken what waited, one of the program itself, such as a checkpoint, may have come.
  const missing = appendedOffset + 1 - gap.offset;
  assert.ok(gap.records >= missing && gap.records <= missing + 2, `${gap.records} of ${missing} are counted`);
  assert.ok(
    gap.records > 0 && gap.offset > RECORDS_OF_A_VERSION,
    "what was within the bound is in the ledger",
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a predecessor that was killed in a hanging disk keeps the lock: its successor makes rules, and continues its ledger later", async () => {
  const folder = newNodeFolder();
  await using disk = await LoopDisk.make(folder);
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  await using before = new SourceProgram(folder, disk);
  await until("the Service is served", served(kernel, 1));
  using _frozen = disk.freeze();
  writeSource(folder, 2);
  await until("a thread of it hangs", () => before.hangs);
  before.kill();
  writeSource(folder, 3);
  await using program = new SourceProgram(folder, disk);
  using _thawed = { [Symbol.dispose]: () => disk.thaw() };
  await until("the successor serves a change", served(kernel, 3));
  await until("the log says so", cannotOpen(program));
  disk.thaw();
  await startedAgain(program, kernel, folder, 4);
  await continued(program, `${disk.path}/ledger`, kernel);
  const found = gaps(`${disk.path}/ledger`);
  assert.ok(found.length > 0 && found[0]!.records > 0, JSON.stringify(found));
  await Deno.remove(folder, { recursive: true });
});
