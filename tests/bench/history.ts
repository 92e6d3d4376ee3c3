// The time to write, replay and query a ledger of the size that a busy node has.
//
//   deno task bench:history [EVENTS]

import { newEngine } from "../../src/engine/engine.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { SNAPSHOT_TAIL_BYTES } from "../../src/limits/ledger.ts";
import { progress } from "../../src/node/progress.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { table } from "./table.ts";

const SERVICES = 2000;
/** Events that arrive while one commit runs. */
const EVENTS_A_SYNC = 4;
const KEEP = { bytes: Infinity, milliseconds: Infinity };

const ROOT = new URL("../../", import.meta.url);

if (import.meta.main) {
  const events = Number(Deno.args[0] ?? 1_000_000);
  const folder = Deno.args[1] ?? Deno.makeTempDirSync();
  if (Deno.args[1] === undefined) makeLedger(folder, events);
  await ask(events, folder);
  if (Deno.args[1] === undefined) Deno.removeSync(folder, { recursive: true });
}

/** Runs the commands that a user would run, each in a new process. */
async function ask(events: number, folder: string): Promise<void> {
  const ledger = ["--ledger", folder];
  const middle = `@${Math.floor(events / 2)}`;
  const questions: [string, string[]][] = [
    ["log SERVICE, making the index", ["log", "shop/s7", "--limit", "100000", ...ledger]],
    ["log SERVICE", ["log", "shop/s7", ...ledger]],
    ["log --address, long ago", ["log", "--address", "10.160.20.64", ...ledger]],
    ["show @N, in the middle", ["show", middle, ...ledger]],
    ["show TIME", ["show", "2026-11-01T12:00:00Z", ...ledger]],
    ["blame SERVICE", ["blame", "shop/s7", ...ledger]],
    ["why, in the middle", ["why", "10.244.0.9", "10.96.0.7:80/tcp", "--at", middle, ...ledger]],
    ["replay", ["replay", folder]],
  ];
  const rows = [];
  for (const [name, args] of questions) {
    const { seconds, peakMegabytes } = await timed(args);
    const rate = name === "replay" ? `${Math.round(events / seconds).toLocaleString("en")} events/s` : "";
    rows.push([name, `${seconds.toFixed(2)} s`, `${peakMegabytes} MB`, rate]);
  }
  table(`A ledger of ${events.toLocaleString("en")} events, ${SERVICES} Services`, [
    ["question", "answer after", "peak memory", ""],
    ...rows,
  ]);
}

async function timed(args: readonly string[]): Promise<{ seconds: number; peakMegabytes: number }> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "ledgerproxy", ...args],
    cwd: ROOT,
    stdout: "null",
    stderr: "null",
  }).spawn();
  let peak = 0;
  const watch = setInterval(() => peak = Math.max(peak, highWater(child.pid)), 20);
  const { success } = await child.status;
  clearInterval(watch);
  if (!success) throw new Error(`${args.join(" ")} failed`);
  return { seconds: (performance.now() - start) / 1000, peakMegabytes: Math.round(peak / 1000) };
}

/** VmHWM of a process and its children in kB; 0 when it has ended. */
function highWater(pid: number): number {
  try {
    const own = Number(/VmHWM:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] ?? 0);
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ");
    return Math.max(
      own,
      ...children.filter((child) => child !== "").map((child) => highWater(Number(child))),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Error && "code" in error) return 0;
    throw error;
  }
}

/** A ledger of `events` changes of endpoints, from the engine, in `folder`. */
export function makeLedger(folder: string, events: number): void {
  const engine = newEngine();
  const kernel = new FakeKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
  let seconds = Date.parse("2026-11-01T00:00:00Z") / 1000;
  const ports: Ports = {
    kernel,
    ledger,
    now: () => new Date(seconds * 1000).toISOString(),
    report: () => {},
    warn: () => {},
  };
  const written = progress("events written");
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
  perform(engine, ports, list(kernel));
  const sync = (objects: readonly KubeObject[]) => {
    seconds++;
    perform(engine, ports, {
      kind: "batch",
      batch: { kind: "list", objects, complete: false, time: ports.now(), problems: [] },
    });
    commitBatch(engine, ports);
    if (ledger.tailBytes > SNAPSHOT_TAIL_BYTES) writeSnapshot(ledger, snapshotLines(engine.cluster), KEEP);
  };
  sync(
    Array.from({ length: SERVICES }, (_, i) => [
      service(`shop/s${i} 10.96.${i >> 8}.${i & 255} http:80/tcp`),
      endpoints(i, 0),
    ]).flat(),
  );
  for (let event = 2 * SERVICES; event < events; event += EVENTS_A_SYNC) {
    sync(Array.from({ length: EVENTS_A_SYNC }, (_, i) => endpoints((event + i) * 7919 % SERVICES, event)));
    written(event);
  }
}

function endpoints(service: number, moment: number): KubeObject {
  const [high, low] = [(moment >> 8) & 255, moment & 255];
  return slice(
    `shop/s${service}-a http:8080/tcp 10.${128 + (service >> 8)}.0.${service & 255} 10.${
      160 + (moment >> 16)
    }.${high}.${low}`,
  );
}
