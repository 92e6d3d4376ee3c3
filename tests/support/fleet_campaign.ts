// A fleet whose nodes write, rotate, compress and forget their ledgers while they are archived and DuckDB is asked. The tests run a few
// nodes; `deno task fleet` runs 200.
//
//   deno task fleet [NODES] [ROUNDS]

import assert from "node:assert/strict";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { commitBatch } from "../../src/engine/executor.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { shipSegments } from "../../src/ledger/archive.ts";
import { segmentFirst, segmentNames } from "../../src/ledger/format.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage, type Storage } from "../../src/ledger/storage.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { appears, service, slice } from "./cluster_notation.ts";
import { EngineProcess } from "./engine_process.ts";
import { versionOf } from "./fleet.ts";

const START = Date.parse("2026-11-23T23:59:30Z");
const SECOND = 1000;
/** Small, so that nodes forget what was archived. */
const KEEP = { bytes: 8000, milliseconds: Infinity };

const DOCUMENT = Deno.readTextFileSync(new URL("../../src/ledger/FLEET.md", import.meta.url));

/** The queries of FLEET.md by the name in their first line. */
export const FLEET_QUERIES: ReadonlyMap<string, string> = new Map(
  [...DOCUMENT.matchAll(/```sql\n-- (\w+): .*\n([\s\S]*?)```/g)].map(([, name, query]) => [name!, query!]),
);

/** What a campaign saw. */
export interface CampaignResult {
  readonly records: number;
  /** Segments that retention removed on the nodes. */
  readonly forgotten: number;
  /** Queries that were answered while nodes wrote. */
  readonly asked: number;
}

/** A node that follows the cluster with delays of its own. */
class SimulatedNode implements Disposable {
  readonly name: string;
  storage: Storage;
  /** When the rules of each event were in the kernel. */
  readonly committed = new Map<number, number>();
  drifted = 0;
  #kernel = new FakeKernel();
  #process: EngineProcess;
  #time = START;
  /** Records of this ledger that are archived, and those of the ledger before it. */
  #archived = 0;
  #before = 0;
  #isNew = true;

  constructor(readonly folder: string, readonly archive: string, readonly number: number) {
    this.name = `node-${String(number).padStart(3, "0")}`;
    this.storage = folderStorage(`${folder}/${this.name}`, true);
    this.#process = this.#start();
  }

  #start(): EngineProcess {
    const now = () => new Date(this.#time).toISOString();
    return new EngineProcess(this.#kernel, this.storage, { complete: true, now });
  }

  /** Begins another ledger, as a node does that was set up again. */
  renew(): void {
    this.end();
    this.ship();
    this[Symbol.dispose]();
    [this.#before, this.#archived, this.#isNew] = [this.#archived, 0, true];
    this.storage = folderStorage(`${this.folder}/${this.name}-again`, true);
    this.#kernel = new FakeKernel();
    this.#process = this.#start();
  }

  get target(): string {
    return `${this.archive}/cluster=eu-1/node=${this.name}/ledger=${this.#process.ledger.ledger}`;
  }

  /** How many records an archive has of this node. */
  get archived(): number {
    return this.#before + this.#archived;
  }

  /** How many records the node has written, without the last one. */
  get written(): number {
    return this.#before + this.#process.ledger.next - 1;
  }

  /** Receives event `round` and commits it. Every ninth node is cut off after the first half. */
  step(round: number, rounds: number): void {
    if (this.number % 9 === 8 && round > rounds / 2) return;
    this.#time = START + round * SECOND + 5 + (this.number * 37) % 400;
    const time = new Date(this.#time).toISOString();
    const web: EventRecord = {
      ...appears(service("shop/web 10.96.0.1 http:80/tcp")),
      time,
      resourceVersion: "1",
    };
    const endpoints = slice(`shop/web-a http:8080/tcp 10.244.0.1 10.244.1.${round % 250}`);
    this.#process.append([
      ...(this.#isNew ? [web] : []),
      { ...appears(endpoints), time, resourceVersion: versionOf(round) },
    ]);
    this.#isNew = false;
    this.#time += 1 + (this.number * 13) % 60;
    commitBatch(this.#process.engine, this.#process.ports);
    this.committed.set(round, this.#time);
    if (this.number % 7 === 3 && round % 10 === 4) {
      const response = "put back";
      this.#process.ledger.append([
        { kind: "drift", time, process: "firewalld", pid: 4711, changes: ["delete element"], response },
      ]);
      this.drifted++;
    }
    if ((round + this.number) % (3 + this.number % 3) === 0) this.rotate();
  }

  /** Begins a segment, compresses the ones before it, and removes the oldest. */
  rotate(): void {
    writeSnapshot(this.#process.ledger, snapshotLines(this.#process.engine.cluster), KEEP);
  }

  /** Closes the last segment: a record behind it begins another one. */
  end(): void {
    this.rotate();
    const time = new Date(this.#time).toISOString();
    this.#process.ledger.append([{ kind: "gap", time, reason: "the end", records: 0 }]);
    this.#process.ledger.sync();
  }

  ship(): void {
    const { problems } = shipSegments(this.storage, this.target);
    assert.deepEqual(problems, [], this.name);
    this.#archived = segmentFirst(segmentNames(this.storage).at(-1)!)!;
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
    this.#kernel[Symbol.dispose]();
  }
}

/** Runs `count` nodes for `rounds` events. Throws AssertionError where an answer is wrong. */
export async function fleetCampaign(count: number, rounds: number): Promise<CampaignResult> {
  const folder = Deno.makeTempDirSync();
  const archive = `${folder}/archive`;
  using made = new DisposableStack();
  const nodes = Array.from({ length: count }, (_, i) => made.use(new SimulatedNode(folder, archive, i)));
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`set variable archive = '${archive}'`);
  let asked = 0;
  for (let round = 0; round < rounds; round++) {
    // The query runs in threads of DuckDB while the nodes go on.
    const least = archivedBy(nodes);
    const counting = least === 0 ? undefined : counted(connection);
    for (const node of nodes) {
      if (node.number % 10 === 5 && round === rounds >> 1) node.renew();
      node.step(round, rounds);
    }
    for (const node of nodes) if ((node.number + round) % 3 === 0) node.ship();
    const answer = await counting;
    if (answer === undefined) continue;
    asked++;
    const most = archivedBy(nodes);
    assert.equal(answer.n, answer.d, "no record is counted twice");
    assert.ok(least <= answer.n && answer.n <= most, `${answer.n} records, between ${least} and ${most}`);
  }
  for (const node of nodes) {
    node.end();
    node.ship();
  }
  const records = archivedBy(nodes);
  assert.equal(records, nodes.reduce((sum, { written }) => sum + written, 0));
  assert.deepEqual(await counted(connection), { n: records, d: records });
  await answered(connection, nodes, rounds);
  for (const { target } of nodes.filter(({ number }) => number % 10 === 0)) {
    assert.deepEqual(verifyPast(openPast(target)).verdict.problems, [], target);
  }
  const forgotten = nodes.filter(({ storage }) => segmentFirst(segmentNames(storage)[0]!)! > 0).length;
  connection.closeSync();
  instance.closeSync();
  Deno.removeSync(folder, { recursive: true });
  return { records, forgotten, asked };
}

function archivedBy(nodes: readonly SimulatedNode[]): number {
  return nodes.reduce((sum, { archived }) => sum + archived, 0);
}

/** How many records the archive has, and how many different ones. */
async function counted(connection: DuckDBConnection): Promise<{ n: number; d: number }> {
  await connection.run(FLEET_QUERIES.get("archive")!);
  const [row] = (await connection.runAndReadAll(
    'select count(*)::int as n, count(distinct (cluster, node, ledger, "offset"))::int as d from records',
  )).getRowObjectsJson();
  return { n: Number(row!["n"]), d: Number(row!["d"]) };
}

/** Compares the answers of the document's queries with what the nodes did. */
async function answered(
  connection: DuckDBConnection,
  nodes: readonly SimulatedNode[],
  rounds: number,
): Promise<void> {
  const rows = async (name: string) =>
    (await connection.runAndReadAll(FLEET_QUERIES.get(name)!)).getRowObjectsJson();
  await connection.run(FLEET_QUERIES.get("applied")!);
  const event = rounds - 2;
  const moment = START + event * SECOND + 200;
  await connection.run(`set variable object = 'EndpointSlice shop/web-a'`);
  await connection.run(`set variable version = '${versionOf(event)}'`);
  await connection.run(`set variable moment = '${new Date(moment).toISOString()}'::timestamptz`);
  const late = nodes.filter(({ committed }) => !((committed.get(event) ?? Infinity) <= moment));
  assert.deepEqual((await rows("late")).map(({ node }) => node), late.map(({ name }) => name));
  assert.ok(late.length > 0 && late.length < nodes.length, "some nodes are late and some are not");
  const drifted = nodes.filter(({ drifted }) => drifted > 0).map(({ name, drifted }) => `${name} ${drifted}`);
  assert.deepEqual((await rows("drift")).map(({ node, times }) => `${node} ${times}`).sort(), drifted.sort());
  for (const { node, p50, p99 } of await rows("latency")) {
    const took = 1 + (Number(String(node).slice("node-".length)) * 13) % 60;
    assert.deepEqual([p50, p99], [took, took], String(node));
  }
}

if (import.meta.main) {
  const [nodes = 200, rounds = 40] = Deno.args.map(Number);
  const { records, forgotten, asked } = await fleetCampaign(nodes, rounds);
  console.log(
    `${nodes} nodes, ${records} records, each archived once; ${forgotten} nodes have forgotten records that the archive has; ` +
      `${asked} queries were answered while nodes wrote, and all answers at the end were right`,
  );
}
