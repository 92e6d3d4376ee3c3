// From a PATCH of one EndpointSlice to the rule in the kernel, beside kube-proxy with the same API server: both follow it
// at once, each on a node of its own, and each change is timed for both.
//
//   deno task bench:api [SERVICES] [CHANGES]

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { ControlPlane, end, startProgram } from "../support/cluster/control_plane.ts";
import { API_ADDRESS, connectApi, furnishApi, kubeProxyConfiguration } from "../support/cluster/oracle.ts";
import { makeBundle, startBundle } from "../support/cluster/program.ts";
import { Lab } from "../support/lab/lab.ts";
import { until } from "../support/until.ts";
import { table } from "./table.ts";

const services = Number(Deno.args[0] ?? 1000);
const changes = Number(Deno.args[1] ?? 100);
const TOGETHER = 16;
const SETTLED_MILLISECONDS = 3000;
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const CLOCK_TICKS = 100;

/** A proxy under measurement. */
interface Contender {
  readonly name: string;
  readonly lab: Lab;
  readonly kernel: NetlinkKernel;
  readonly process: Deno.ChildProcess;
  firstSync: number;
  readonly latencies: number[];
  cpuAtStart: number;
}

const folder = Deno.makeTempDirSync();
const bundle = makeBundle(folder);
const labs = [new Lab(), new Lab()] as const;
connectApi(labs[0], "api");
connectApi(labs[1], "api2");
const plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
console.error(`making ${services} Services`);
for (let at = 0; at < services; at += TOGETHER) {
  await Promise.all(Array.from({ length: Math.min(TOGETHER, services - at) }, (_, i) => make(at + i)));
}
const contenders: Contender[] = [];
for (const [i, name] of ["kube-proxy", "ledgerproxy"].entries()) {
  console.error(`starting ${name}`);
  const lab = labs[i]!;
  const kernel = lab.inside("node", () => new NetlinkKernel());
  const start = performance.now();
  const process = name === "kube-proxy" ? lab.inside("node", startKubeProxy) : startBundle(
    lab,
    bundle,
    `${folder}/ledgerproxy.log`,
    ...["run", "--node", "node-a", "--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`],
  );
  const contender = { name, lab, kernel, process, firstSync: 0, latencies: [], cpuAtStart: 0 };
  contender.firstSync = await settled(kernel) - start;
  contenders.push(contender);
}
for (const contender of contenders) contender.cpuAtStart = cpuSeconds(contender.process.pid);
for (let change = 0; change < changes; change++) await timeChange(change);
table(
  `One endpoint changed by PATCH, ${services} Services with 2 endpoints (kube-proxy 1.37 and this program, one API server)`,
  [
    ["proxy", "first sync", "PATCH to kernel p50", "p99", "CPU a change", "memory"],
    ...contenders.map(({ name, process, firstSync, latencies, cpuAtStart }) => [
      name,
      `${(firstSync / 1000).toFixed(2)} s`,
      `${percentile(latencies, 0.5).toFixed(1)} ms`,
      `${percentile(latencies, 0.99).toFixed(1)} ms`,
      `${((cpuSeconds(process.pid) - cpuAtStart) / changes * 1000).toFixed(1)} ms`,
      `${Math.round(residentBytes(process.pid) / 1e6)} MB`,
    ]),
  ],
);
for (const { process, kernel } of contenders) {
  await end(process);
  kernel[Symbol.dispose]();
}
await plane[Symbol.asyncDispose]();
for (const lab of labs) lab[Symbol.dispose]();
Deno.removeSync(folder, { recursive: true });

async function make(number: number): Promise<void> {
  const name = `s${number}`;
  await plane.call("POST", "/api/v1/namespaces/shop/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { ports: [{ port: 80, protocol: "TCP" }] },
  });
  await plane.call("POST", SLICES, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-a`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080, name: "", protocol: "TCP" }],
    endpoints: endpoints(number, 0),
  });
}

function endpoints(number: number, generation: number) {
  const address = (network: number, value: number) => `10.${network}.${(value >> 8) & 255}.${value & 255}`;
  return [{ addresses: [address(128, number)] }, {
    addresses: [address(160 + (number >> 16), number + generation * 7 + 1)],
  }];
}

/** PATCHes one slice and waits until both kernels have a new generation. */
async function timeChange(change: number): Promise<void> {
  const number = (change * 7919) % services;
  const before = contenders.map(({ kernel }) => kernel.generation());
  const start = performance.now();
  const waits = contenders.map(async ({ kernel, latencies }, i) => {
    while (kernel.generation() === before[i]) await new Promise((resolve) => setTimeout(resolve, 0));
    latencies.push(performance.now() - start);
  });
  await plane.call("PATCH", `${SLICES}/s${number}-a`, { endpoints: endpoints(number, change + 1) });
  await Promise.all(waits);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** When the last commit was, once nothing has changed for a while: the end of the first sync. */
async function settled(kernel: NetlinkKernel): Promise<number> {
  const first = kernel.generation();
  let seen = first;
  let at = performance.now();
  await until("the first sync is over", () => {
    const now = kernel.generation();
    if (now !== seen) [seen, at] = [now, performance.now()];
    return seen !== first && performance.now() - at > SETTLED_MILLISECONDS;
  }, 600_000);
  return at;
}

function startKubeProxy(): Deno.ChildProcess {
  const file = `${folder}/kube-proxy.json`;
  Deno.writeTextFileSync(
    file,
    JSON.stringify(kubeProxyConfiguration(DEFAULT_PROXY_CONFIG, plane.kubeconfig())),
  );
  return startProgram("kube-proxy", [`--config=${file}`], `${folder}/kube-proxy.log`);
}

/** User and system time of a process (proc(5), stat fields 14 and 15), its children aside. */
function cpuSeconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])) / CLOCK_TICKS;
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;
}

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)]!;
}
