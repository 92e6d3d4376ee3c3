// This program beside kube-proxy, nftables and iptables mode: the same API server, the same Services, the same changes, each
// alone on a node of its own, one after the other.
//
//   deno task bench:peers [SERVICES] [CHANGES]

import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { ControlPlane, end, startProgram } from "../support/cluster/control_plane.ts";
import {
  API_ADDRESS,
  connectApi,
  disconnectApi,
  furnishApi,
  kubeProxyConfiguration,
} from "../support/cluster/oracle.ts";
import { makeBundle, startBundle } from "../support/cluster/program.ts";
import { Lab } from "../support/lab/lab.ts";
import {
  acceptSocket,
  AF_INET,
  bindSocket,
  closeDescriptor,
  connectSocket,
  newSocket,
  receiveBytes,
  sendTo,
  SOCK_DGRAM,
  SOCK_STREAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { until } from "../support/until.ts";
import { table } from "./table.ts";

const services = Number(Deno.args[0] ?? 1000);
const changes = Number(Deno.args[1] ?? 100);
const TOGETHER = 16;
const SETTLED_MILLISECONDS = 3000;
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const CLOCK_TICKS = 100;
const ROUNDS = 3000;
const WARM_UP = 500;
/** An endpoint that answers, and the client. */
const SERVER = { address: "10.244.2.5", udp: 5353, tcp: 8080 };
const CLIENT = "10.244.1.5";
/** Many more source ports than rounds, so that each packet begins a connection of its own. */
const FIRST_PORT = 10_000;

/** What one proxy took. Times in milliseconds, but where it says otherwise. */
interface Sample {
  readonly name: string;
  readonly firstSync: number;
  readonly restart: number;
  readonly patches: readonly number[];
  readonly cpuAChange: number;
  readonly residentBytes: number;
  readonly firstPacketMicroseconds: number;
  readonly connectionsASecond: number;
}

/** What there is to say of a node without a proxy. */
const NOTHING = { firstSync: NaN, restart: NaN, patches: [], cpuAChange: NaN, residentBytes: NaN };

const folder = Deno.makeTempDirSync();
const bundle = makeBundle(folder);
let clusterIP = "";
const contenders = ["no proxy", "kube-proxy iptables", "kube-proxy nftables", "ledgerproxy"];
const home = new Lab();
connectApi(home);
const plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
console.error(`making ${services} Services`);
for (let at = 0; at < services; at += TOGETHER) {
  await Promise.all(Array.from({ length: Math.min(TOGETHER, services - at) }, (_, i) => make(at + i)));
}
await makeTarget();
disconnectApi();
const samples: Sample[] = [];
for (const name of contenders) samples.push(await measure(name));
print(samples);
await plane[Symbol.asyncDispose]();
home[Symbol.dispose]();
Deno.removeSync(folder, { recursive: true });

async function measure(name: string): Promise<Sample> {
  console.error(`measuring ${name}`);
  using lab = new Lab();
  connectApi(lab);
  using kernel = lab.inside("node", () => new NetlinkKernel());
  const sample: Sample = name === "no proxy"
    ? { ...traffic(lab, SERVER.address), ...NOTHING, name }
    : await measureProxy(name, lab, kernel);
  disconnectApi();
  return sample;
}

async function measureProxy(name: string, lab: Lab, kernel: NetlinkKernel): Promise<Sample> {
  const begin = performance.now();
  let process = start(name, lab);
  const firstSync = await settled(kernel, process.pid) - begin;
  const cpu = cpuSeconds(process.pid);
  const patches: number[] = [];
  for (let change = 0; change < changes; change++) {
    patches.push(await timeChange(kernel, change));
    // The next change finds the proxy idle, as most do.
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await idle(process.pid);
  const cpuAChange = (cpuSeconds(process.pid) - cpu) / changes * 1000;
  const residentBytes = residentBytesOf(process.pid);
  const packets = traffic(lab, clusterIP);
  await end(process);
  const again = performance.now();
  process = start(name, lab);
  const restart = await (name === "ledgerproxy" ? inPlace() : settled(kernel, process.pid)) - again;
  await end(process);
  return { name, firstSync, restart, patches, cpuAChange, residentBytes, ...packets };
}

function start(name: string, lab: Lab): Deno.ChildProcess {
  const mode = name.replace("kube-proxy ", "");
  if (mode !== name) return lab.inside("node", () => startKubeProxy(mode));
  const log = `${folder}/ledgerproxy.log`;
  Deno.writeTextFileSync(log, "");
  const args = ["--node", "node-a", "--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`];
  return startBundle(lab, bundle, log, "run", ...args);
}

/** When this program says that the rules it found are right. */
async function inPlace(): Promise<number> {
  const log = `${folder}/ledgerproxy.log`;
  await until("the rules are in place", () => Deno.readTextFileSync(log).includes("are in place"), 60_000);
  return performance.now();
}

function print(samples: readonly Sample[]): void {
  const own = samples.at(-1)!;
  const bare = samples[0]!;
  const cell = (value: number, text: string, ours: number) =>
    Number.isNaN(value) ? "" : `${text} (${(value / ours).toFixed(value / ours < 2 ? 2 : 0)})`;
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
  const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
  const row = (sample: Sample) => {
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(sample.patches, share)) as [number, number];
    const [own50, own99] = [0.5, 0.99].map((share) => percentile(own.patches, share)) as [number, number];
    const { firstPacketMicroseconds: packet, connectionsASecond: rate, residentBytes: bytes } = sample;
    return [
      sample.name,
      cell(sample.firstSync, seconds(sample.firstSync), own.firstSync),
      cell(sample.restart, seconds(sample.restart), own.restart),
      cell(p50, milliseconds(p50), own50),
      cell(p99, milliseconds(p99), own99),
      cell(sample.cpuAChange, milliseconds(sample.cpuAChange), own.cpuAChange),
      cell(bytes, `${Math.round(bytes / 1e6)} MB`, own.residentBytes),
      `${packet.toFixed(1)} us (${(packet / own.firstPacketMicroseconds).toFixed(2)})`,
      `${Math.round(rate).toLocaleString("en")} (${(rate / own.connectionsASecond).toFixed(2)})`,
    ];
  };
  table(
    `${services} Services with 2 endpoints, ${changes} changes, one API server; in brackets the ratio to ledgerproxy`,
    [
      [
        "",
        "first sync",
        "restart",
        "PATCH to kernel p50",
        "p99",
        "CPU a change",
        "memory",
        "first packet",
        "connections/s",
      ],
      ...[bare, ...samples.slice(1)].map(row),
    ],
  );
}

/** A Service whose endpoint is a server of the lab. */
async function makeTarget(): Promise<void> {
  const ports = [{ name: "dns", port: 53, protocol: "UDP" }, { name: "http", port: 80, protocol: "TCP" }];
  const made = await plane.call("POST", "/api/v1/namespaces/shop/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "target", namespace: "shop" },
    spec: { ports },
  });
  clusterIP = (made as { spec: { clusterIP: string } }).spec.clusterIP;
  await plane.call("POST", SLICES, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "target-a", namespace: "shop", labels: { "kubernetes.io/service-name": "target" } },
    addressType: "IPv4",
    ports: [{ name: "dns", port: SERVER.udp, protocol: "UDP" }, { name: "http", port: SERVER.tcp }],
    endpoints: [{ addresses: [SERVER.address] }],
  });
}

/** New connections from a pod to `address`, one after the other. */
function traffic(lab: Lab, address: string) {
  const direct = address === SERVER.address;
  const server = (stream: boolean, port: number) =>
    lab.servers.find((one) => one.stream === stream && one.name === `${SERVER.address}:${port}`)!.descriptor;
  const [udp, tcp] = [server(false, SERVER.udp), server(true, SERVER.tcp)];
  const target = socketAddress(address, direct ? SERVER.udp : 53);
  const times: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_DGRAM));
    bindSocket(client, CLIENT, FIRST_PORT + round);
    const start = performance.now();
    sendTo(client, Uint8Array.of(1), target);
    const deadline = start + 1000;
    while (receiveBytes(udp) === undefined) {
      if (performance.now() > deadline) throw new Error(`no datagram came through ${address}`);
    }
    if (round >= WARM_UP) times.push((performance.now() - start) * 1000);
    closeDescriptor(client);
  }
  const begin = performance.now();
  for (let round = 0; round < ROUNDS; round++) connectOnce(lab, address, direct ? SERVER.tcp : 80, tcp);
  const connectionsASecond = ROUNDS / (performance.now() - begin) * 1000;
  return { firstPacketMicroseconds: percentile(times, 0.5), connectionsASecond };
}

function connectOnce(lab: Lab, address: string, port: number, listener: number): void {
  const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_STREAM));
  connectSocket(client, address, port);
  const deadline = performance.now() + 1000;
  let accepted;
  while ((accepted = acceptSocket(listener)) === undefined) {
    if (performance.now() > deadline) throw new Error(`no connection came through ${address}`);
  }
  closeDescriptor(client);
  closeDescriptor(accepted.descriptor);
}

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

/** PATCHes one slice; milliseconds until the kernel has a new generation. */
async function timeChange(kernel: NetlinkKernel, change: number): Promise<number> {
  const number = (change * 7919) % services;
  const before = kernel.generation();
  const start = performance.now();
  const patched = plane.call("PATCH", `${SLICES}/s${number}-a`, {
    endpoints: endpoints(number, change + 1 + Math.floor(start)),
  });
  while (kernel.generation() === before) await new Promise((resolve) => setTimeout(resolve, 0));
  const milliseconds = performance.now() - start;
  await patched;
  return milliseconds;
}

/** When the last commit was, once nothing has changed and the proxy has rested for a while: the end of the sync. */
async function settled(kernel: NetlinkKernel, pid: number): Promise<number> {
  const first = kernel.generation();
  let [seen, cpu] = [first, cpuSeconds(pid)];
  let [at, quiet] = [performance.now(), performance.now()];
  await until("the sync is over", () => {
    const [generation, spent, now] = [kernel.generation(), cpuSeconds(pid), performance.now()];
    if (generation !== seen) at = now;
    if (generation !== seen || spent > cpu + 0.05) quiet = now;
    [seen, cpu] = [generation, spent];
    return seen !== first && now - quiet > SETTLED_MILLISECONDS;
  }, 900_000);
  return at;
}

async function idle(pid: number): Promise<void> {
  let [cpu, quiet] = [cpuSeconds(pid), performance.now()];
  await until("the proxy rests", () => {
    const spent = cpuSeconds(pid);
    if (spent > cpu + 0.05) quiet = performance.now();
    cpu = spent;
    return performance.now() - quiet > 1000;
  }, 900_000);
}

function startKubeProxy(mode: string): Deno.ChildProcess {
  const file = `${folder}/kube-proxy.json`;
  const configuration = kubeProxyConfiguration(DEFAULT_PROXY_CONFIG, plane.kubeconfig());
  const iptables = { minSyncPeriod: "1ms" };
  Deno.writeTextFileSync(file, JSON.stringify({ ...configuration as object, mode, iptables }));
  return startProgram("kube-proxy", [`--config=${file}`], `${folder}/kube-proxy.log`);
}

/** User and system time of a process and its children, those that have ended included (proc(5), stat fields 14 to 17). */
function cpuSeconds(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / CLOCK_TICKS;
    return own + childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  const tasks = [...Deno.readDirSync(`/proc/${pid}/task`)];
  return tasks.flatMap(({ name }) =>
    Deno.readTextFileSync(`/proc/${pid}/task/${name}/children`).trim().split(" ").filter((child) =>
      child !== ""
    )
      .map(Number)
  );
}

function residentBytesOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;
}

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}
