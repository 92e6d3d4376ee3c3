// Files that the program reads while it runs, on a disk that stands still in every call: configuration, credentials and source. The
// loop goes on: rules are put back, health answers, and requests are sent with the credentials that were there.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { kubeconfig, Server } from "../support/api_server.ts";
import { FaultyDisk } from "../support/faulty_disk.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { newNodeFolder, served, SourceProgram, writeSource } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** Longer than any wait of these tests for something that must come meanwhile. */
const HUNG_MILLISECONDS = 40_000;
/** What must come while the disk hangs comes in this time. */
const MEANWHILE_MILLISECONDS = 15_000;
/** The program looks at its files every second. */
const LOOKS_MILLISECONDS = 3000;
const HEALTH = "http://127.0.0.1:10256";
const METRICS = "127.0.0.1:10249";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until the program has looked at its files, which hang; then it must still answer. */
async function answersWhileHung(): Promise<void> {
  await pause(LOOKS_MILLISECONDS);
  const answer = fetch(`${HEALTH}/livez`, { signal: AbortSignal.timeout(MEANWHILE_MILLISECONDS) })
    .then((response) => response.text(), String);
  assert.match(await answer, /"healthy":true/, "health answers while the disk hangs");
}

/** The configuration of a node that masquerades with this bit. */
function writeConfig(path: string, masqueradeBit: number): void {
  const kind = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const bound = { metricsBindAddress: METRICS, healthzBindAddress: "127.0.0.1:10256" };
  const conntrack = { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" };
  Deno.writeTextFileSync(
    path,
    JSON.stringify({ ...kind, ...bound, conntrack, mode: "nftables", nftables: { masqueradeBit } }),
  );
}

/** Puts the source on `disk`, with one Service. */
function moveSource(folder: string, disk: FaultyDisk): void {
  Deno.mkdirSync(`${disk.path}/source`);
  disk.run("mount", "--bind", `${folder}/disk/source`, `${folder}/source`);
  writeSource(disk.path, 1);
}

Deno.test("a configuration on a disk that hangs: rules follow, health answers, and a later change is applied", async () => {
  const folder = newNodeFolder();
  await using disk = await FaultyDisk.make(folder);
  using kernel = new NetlinkKernel();
  writeSource(folder, 1);
  writeConfig(`${disk.path}/config.yaml`, 14);
  await using program = new SourceProgram(folder, disk, "--config", `${folder}/disk/config.yaml`);
  await until("the Service is served", served(kernel, 1));
  {
    await using _hung = disk.hang(HUNG_MILLISECONDS);
    await answersWhileHung();
    writeSource(folder, 2);
    await until("a change is served while the disk hangs", served(kernel, 2), MEANWHILE_MILLISECONDS);
  }
  writeConfig(`${disk.path}/config.yaml`, 3);
  await until("the changed configuration is applied", () => /0x00000008/.test(nft(["list", "ruleset"])));
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a configuration and a source on a disk that hangs do not keep the program from ending", async () => {
  const folder = newNodeFolder();
  await using disk = await FaultyDisk.make(folder);
  using kernel = new NetlinkKernel();
  Deno.mkdirSync(`${disk.path}/source`);
  writeSource(disk.path, 1);
  writeConfig(`${disk.path}/config.yaml`, 14);
  // The ledger is on another disk, which closes it at once.
  disk.run("mount", "--bind", `${folder}/disk/source`, `${folder}/source`);
  disk.run("mount", "--bind", `${folder}/disk`, `${folder}/store`);
  disk.run("umount", `${folder}/disk`);
  await using program = new SourceProgram(folder, disk, "--config", `${folder}/store/config.yaml`);
  await until("the Service is served", served(kernel, 1));
  await using _hung = disk.hang(HUNG_MILLISECONDS);
  await answersWhileHung();
  const early = AbortSignal.timeout(MEANWHILE_MILLISECONDS);
  const late = new Promise((resolve) => early.addEventListener("abort", () => resolve("it goes on")));
  assert.equal(await Promise.race([program.stop(), late]), 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a source on a disk that hangs: rules are put back, health answers, and a later change is served", async () => {
  const folder = newNodeFolder();
  await using disk = await FaultyDisk.make(folder);
  using kernel = new NetlinkKernel();
  moveSource(folder, disk);
  await using program = new SourceProgram(folder, disk);
  await until("the Service is served", served(kernel, 1));
  {
    await using _hung = disk.hang(HUNG_MILLISECONDS);
    await answersWhileHung();
    nft(["flush", "map", "ip", "ledgerproxy", "single-endpoints"]);
    await until("its rules are put back meanwhile", served(kernel, 1), MEANWHILE_MILLISECONDS);
  }
  writeSource(disk.path, 2);
  await until("a change is served afterwards", served(kernel, 2));
  assert.equal(await program.stop(), 0);
  await Deno.remove(folder, { recursive: true });
});

for (const held of ["OPENDIR", "OPEN", "READ"] as const) {
  Deno.test(`a source whose disk begins to hang in ${held}: the loop goes on, and the change is served afterwards`, async () => {
    const folder = newNodeFolder();
    await using disk = await FaultyDisk.make(folder);
    using kernel = new NetlinkKernel();
    moveSource(folder, disk);
    await using program = new SourceProgram(folder, disk);
    await until("the Service is served", served(kernel, 1));
    await disk.fail({ held });
    // The end comes from a timer: without the mend, the program waits for it.
    const end = setTimeout(() => void disk.fail({}), HUNG_MILLISECONDS);
    writeSource(disk.path, 2);
    await answersWhileHung();
    nft(["flush", "map", "ip", "ledgerproxy", "single-endpoints"]);
    await until("its rules are put back meanwhile", served(kernel, 1), MEANWHILE_MILLISECONDS);
    clearTimeout(end);
    await disk.fail({});
    await until("the change is served afterwards", served(kernel, 2));
    assert.equal(await program.stop(), 0);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("credentials on a disk that hangs: the loop goes on, and requests have those that were read before", async () => {
  const folder = newNodeFolder();
  await using disk = await FaultyDisk.make(folder);
  await using server = new Server(() => Response.json({}));
  server.firstLists = true;
  const tokenFile = `${disk.path}/token`;
  Deno.writeTextFileSync(tokenFile, "first\n");
  using client = new ApiClient(kubeconfig(folder, `https://127.0.0.1:${server.port}`, { tokenFile }));
  const ask = () =>
    client.get("/api/v1/services", {}, AbortSignal.timeout(MEANWHILE_MILLISECONDS))
      .then(async (response) => {
        await response.body?.cancel();
        return response.status;
      }, String);
  assert.equal(await ask(), 200);
  const before = performance.now();
  {
    await using _hung = disk.hang(HUNG_MILLISECONDS);
    await pause(500);
    assert.equal(await ask(), 200);
    assert.ok(performance.now() - before < HUNG_MILLISECONDS, "a request is answered while the disk hangs");
  }
  assert.equal(await ask(), 200);
  await Deno.remove(folder, { recursive: true });
});
