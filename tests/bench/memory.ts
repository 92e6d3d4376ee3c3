// Where each megabyte of a node is: the process at its peak and at rest, the kernel for its sets, and V8's heap by kind of
// object. The program runs from its sources, whose classes have names, with the flags of the image.
//
//   deno task bench:memory [SERVICES...]

import { imageArguments } from "../support/bundle.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import { addApiAddress } from "../support/cluster/near_plane.ts";
import { API_ADDRESS, furnishApi } from "../support/cluster/oracle.ts";
import { shell } from "../support/lab/lab.ts";
import { until } from "../support/until.ts";
import { HeapSnapshot } from "./heap_snapshot.ts";
import { makeServices } from "./peers/cluster.ts";
import { idle } from "./peers/process_costs.ts";
import { table } from "./table.ts";

const SIZES = Deno.args.length > 0 ? Deno.args.map(Number) : [0, 500, 10_000];
const ROOT = new URL("../../", import.meta.url);
const INSPECTOR = "127.0.0.1:9333";
/** Minutes after the first sync until memory counts as that of a node at rest. */
const REST_MINUTES = Number(Deno.env.get("REST_MINUTES") ?? 2);
const KINDS = 24;

interface Measured {
  readonly services: number;
  readonly peak: number;
  readonly resident: number;
  readonly proportional: number;
  readonly anonymous: number;
  readonly heap: number;
  readonly kernel: number;
  readonly snapshot: HeapSnapshot;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** A field of a file of /proc in kB, as bytes. */
function bytesOf(file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(Deno.readTextFileSync(file))![1]) * 1024;
}

/** What the kernel holds that it cannot give back: where nf_tables keeps its elements (proc(5), meminfo). */
function kernelBytes(): number {
  return ["SUnreclaim", "VmallocUsed", "Percpu"].reduce(
    (sum, field) => sum + bytesOf("/proc/meminfo", field),
    0,
  );
}

/** The runtime's debugger, by the protocol of Chrome's developer tools. */
class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: Record<string, number>) => void>();
  onChunk: (chunk: string) => void = () => {};
  #asked = 0;

  private constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = ({ data }) => {
      const { id, method, params, result } = JSON.parse(data);
      if (method === "HeapProfiler.addHeapSnapshotChunk") this.onChunk(params.chunk);
      else if (id !== undefined) this.#answers.get(id)?.(result);
    };
  }

  static async connect(): Promise<Inspector> {
    const [target] = await (await fetch(`http://${INSPECTOR}/json`)).json();
    const inspector = new Inspector(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      inspector.#socket.onopen = resolve;
      inspector.#socket.onerror = reject;
    });
    return inspector;
  }

  call(method: string): Promise<Record<string, number>> {
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params: {} }));
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Runs the program beside the API server as it is now, until it rests. */
async function measure(plane: ControlPlane, services: number): Promise<Measured> {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/log`, "");
  const main = `${ROOT.pathname}src/cli/main.ts`;
  const words = [
    "run",
    "--node",
    "node-a",
    "--kubeconfig",
    plane.kubeconfig(),
    "--ledger",
    `${folder}/ledger`,
  ];
  const [run, ...flags] = imageArguments(main, words);
  const program = new Deno.Command("sh", {
    args: [
      ...["-c", `exec "$@" >> "$0" 2>&1`, `${folder}/log`, Deno.execPath(), run!, "--no-check"],
      ...[`--inspect=${INSPECTOR}`, ...flags, main, ...words],
    ],
    env: { NO_COLOR: "1" },
    cwd: ROOT,
    stdin: "null",
  }).spawn();
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  await until("rules are in place", () => /are in place|in sync|skeleton written/.test(log()), 120_000);
  await idle(program.pid);
  await new Promise((resolve) => setTimeout(resolve, REST_MINUTES * 60_000));
  const [status, rollup] = [`/proc/${program.pid}/status`, `/proc/${program.pid}/smaps_rollup`];
  const process = {
    peak: bytesOf(status, "VmHWM"),
    resident: bytesOf(status, "VmRSS"),
    proportional: bytesOf(rollup, "Pss"),
    anonymous: bytesOf(status, "RssAnon"),
  };
  const snapshot = new HeapSnapshot();
  let heap = 0;
  {
    using inspector = await Inspector.connect();
    heap = (await inspector.call("Runtime.getHeapUsage")).totalSize!;
    inspector.onChunk = (chunk) => snapshot.add(chunk);
    await inspector.call("HeapProfiler.takeHeapSnapshot");
  }
  program.kill("SIGKILL");
  await program.status;
  const full = kernelBytes();
  shell("nft delete table ip ledgerproxy\nnft delete table ip6 ledgerproxy");
  // Sets are freed after a grace period of RCU.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const kernel = full - kernelBytes();
  Deno.removeSync(folder, { recursive: true });
  return { services, ...process, heap, kernel, snapshot };
}

addApiAddress();
await using plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
const all: Measured[] = [];
let made = 0;
for (const services of SIZES) {
  console.error(`${services} Services`);
  await makeServices(plane, services, made);
  made = services;
  all.push(await measure(plane, services));
}
table(`Megabytes, ${REST_MINUTES} minutes after the first sync`, [
  ["Services", "peak", "resident", "proportional", "anonymous", "V8's heap", "kernel"],
  ...all.map(({ services, peak, resident, proportional, anonymous, heap, kernel }) => [
    `${services}`,
    ...[peak, resident, proportional, anonymous, heap, kernel].map(megabytes),
  ]),
]);
for (const { services, snapshot } of all) {
  table(`V8's heap by kind, ${services} Services`, [
    ["bytes", "objects", "bytes a Service", "kind"],
    ...snapshot.kinds().slice(0, KINDS).map(({ name, count, bytes }) => [
      `${bytes}`,
      `${count}`,
      services === 0 ? "" : `${Math.round(bytes / services)}`,
      name,
    ]),
  ]);
}
