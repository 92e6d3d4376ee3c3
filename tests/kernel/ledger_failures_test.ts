// The program with a ledger that fails: a full disk, a read-only file system, a damaged segment. Rules follow the
// cluster, the failure is reported, and no record is lost.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { keptGaps } from "../support/kept_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  health,
  inKernel,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const METRICS = "127.0.0.1:10249";

Deno.test("a full disk: rules follow the cluster, health and log report it, and the ledger is complete afterwards", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  await using program = new SourceProgram(folder, "small");
  await until("the Service is served", served(kernel, 1));
  const filler = `${program.disk}/filler`;
  assert.throws(() => Deno.writeFileSync(filler, new Uint8Array(1 << 20)), /No space left/);
  for (let endpoints = 2; endpoints <= 20; endpoints++) {
    writeSource(folder, endpoints);
    await until(`${endpoints} endpoints are served`, served(kernel, endpoints));
  }
  await until(
    "the log says so",
    () => /error: the ledger cannot be written: No space left/.test(program.log),
  );
  const { ledger, healthy } = await health();
  assert.equal(ledger.problem, "ledger cannot be written");
  assert.ok(ledger.unwrittenRecords > 0 && healthy, "the node serves, so it is healthy");
  Deno.removeSync(filler);
  await until(
    "the ledger is written again",
    () => /the ledger is written again: nothing is missing/.test(program.log),
  );
  assertWhole(`${program.disk}/ledger`, kernel);
  assert.deepEqual(keptGaps(`${program.disk}/ledger`), []);
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a disk that is read-only at the start: its ledger is served, and new records are written later", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  {
    await using program = new SourceProgram(folder, "store");
    await until("the Service is served", served(kernel, 1));
    assert.equal(await program.stop(), 0);
  }
  removeTables(kernel);
  await using program = new SourceProgram(folder, "readOnly", "--metrics-bind-address", METRICS);
  await until("the Service is served again", served(kernel, 1));
  await until("a metric says how far back it reaches", async () => {
    // Rules of a ledger come before the servers.
    const text = await fetch(`http://${METRICS}/metrics`).then((answer) => answer.text(), () => "");
    return Number(/^ledgerproxy_ledger_past_seconds (.*)$/m.exec(text)?.[1]) > 0;
  });
  writeSource(folder, 2);
  await until("a change is served", served(kernel, 2));
  await until("health says so", async () => (await health()).problems.includes("ledger cannot be written"));
  const said = /error: the ledger cannot be written: .* its disk is read-only: .* mount it for writing/;
  await until("the log says so, and what to do", () => said.test(program.log));
  program.makeWritable();
  await until("the ledger is written again", () => /is written again: nothing is missing/.test(program.log));
  assertWhole(`${folder}/store/ledger`, kernel);
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

/** The ledger of a program that has served a Service and was stopped; its rules stay in `kernel`. */
async function ledgerOfRun(kernel: NetlinkKernel) {
  const folder = newNodeFolder();
  writeSource(folder, 3);
  await using program = new SourceProgram(folder, "store");
  await until("the Service is served", served(kernel, 3));
  assert.equal(await program.stop(), 0);
  const store = `${folder}/store/ledger`;
  return { folder, store, segment: `${store}/00000000000000000000.ndjson`, rules: inKernel(kernel) };
}

Deno.test("a damaged ledger is set aside; its state is served, also after a reboot, and continued in a new ledger", async () => {
  using kernel = new NetlinkKernel();
  const { folder, store, segment, rules } = await ledgerOfRun(kernel);
  for (const reboots of [false, true]) {
    // Damages the config record; the flag --node replaces it.
    const bytes = Deno.readFileSync(segment);
    bytes[bytes.indexOf(0x0a) + 10]! ^= 1;
    Deno.writeFileSync(segment, bytes);
    if (reboots) {
      removeTables(kernel);
      // A source that cannot be read, as an API server that does not answer.
      Deno.writeTextFileSync(`${folder}/source/all.json`, "{");
    }
    {
      await using program = new SourceProgram(folder, "store");
      await until("the new ledger is there", () => /goes on with \d+ records of it/.test(program.log));
      await until("the rules are there", () => inKernel(kernel).join() === rules.join());
      assert.ok([0, ...reboots ? [2] : []].includes(await program.stop()));
      assert.match(program.log, /error: the ledger is damaged: 0+\.ndjson:2 \(byte \d+\): damaged \(CRC\)/);
      Deno.truncateSync(`${folder}/log`);
    }
    assert.deepEqual(inKernel(kernel), rules);
    assert.equal(keptGaps(store).length, 1);
    assert.equal(keptGaps(store)[0]!.records, 1);
    assertWhole(store, kernel);
  }
  assert.equal([...Deno.readDirSync(store)].filter(({ name }) => name.startsWith("damaged-")).length, 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a damaged ledger on a read-only disk: its state is served after a reboot, and it is set aside once the disk is writable", async () => {
  using kernel = new NetlinkKernel();
  const { folder, store, segment, rules } = await ledgerOfRun(kernel);
  const bytes = Deno.readFileSync(segment);
  bytes[bytes.indexOf(0x0a) + 10]! ^= 1;
  Deno.writeFileSync(segment, bytes);
  removeTables(kernel);
  // A source that cannot be read, as an API server that does not answer.
  Deno.writeTextFileSync(`${folder}/source/all.json`, "{");
  await using program = new SourceProgram(folder, "readOnly");
  await until("the rules are there", () => inKernel(kernel).join() === rules.join());
  const said = /error: the ledger cannot be opened: it is damaged .*, and cannot be set aside: Read-only/;
  await until("the log says so", () => said.test(program.log));
  assert.deepEqual(Deno.readFileSync(segment), bytes);
  program.makeWritable();
  await until("the new ledger is there", () => /goes on with \d+ records of it/.test(program.log));
  assert.deepEqual(inKernel(kernel), rules);
  writeSource(folder, 4);
  await until("a change is served", served(kernel, 4));
  assert.equal(await program.stop(), 0);
  assertWhole(store, kernel);
  const [damaged, without] = keptGaps(store);
  assert.match(damaged!.reason, /damaged \(CRC\).*; set aside in damaged-/);
  assert.match(without!.reason, /cannot be set aside/);
  await Deno.remove(folder, { recursive: true });
});
