// The queries in src/ledger/FLEET.md, asked of 50 ledgers with known answers, and of the archive of a few nodes that go on.

import assert from "node:assert/strict";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { shipSegments } from "../../src/ledger/archive.ts";
import { segmentFirst, segmentNames } from "../../src/ledger/format.ts";
import { ledgerId } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { FLEET_QUERIES, fleetCampaign } from "../support/fleet_campaign.ts";
import { type Node, versionOf, writeFleet } from "../support/fleet.ts";

async function rows(connection: DuckDBConnection, name: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(FLEET_QUERIES.get(name)!)).getRowObjectsJson();
}

async function ask(
  connection: DuckDBConnection,
  nodes: readonly Node[],
  event: number,
  at: number,
): Promise<void> {
  await connection.run(`set variable object = 'EndpointSlice shop/web-a'`);
  await connection.run(`set variable version = '${versionOf(event)}'`);
  await connection.run(`set variable moment = '${new Date(at).toISOString()}'::timestamptz`);
  const late = nodes.filter(({ committed }) => !((committed.get(event) ?? Infinity) <= at));
  assert.deepEqual((await rows(connection, "late")).map(({ node }) => node), late.map(({ name }) => name));
  const silent = nodes.filter(({ committed }) => {
    const past = [...committed.values()].filter((time) => time <= at);
    return Math.max(...past) < at - 60_000;
  });
  assert.deepEqual(
    (await rows(connection, "silent")).map(({ node }) => node),
    silent.map(({ name }) => name),
  );
}

/** Archives all ledgers, twice, and compares the view of the archive with the closed segments. */
async function archived(connection: DuckDBConnection, folder: string, nodes: readonly Node[]): Promise<void> {
  const archive = `${folder}-archive`;
  let closed = 0;
  for (const { name } of nodes) {
    const storage = folderStorage(`${folder}/${name}`, false);
    const target = `${archive}/cluster=eu-1/node=${name}/ledger=${ledgerId(storage)}`;
    for (const isAgain of [false, true]) {
      const { added, problems } = shipSegments(storage, target);
      assert.deepEqual([problems, isAgain && added.length > 0], [[], false]);
    }
    const last = segmentNames(storage).at(-1)!;
    closed += segmentFirst(last)!;
    if (segmentNames(storage).length === 1) continue;
    Deno.writeTextFileSync(`${target}/day=2026-11-23/${last}.zst.1.part`, "an interrupted run");
  }
  assert.ok(closed > 1000, "there is something to archive");
  await connection.run(`set variable archive = '${archive}'`);
  await connection.run(FLEET_QUERIES.get("archive")!);
  const counted = await connection.runAndReadAll(
    'select count(*)::int as n, count(distinct (cluster, node, ledger, "offset"))::int as d from records',
  );
  assert.deepEqual(counted.getRowObjectsJson(), [{ n: closed, d: closed }]);
  const missing = await connection.runAndReadAll(
    "select count(*)::int as n from applied where committed is null and arrived < '2026-11-23T03:00:30Z'",
  );
  assert.deepEqual(missing.getRowObjectsJson(), [{ n: 0 }]);
  await asParquet(connection, archive, closed);
  Deno.removeSync(archive, { recursive: true });
}

/** Makes Parquet of the archive, and asks it what the archive was asked. */
async function asParquet(connection: DuckDBConnection, archive: string, closed: number): Promise<void> {
  const latency = await rows(connection, "latency");
  await connection.run(`set variable parquet = '${archive}/parquet'`);
  for (const statement of ["parquet", "columns"]) await connection.run(FLEET_QUERIES.get(statement)!);
  const [counted] = (await connection.runAndReadAll("select count(*)::int as n from records"))
    .getRowObjectsJson();
  assert.deepEqual(counted, { n: closed });
  assert.deepEqual(await rows(connection, "latency"), latency);
}

Deno.test("the documented queries give the right answers for 50 nodes", async () => {
  const folder = Deno.makeTempDirSync();
  const nodes = writeFleet(folder);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`set variable ledgers = '${folder}'`);
  for (const view of ["records", "applied"]) await connection.run(FLEET_QUERIES.get(view)!);

  const moments = [...nodes[7]!.committed].filter(([event]) => [1, 30, 59, 60, 119].includes(event));
  for (const [event, at] of moments) await ask(connection, nodes, event, at);
  const some = nodes.filter(({ committed }) =>
    (committed.get(30) ?? Infinity) > nodes[7]!.committed.get(30)!
  );
  assert.ok(some.length > 5 && some.length < 45, "some nodes are late and some are not");

  for (const { node, p50, p99 } of await rows(connection, "latency")) {
    const { commitMilliseconds } = nodes.find(({ name }) => name === node)!;
    assert.deepEqual([p50, p99], [commitMilliseconds, commitMilliseconds], String(node));
  }
  const drift = (await rows(connection, "drift")).map(({ node, process, times }) =>
    `${node} ${process} ${times}`
  );
  const truth = nodes.flatMap(({ name, drift }) => [...drift].map(([by, times]) => `${name} ${by} ${times}`));
  assert.deepEqual(drift.sort(), truth.sort());
  assert.ok(truth.length > 3);
  await archived(connection, folder, nodes);
  connection.closeSync();
  instance.closeSync();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("an archive is whole and its answers are right while nodes write, rotate and forget", async () => {
  const { records, forgotten, asked } = await fleetCampaign(12, 20);
  assert.ok(records > 400 && forgotten > 6 && asked > 10, `${records} ${forgotten} ${asked}`);
});
