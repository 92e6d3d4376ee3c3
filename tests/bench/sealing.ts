// What it costs to sign a ledger: the same changes with checkpoints and without, in turns, as the CPU time and the latency of a change.
// Prints the ratio of each pair's sums, and asserts nothing.
//
//   deno task bench:sealing [ROUNDS]

import process from "node:process";
import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { CHECKPOINT_MILLISECONDS, CHECKPOINT_RECORDS } from "../../src/limits/ledger.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const rounds = Number(Deno.args[0] ?? 21);
/** Changes of one side of a round: each makes an event and a commit, so this is a checkpoint's worth of them, eight times. */
const CHANGES = 4 * CHECKPOINT_RECORDS;
/** Changes between two steps of the checkpoints, which a node takes every second. */
const STEP = 100;

/** What the changes of one side cost. */
interface Cost {
  /** Microseconds of CPU time of the whole process, for each change. */
  readonly cpu: number;
  /** Milliseconds from each event to its commit. */
  readonly times: readonly number[];
  /** How many checkpoints there are afterwards. */
  readonly checkpoints: number;
}

/** Commits {@link CHANGES} changes to the fake kernel, with a ledger in a folder of its own. */
async function changesWith(isSealed: boolean): Promise<Cost> {
  const folder = Deno.makeTempDirSync();
  const engine = newEngine();
  const kernel = new FakeKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
  const now = () => new Date().toISOString();
  const ports: Ports = { kernel, ledger, now, report: () => {}, warn: () => {} };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
  perform(engine, ports, list(kernel));
  let count = 0;
  const append = (record: LedgerRecord) => {
    count++;
    perform(engine, ports, { kind: "appended", first: ledger.append([record]), records: [record] });
  };
  const checkpoints = isSealed ? new Checkpoints(folder, ledger, append, now, () => {}) : undefined;
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let change = 0; change < CHANGES; change++) {
    const objects = [
      service("shop/web 10.96.0.1 http:80/tcp"),
      slice(`shop/web-a http:8080/tcp 10.244.0.1 10.244.${1 + (change >> 8)}.${change & 255}`),
    ];
    const start = performance.now();
    perform(engine, ports, {
      kind: "batch",
      batch: { kind: "list", objects, complete: false, time: now(), problems: [] },
    });
    commitBatch(engine, ports);
    times.push(performance.now() - start);
    if (change % STEP < STEP - 1) continue;
    checkpoints?.wake();
    await ledger.sync();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { user, system } = process.cpuUsage();
  await checkpoints?.stop();
  Deno.removeSync(folder, { recursive: true });
  const cpu = (user - before.user + system - before.system) / CHANGES;
  return { cpu, times, checkpoints: count };
}

const pairs: { readonly without: Cost; readonly sealed: Cost }[] = [];
await changesWith(true);
for (let round = 0; round < rounds; round++) {
  // The first of a pair is each side in turn.
  const first = await changesWith(round % 2 === 0);
  const second = await changesWith(round % 2 !== 0);
  pairs.push(round % 2 === 0 ? { sealed: first, without: second } : { without: first, sealed: second });
}

const median = (values: readonly number[]) => percentile(values, 0.5);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const rowOf = (name: string, of: (cost: Cost) => number, unit: string) => {
  const [without, sealed] = [pairs.map((pair) => of(pair.without)), pairs.map((pair) => of(pair.sealed))];
  const ratios = sealed.map((value, i) => value / without[i]!);
  return [
    name,
    `${median(without).toFixed(1)} ${unit}`,
    `${median(sealed).toFixed(1)} ${unit}`,
    median(ratios).toFixed(3),
    `${percentile(ratios, 0.25).toFixed(3)} to ${percentile(ratios, 0.75).toFixed(3)}`,
  ];
};
const perCheckpoint = median(
  pairs.map(({ sealed, without }) => (sealed.cpu - without.cpu) * CHANGES / Math.max(1, sealed.checkpoints)),
);
table(`${CHANGES} changes a side, ${rounds} pairs, a checkpoint every ${CHECKPOINT_RECORDS} records`, [
  ["", "unsigned", "signed", "ratio", "middle half"],
  rowOf("CPU of a change", ({ cpu }) => cpu, "us"),
  rowOf("latency, mean", ({ times }) => 1000 * sum(times) / times.length, "us"),
  rowOf("latency, p50", ({ times }) => 1000 * percentile(times, 0.5), "us"),
  rowOf("latency, p99", ({ times }) => 1000 * percentile(times, 0.99), "us"),
]);
console.log(
  `a checkpoint costs ${
    (perCheckpoint / 1000).toFixed(2)
  } ms of CPU; a node with fewer changes signs every ` +
    `${CHECKPOINT_MILLISECONDS / 1000} s: ${
      (100 * perCheckpoint / 1000 / CHECKPOINT_MILLISECONDS).toFixed(4)
    } % of a CPU`,
);
