// Cost and benefit of the ledger: a sync with it, in each policy, beside one without; a start that finds its rules in
// the kernel beside one without rules.
//
//   deno task bench:ledger [SERVICES]

import { newEngine } from "../../src/engine/engine.ts";
import { commitBatch, list, perform } from "../../src/engine/executor.ts";
import type { Ports } from "../../src/engine/ports.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import type { SyncPolicy } from "../../src/ledger/disk_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { imageCommand } from "../support/bundle.ts";
import { table } from "./table.ts";

const services = Number(Deno.args[0] ?? 10_000);
const CHANGES = 3000;
const STARTS = 5;
const folder = Deno.makeTempDirSync();

appendCosts();
await starts();
Deno.removeSync(folder, { recursive: true });

/** From an event to its commit in the fake kernel, with the ledger in each policy. */
function appendCosts(): void {
  const rows = ["no ledger", "never", "interval", "always"].map((policy) => {
    const times = syncTimes(policy as SyncPolicy | "no ledger").sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(share * (times.length - 1))]!;
    return { policy, p50: at(0.5), p99: at(0.99) };
  });
  const base = rows[0]!;
  table(`One endpoint changed, event to commit in the fake kernel, ${CHANGES} times`, [
    ["--fsync", "p50", "p99", "added p50", "ratio"],
    ...rows.map(({ policy, p50, p99 }) => [
      policy,
      `${(p50 * 1000).toFixed(0)} us`,
      `${(p99 * 1000).toFixed(0)} us`,
      `${((p50 - base.p50) * 1000).toFixed(0)} us`,
      (p50 / base.p50).toFixed(2),
    ]),
  ]);
}

function syncTimes(policy: SyncPolicy | "no ledger"): number[] {
  const engine = newEngine();
  const kernel = new FakeKernel();
  using ledger = policy === "no ledger"
    ? nothing()
    : new LedgerWriter(folderStorage(`${folder}/${policy}`, true), { policy });
  const ports: Ports = {
    kernel,
    ledger: ledger as LedgerWriter,
    now: () => new Date().toISOString(),
    report: () => {},
    warn: () => {},
  };
  perform(engine, ports, { kind: "opened", ledger: "0123456789abcdef" });
  perform(engine, ports, list(kernel));
  const time = new Date().toISOString();
  const batch = (objects: readonly KubeObject[]) =>
    ({ kind: "list", objects, complete: false, time, problems: [] }) as const;
  const times: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const objects = [
      service("shop/web 10.96.0.1 http:80/tcp"),
      slice(`shop/web-a http:8080/tcp 10.244.0.1 10.244.${1 + (change >> 8)}.${change & 255}`),
    ];
    const start = performance.now();
    perform(engine, ports, { kind: "batch", batch: batch(objects) });
    commitBatch(engine, ports);
    times.push(performance.now() - start);
  }
  // The first commits write the skeleton and warm up.
  return times.slice(500);
}

/** A ledger that assigns offsets and stores nothing. */
function nothing(): Pick<LedgerWriter, "append" | "failure"> & Disposable {
  let next = 0;
  return {
    append(records: readonly LedgerRecord[]) {
      next += records.length;
      return next - records.length as Offset;
    },
    failure: undefined,
    [Symbol.dispose]() {},
  };
}

/** The time of the shipped program from its start to its rules in the kernel, from its log. */
async function starts(): Promise<void> {
  const source = `${folder}/cluster.json`;
  Deno.writeTextFileSync(source, JSON.stringify({ kind: "List", items: cluster() }));
  const run = async () => {
    const start = performance.now();
    const [program, ...args] = imageCommand(
      "run",
      "--source",
      source,
      "--ledger",
      `${folder}/starts`,
      "--once",
    );
    const { stderr } = await new Deno.Command(program!, {
      args,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stderr);
    const inPlace = /are in place, as of @\d+, (\d+) ms/.exec(text);
    return {
      milliseconds: inPlace ? Number(inPlace[1]) : performance.now() - start,
      operations: operationsIn(text),
    };
  };
  const cold = await run();
  const warm = [];
  for (let i = 0; i < STARTS; i++) warm.push(await run());
  const median = warm.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)[STARTS >> 1]!;
  table(`Start of the program, ${services} Services with 2 endpoints`, [
    ["start", "to rules in place", "operations", "ratio"],
    ["from nothing", `${(cold.milliseconds / 1000).toFixed(2)} s`, String(cold.operations), "1"],
    [
      `again (median of ${STARTS})`,
      `${(median / 1000).toFixed(2)} s`,
      String(Math.max(...warm.map(({ operations }) => operations))),
      (median / cold.milliseconds).toFixed(2),
    ],
  ]);
}

function operationsIn(text: string): number {
  return [...text.matchAll(/([\d,]+) operations/g)].reduce(
    (sum, [, n]) => sum + Number(n!.replaceAll(",", "")),
    0,
  );
}

function cluster(): unknown[] {
  return Array.from({ length: services }, (_, i) => {
    const [high, low] = [(i >> 8) & 255, i & 255];
    return [{
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `s${i}`, namespace: "shop" },
      spec: { clusterIP: `10.${96 + (i >> 16)}.${high}.${low}`, ports: [{ port: 80 }] },
    }, {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: `s${i}-a`, namespace: "shop", labels: { "kubernetes.io/service-name": `s${i}` } },
      addressType: "IPv4",
      ports: [{ port: 8080, name: "", protocol: "TCP" }],
      endpoints: [{ addresses: [`10.128.${high}.${low}`] }, { addresses: [`10.160.${high}.${low}`] }],
    }];
  }).flat();
}
