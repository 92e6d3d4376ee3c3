// Where the time of a first sync goes, from the start of the process to rules in the kernel: for each step when it begins and
// ends, and its share of the CPU. The program runs from its sources under the runtime's profiler, so each sample names a file.
//
//   deno task bench:start [SERVICES]

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { imageArguments } from "../support/bundle.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import { API_ADDRESS, connectApi, furnishApi } from "../support/cluster/oracle.ts";
import { Lab } from "../support/lab/lab.ts";
import { makeServices } from "./peers/cluster.ts";
import { cpuSeconds, settled } from "./peers/process_costs.ts";
import { table } from "./table.ts";

const SERVICES = Number(Deno.args[0] ?? 1000);
const ROOT = new URL("../../", import.meta.url);
const SAMPLE_MICROSECONDS = 250;

/** The steps, by the file that a sample is in: the first that fits. */
const STEPS: readonly (readonly [string, RegExp])[] = [
  ["read messages", /\/src\/ingest\/(protobuf|framing|body|shared_texts|unix_time)/],
  ["check objects", /\/src\/kube\//],
  ["connection, lists, watches", /\/src\/ingest\//],
  ["ledger", /\/src\/ledger\//],
  ["fold", /\/src\/fold\//],
  ["plan", /\/src\/plan\//],
  ["render and commit", /\/src\/(kernel|nft)\//],
  ["engine", /\/src\/engine\//],
  ["configuration, log, metrics", /\/src\/(node|serve|cli)\//],
];

/** A profile of V8 (the protocol's Profiler.Profile). */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Step {
  first: number;
  last: number;
  own: number;
}

/** The step of each node: that of the nearest caller that has one. */
function stepsOf({ nodes }: Profile): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const steps = new Map<number, string>();
  const visit = (id: number, caller: string) => {
    const { callFrame: { functionName, url }, children = [] } = byId.get(id)!;
    const own = functionName === "(idle)" || functionName === "(garbage collector)"
      ? functionName.slice(1, -1)
      : caller === "modules"
      ? caller
      : STEPS.find(([, files]) => files.test(url))?.[0];
    // A module is evaluated by a nameless function that nothing calls.
    const isModule = caller === "runtime" && functionName === "" && url !== "";
    const step = isModule ? "modules" : own ?? caller;
    steps.set(id, step);
    for (const child of children) visit(child, step);
  };
  visit(nodes[0]!.id, "runtime");
  return steps;
}

/** The steps of `profile`, up to `end` milliseconds after the profile began. */
function waterfall(profile: Profile, end: number): Map<string, Step> {
  const steps = stepsOf(profile);
  const found = new Map<string, Step>();
  let at = 0;
  profile.samples.forEach((id, i) => {
    at += profile.timeDeltas[i]! / 1000;
    if (at > end) return;
    const name = steps.get(id)!;
    const step = found.get(name) ?? { first: at, last: at, own: 0 };
    step.last = at;
    step.own += profile.timeDeltas[i + 1] === undefined ? 0 : profile.timeDeltas[i + 1]! / 1000;
    found.set(name, step);
  });
  return found;
}

/** Starts the program from its sources, under the profiler. */
function start(lab: Lab, folder: string, kubeconfig: string): Deno.ChildProcess {
  const ledger = `${folder}/ledger`;
  const words = [
    "src/cli/main.ts",
    "run",
    "--node",
    "node-a",
    "--kubeconfig",
    kubeconfig,
    "--ledger",
    ledger,
  ];
  const [run, ...flags] = imageArguments(`${ROOT}src/cli/main.ts`, words);
  const profiler = ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${SAMPLE_MICROSECONDS}`];
  const args = [run!, "--no-check", ...profiler, ...flags, ...words];
  return lab.inside(
    "node",
    () =>
      new Deno.Command(Deno.execPath(), { args, cwd: ROOT, stdin: "null", stdout: "null", stderr: "null" })
        .spawn(),
  );
}

using lab = new Lab();
connectApi(lab);
await using plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
console.error(`making ${SERVICES} Services`);
await makeServices(plane, SERVICES);
const folder = Deno.makeTempDirSync();
using kernel = lab.inside("node", () => new NetlinkKernel());
const begin = performance.now();
const process = start(lab, folder, plane.kubeconfig());
const synced = await settled(kernel, process.pid) - begin;
const cpu = cpuSeconds(process.pid) * 1000;
process.kill("SIGTERM");
await process.status;
const [file] = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".cpuprofile"));
const profile: Profile = JSON.parse(Deno.readTextFileSync(`${folder}/${file!.name}`));
Deno.removeSync(folder, { recursive: true });
const steps = [...waterfall(profile, synced)].sort(([, a], [, b]) => a.first - b.first);
const width = 40;
const bar = ({ first, last }: Step) => {
  const [from, to] = [first, last].map((at) => Math.min(width, Math.floor(at / synced * width)));
  return `${" ".repeat(from!)}${"=".repeat(Math.max(1, to! - from!))}`.padEnd(width);
};
table(
  `${SERVICES} Services: rules ${Math.round(synced)} ms after the start, ${
    Math.round(cpu)
  } ms of CPU, in milliseconds`,
  [
    ["", "from", "to", "of its own", ""],
    ...steps.map((
      [name, step],
    ) => [name, ...[step.first, step.last, step.own].map((at) => at.toFixed(0)), bar(step)]),
  ],
);
