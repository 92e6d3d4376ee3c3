// Other programs commit while our rules are read and changed: one that never pauses elsewhere, and one that deletes our tables in the middle of
// a comparison.

import assert from "node:assert/strict";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { newRunningProxy, wake, wakeAt } from "../../src/engine/running_proxy.ts";
import { CONTAINERS, skeleton, TABLE } from "../../src/fold/skeleton.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { messageAttributes, messages, u32 } from "../../src/kernel/netlink_reader.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import { MSG, NFNLGRP_NFTABLES, NFTA_GEN } from "../../src/kernel/nf_tables.ts";
import { RulesetMonitor } from "../../src/kernel/ruleset_monitor.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { separated } from "../../src/nft/objects.ts";
import { canonicalKey, setPath } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { smallServices } from "../support/large_service.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url);
const BUSY = "tests/support/busy_program.ts";
const LISTINGS = 5;
const SERVICES = 300;
const COMMITS = 200;

function started(kernel: NetlinkKernel): EngineProcess {
  const process = new EngineProcess(kernel, memoryStorage());
  process.list(
    ...smallServices(SERVICES, 2).map(decodeObject).flatMap((one) => one.ok ? [one.object] : []),
  );
  return process;
}

function digest(kernel: NetlinkKernel): string {
  const { tables, elements } = separated(kernel.list(OUR_TABLES));
  return digestText(rulesetDigest(tables, elements));
}

/** Calls `action` while another program commits without a pause. */
async function besideBusy(kernel: NetlinkKernel, action: () => void): Promise<void> {
  const args = ["run", "--allow-all", "--no-check", "--quiet", BUSY];
  const busy = new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null" }).spawn();
  try {
    const begun = kernel.generation();
    await until("it commits", () => kernel.generation() > begun + 1000);
    action();
  } finally {
    busy.kill("SIGKILL");
    await busy.status;
  }
}

/** The generation in the notification of the last batch that came through `port`. */
function notifiedGeneration(socket: NetlinkSocket, port: number): number | undefined {
  let generation: number | undefined;
  for (let datagram; (datagram = socket.receive(false)) !== undefined;) {
    for (const message of messages(datagram)) {
      if ((message.type & 0xff) !== MSG.NEWGEN || message.port !== port) continue;
      generation = u32(messageAttributes(message), NFTA_GEN.ID);
    }
  }
  return generation;
}

Deno.test("our rules are listed beside a program that commits without a pause", async () => {
  using kernel = new NetlinkKernel();
  using _process = started(kernel);
  const before = digest(kernel);
  await besideBusy(kernel, () => {
    for (let i = 0; i < LISTINGS; i++) assert.doesNotThrow(() => assert.equal(digest(kernel), before));
  });
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});

Deno.test("the generation of a commit is the one that it made, also where other programs commit around it", async () => {
  using kernel = new NetlinkKernel();
  kernel.commit(skeleton(DEFAULT_PROXY_CONFIG).flatMap(createTable));
  const set = setPath("ip", TABLE, "cluster-ips");
  const container = CONTAINERS.get(set)!;
  const turn = (verb: "add" | "delete") =>
    kernel.commit([{ verb, noun: "element", set, container, element: { key: canonicalKey("10.96.0.1") } }]);
  turn("add");
  using socket = new NetlinkSocket(NFNLGRP_NFTABLES);
  await besideBusy(kernel, () => {
    for (let i = 0; i < COMMITS; i++) {
      notifiedGeneration(socket, kernel.port);
      const { generation } = turn(i % 2 === 0 ? "delete" : "add");
      assert.equal(generation, notifiedGeneration(socket, kernel.port));
    }
  });
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});

Deno.test("tables that are deleted in the middle of a comparison are put back, and the program that did it is named", () => {
  using kernel = new NetlinkKernel();
  using monitor = new RulesetMonitor(TABLE, kernel.port);
  using process = started(kernel);
  const before = digest(kernel);
  const running = newRunningProxy(process.engine, { ...process.ports, monitor }, 0);
  // The audit comes first, and some of its pieces.
  while (running.comparison.pieces === undefined) wake(running, wakeAt(running));
  for (let i = 0; i < 4; i++) wake(running, wakeAt(running));
  nft(["-f", "-"], `delete table ip ${TABLE}`);
  const end = wakeAt(running) + 30_000;
  while (wakeAt(running) < end) wake(running, wakeAt(running));
  assert.deepEqual([digest(kernel), process.engine.rejections], [before, 0]);
  const drifts = [...readLedger(process.storage)].flatMap(({ record }) =>
    record.kind === "drift" ? [record] : []
  );
  const named = drifts.map(({ process, changes }) => `${process}: ${changes.join(", ")}`);
  assert.ok(
    named.some((text) => text.startsWith("nft: ") && text.includes(`delete table ip ${TABLE}`)),
    named.join("\n"),
  );
  nft(["-f", "-"], `delete table ip ${TABLE}; delete table ip6 ${TABLE}`);
});
