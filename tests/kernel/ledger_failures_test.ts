// The program with a ledger that fails: a full disk, a file system that becomes read-only, damage. Rules follow all the
// while, loudly, and nothing that was recorded is lost.

import assert from "node:assert/strict";
import { list } from "../../src/engine/run_loop.ts";
import { rulesetAt } from "../../src/fold/ruleset_at.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import type { Ruleset } from "../../src/nft/ruleset.ts";
import { elementText } from "../../src/nft/text.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);

/** Mounts the program's disk at $0/disk: a small one, or what is in $0/store. */
const DISKS = {
  small: "mount -t tmpfs -o size=256k ledger $0/disk",
  store: "mount --bind $0/store $0/disk",
  readOnly: "mount --bind $0/store $0/disk && mount -o remount,bind,ro $0/disk",
};

/** `ledgerproxy run` on a source folder; its ledger is on a disk that only it sees mounted. */
class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  constructor(readonly folder: string, disk: keyof typeof DISKS) {
    const script = `${DISKS[disk]} && exec "$@" >> $0/log 2>&1`;
    const run = ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", "run", "--node", "node-a"];
    this.#process = new Deno.Command("unshare", {
      args: [
        ...["--mount", "sh", "-c", script, folder, Deno.execPath(), ...run],
        ...["--source", `${folder}/source`, "--ledger", `${folder}/disk/ledger`],
        ...["--healthz-bind-address", "127.0.0.1:10256"],
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).spawn();
  }

  /** The disk as the program sees it. */
  get disk(): string {
    return `/proc/${this.#process.pid}/root${this.folder}/disk`;
  }

  get log(): string {
    return Deno.readTextFileSync(`${this.folder}/log`);
  }

  /** Makes a read-only disk writable, in the program's own mount namespace. */
  makeWritable(): void {
    const namespace = `--mount=/proc/${this.#process.pid}/ns/mnt`;
    const args = [namespace, "mount", "-o", "remount,bind,rw", `${this.folder}/disk`];
    const { success, stderr } = new Deno.Command("nsenter", { args }).outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  }

  async stop(): Promise<number> {
    this.#process.kill("SIGTERM");
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
  }
}

function newFolder(): string {
  const folder = Deno.makeTempDirSync();
  for (const name of ["source", "disk", "store"]) Deno.mkdirSync(`${folder}/${name}`);
  return folder;
}

/** Puts a Service and its slice into the source; `endpoints` counts them. */
function write(folder: string, endpoints: number): void {
  const objects = [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ port: 8080, name: "", protocol: "TCP" }],
      endpoints: Array.from({ length: endpoints }, (_, i) => ({ addresses: [`10.244.0.${i + 1}`] })),
    },
  ];
  // Moved into place: the program must never see half of it.
  Deno.writeTextFileSync(`${folder}/next`, JSON.stringify({ kind: "List", items: objects }));
  Deno.renameSync(`${folder}/next`, `${folder}/source/all.json`);
}

const elements = ({ elements }: Ruleset) =>
  [...elements].flatMap(([path, set]) =>
    path === POSITION_PATH ? [] : [...set.values()].map((element) => `${path} ${elementText(element)}`)
  ).sort();
const inKernel = (kernel: NetlinkKernel) => elements((list(kernel) as { ruleset: Ruleset }).ruleset);
const served = (kernel: NetlinkKernel, endpoints: number) => () =>
  inKernel(kernel).filter((text) => text.startsWith("ip ledgerproxy endpoints")).length === endpoints;
const health = async () => (await fetch("http://127.0.0.1:10256/healthz")).json();

/** What must hold of a ledger in the end. */
function assertWhole(ledger: string, kernel: NetlinkKernel): void {
  const storage = folderStorage(ledger, false);
  assert.deepEqual(verifyLedger(storage), []);
  assert.deepEqual(elements(rulesetAt(readLedger(storage))), inKernel(kernel), "kernel = fold(ledger)");
}

const gaps = (ledger: string) =>
  [...readLedger(folderStorage(ledger, false))].flatMap(({ record }) =>
    record.kind === "gap" ? [record] : []
  );

Deno.test("a full disk: rules go on, health and log say so, and nothing is missing afterwards", async () => {
  const folder = newFolder();
  using kernel = new NetlinkKernel();
  write(folder, 1);
  await using program = new Program(folder, "small");
  await until("the Service is served", served(kernel, 1));
  const filler = `${program.disk}/filler`;
  assert.throws(() => Deno.writeFileSync(filler, new Uint8Array(1 << 20)), /No space left/);
  for (let endpoints = 2; endpoints <= 20; endpoints++) {
    write(folder, endpoints);
    await until(`${endpoints} endpoints are served`, served(kernel, endpoints));
  }
  await until(
    "the log says so",
    () => /error: the ledger cannot be written: No space left/.test(program.log),
  );
  const { ledger, healthy } = await health();
  assert.match(ledger.problem, /No space left/);
  assert.ok(ledger.unwrittenRecords > 0 && healthy, "the node serves, so it is healthy");
  Deno.removeSync(filler);
  await until(
    "the ledger is written again",
    () => /the ledger is written again: nothing is missing/.test(program.log),
  );
  assertWhole(`${program.disk}/ledger`, kernel);
  assert.deepEqual(gaps(`${program.disk}/ledger`), []);
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a disk that is read-only from the start: what it holds is served, and what happens is written later", async () => {
  const folder = newFolder();
  using kernel = new NetlinkKernel();
  write(folder, 1);
  {
    await using program = new Program(folder, "store");
    await until("the Service is served", served(kernel, 1));
    assert.equal(await program.stop(), 0);
  }
  removeTables(kernel);
  await using program = new Program(folder, "readOnly");
  await until("the Service is served again", served(kernel, 1));
  write(folder, 2);
  await until("a change is served", served(kernel, 2));
  await until("health says so", async () => /Read-only/.test((await health()).ledger.problem));
  program.makeWritable();
  await until("the ledger is written again", () => /is written again: nothing is missing/.test(program.log));
  assertWhole(`${folder}/store/ledger`, kernel);
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a damaged ledger is set aside; what it knew is served, also after a reboot, and goes on in a new one", async () => {
  const folder = newFolder();
  using kernel = new NetlinkKernel();
  const store = `${folder}/store/ledger`;
  const segment = `${store}/00000000000000000000.ndjson`;
  write(folder, 3);
  {
    await using program = new Program(folder, "store");
    await until("the Service is served", served(kernel, 3));
    assert.equal(await program.stop(), 0);
  }
  const rules = inKernel(kernel);
  for (const reboots of [false, true]) {
    // The config record, whose loss the flag makes good.
    const bytes = Deno.readFileSync(segment);
    bytes[bytes.indexOf(0x0a) + 10]! ^= 1;
    Deno.writeFileSync(segment, bytes);
    if (reboots) {
      removeTables(kernel);
      // A source that says nothing, as an API server that is away.
      Deno.writeTextFileSync(`${folder}/source/all.json`, "{");
    }
    {
      await using program = new Program(folder, "store");
      await until("the new ledger is there", () => /goes on with \d+ records of it/.test(program.log));
      await until("the rules are there", () => inKernel(kernel).join() === rules.join());
      assert.equal(await program.stop(), 0);
      assert.match(program.log, /error: the ledger is damaged: 0+\.ndjson:2 \(byte \d+\): damaged \(CRC\)/);
      Deno.truncateSync(`${folder}/log`);
    }
    assert.deepEqual(inKernel(kernel), rules);
    assert.equal(gaps(store).length, 1);
    assert.equal(gaps(store)[0]!.records, 1);
    assertWhole(store, kernel);
  }
  assert.equal([...Deno.readDirSync(store)].filter(({ name }) => name.startsWith("damaged-")).length, 2);
  await Deno.remove(folder, { recursive: true });
});

/** As a reboot does. */
function removeTables(kernel: NetlinkKernel): void {
  kernel.commit(
    kernel.tables().map(({ family, name }) => ({ verb: "delete", noun: "table", family, table: name })),
  );
}
