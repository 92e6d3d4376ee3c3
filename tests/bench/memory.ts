// Where each megabyte of a node is: the process at its peak and at rest, the kernel for its sets, and V8's heap by kind of
// object. The process is the bundle with the image's flags; the heap is that of the sources, whose classes have names.
//
//   deno task bench:memory [SERVICES...]

import { imageArguments, imageCommand, imageEnvironment } from "../support/bundle.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import { addApiAddress } from "../support/cluster/near_plane.ts";
import { API_ADDRESS, furnishApi } from "../support/cluster/oracle.ts";
import { shell } from "../support/lab/lab.ts";
import { until } from "../support/until.ts";
import { HeapSnapshot } from "./heap_snapshot.ts";
import { makeServices } from "./peers/cluster.ts";
import { idle } from "./peers/process_costs.ts";
import { table } from "./table.ts";

const SIZES = (Deno.args.length > 0 ? Deno.args.map(Number) : [0, 500, 10_000]).toSorted((a, b) => a - b);
const ROOT = new URL("../../", import.meta.url);
const INSPECTOR = "127.0.0.1:9333";
/** Minutes after the first sync until memory counts as that of a node at rest. */
const REST_MINUTES = Number(Deno.env.get("REST_MINUTES") ?? 2);
const KINDS = 24;

/** Bytes of a process. */
interface Figures {
  readonly peak: number;
  readonly resident: number;
  readonly proportional: number;
  readonly anonymous: number;
}

interface Measured {
  readonly services: number;
  readonly figures: Figures;
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
  readonly #answers = new Map<number, () => void>();
  onChunk: (chunk: string) => void = () => {};
  #asked = 0;

  private constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.onmessage = ({ data }) => {
      const { id, method, params } = JSON.parse(data);
      if (method === "HeapProfiler.addHeapSnapshotChunk") this.onChunk(params.chunk);
      else if (id !== undefined) this.#answers.get(id)?.();
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

  call(method: string): Promise<void> {
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

/** A process, and the folder of its ledger and log. */
class Node implements Disposable {
  readonly folder = Deno.makeTempDirSync();
  readonly process: Deno.ChildProcess;

  /** Starts what `command` makes of the program's arguments. */
  constructor(plane: ControlPlane, command: (...args: string[]) => string[]) {
    const { folder } = this;
    const log = `${folder}/log`;
    Deno.writeTextFileSync(log, "");
    const flags = ["--node", "node-a", "--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`];
    this.process = new Deno.Command("sh", {
      args: ["-c", `exec "$@" >> "$0" 2>&1`, log, ...command("run", ...flags)],
      env: { ...imageEnvironment(), NO_COLOR: "1" },
      cwd: ROOT,
      stdin: "null",
    }).spawn();
  }

  /** Waits until its rules are in place and it has rested. */
  async rest(minutes: number): Promise<void> {
    const log = () => Deno.readTextFileSync(`${this.folder}/log`);
    await until("rules are in place", () => /are in place|in sync|skeleton written/.test(log()), 120_000);
    await idle(this.process.pid);
    await new Promise((resolve) => setTimeout(resolve, minutes * 60_000));
  }

  [Symbol.dispose](): void {
    // Under its debugger the runtime does not end at SIGTERM.
    this.process.kill("SIGKILL");
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function figuresOf(pid: number): Figures {
  const [status, rollup] = [`/proc/${pid}/status`, `/proc/${pid}/smaps_rollup`];
  return {
    peak: bytesOf(status, "VmHWM"),
    resident: bytesOf(status, "VmRSS"),
    proportional: bytesOf(rollup, "Pss"),
    anonymous: bytesOf(status, "RssAnon"),
  };
}

/** Deletes our tables; returns what the kernel has again afterwards. */
async function freeTables(): Promise<number> {
  const before = kernelBytes();
  shell("nft delete table ip ledgerproxy\nnft delete table ip6 ledgerproxy");
  // Sets are freed after a grace period of RCU.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return before - kernelBytes();
}

async function bundleFigures(plane: ControlPlane): Promise<Figures> {
  using node = new Node(plane, imageCommand);
  await node.rest(REST_MINUTES);
  return figuresOf(node.process.pid);
}

/** The bundle beside the API server as it is now, and the heap of the same program from its sources. */
async function measure(plane: ControlPlane, services: number): Promise<Measured> {
  const figures = await bundleFigures(plane);
  const kernel = await freeTables();
  const main = `${ROOT.pathname}src/cli/main.ts`;
  const snapshot = new HeapSnapshot();
  {
    using node = new Node(plane, (...args) => {
      const [run, ...flags] = imageArguments(main, args);
      return [Deno.execPath(), run!, "--no-check", `--inspect=${INSPECTOR}`, ...flags, main, ...args];
    });
    await node.rest(0);
    using inspector = await Inspector.connect();
    inspector.onChunk = (chunk) => snapshot.add(chunk);
    await inspector.call("HeapProfiler.takeHeapSnapshot");
  }
  await freeTables();
  return { services, figures, kernel, snapshot };
}

/** A program that does nothing on the same runtime with the same flags. */
async function emptyProgram(): Promise<Figures> {
  const file = Deno.makeTempFileSync({ suffix: ".js" });
  Deno.writeTextFileSync(file, "setInterval(() => {}, 1000);");
  const args = [...imageArguments(file, []), file];
  const process = new Deno.Command(Deno.execPath(), { args }).spawn();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const figures = figuresOf(process.pid);
  process.kill("SIGKILL");
  await process.status;
  Deno.removeSync(file);
  return figures;
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
const row = ({ peak, resident, proportional, anonymous }: Figures) =>
  [peak, resident, proportional, anonymous].map(megabytes);
table(`Megabytes, ${REST_MINUTES} minutes after the first sync`, [
  ["Services", "peak", "resident", "proportional", "anonymous", "kernel"],
  ["empty program", ...row(await emptyProgram()), ""],
  ...all.map(({ services, figures, kernel }) => [`${services}`, ...row(figures), megabytes(kernel)]),
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
