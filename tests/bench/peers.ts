// This program beside kube-proxy, nftables and iptables mode: the same API server, the same Services, the same changes, each
// alone on a node of its own, one after the other; packets go in turn through what each has left in its node's kernel.
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
import { startBundle } from "../support/cluster/program.ts";
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
/** Connections of one measurement of traffic; those before it warm up. */
const CONNECTIONS = 2000;
const WARM_UP = 300;
/** Measurements of traffic, in which the contenders take turns. */
const TURNS = 9;
/** An endpoint that answers, and the client. */
const SERVER = { address: "10.244.2.5", udp: 5353, tcp: 8080 };
const CLIENT = "10.244.1.5";
/** A source port of its own for every datagram: each begins a connection. */
const FIRST_PORT = 10_000;

/** What one proxy took. Times in milliseconds. */
interface Sample {
  /** From the start of the process to the last rule. */
  readonly firstSync: number;
  /** Of that, from what was read to the last rule, as the proxy itself says. */
  readonly syncItself: number;
  readonly restart: Restart;
  readonly patches: readonly number[];
  readonly cpuAChange: number;
  readonly memory: Memory;
}

/** Bytes in memory: all, and what no file stands behind, so that it cannot be taken back. */
interface Memory {
  readonly resident: number;
  readonly anonymous: number;
}

/** From the start of the process after an end, while one endpoint changed. */
interface Restart {
  /** Until the proxy knows that the rules in the kernel are those it committed last, and that nobody has changed them. */
  readonly known: number;
  /** Until it has read its state, and changes can go on from there. */
  readonly ready: number;
  /** Until the change that was missed is in the kernel. */
  readonly missed: number;
}

/** Connections from a pod. */
interface Traffic {
  readonly firstPacketMicroseconds: number;
  readonly connectionsASecond: number;
}

const folder = Deno.makeTempDirSync();
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
const labs = new Map(contenders.map((name) => [name, new Lab()]));
const samples = new Map<string, Sample>();
for (const [name, lab] of labs) if (name !== "no proxy") samples.set(name, await measure(name, lab));
print(samples, measureTraffic());
for (const lab of labs.values()) lab[Symbol.dispose]();
await plane[Symbol.asyncDispose]();
home[Symbol.dispose]();
Deno.removeSync(folder, { recursive: true });

async function measure(name: string, lab: Lab): Promise<Sample> {
  console.error(`measuring ${name}`);
  connectApi(lab);
  using kernel = lab.inside("node", () => new NetlinkKernel());
  const begin = performance.now();
  let process = start(name, lab);
  const firstSync = await settled(kernel, process.pid) - begin;
  const syncItself = syncMilliseconds(lab);
  const cpu = cpuSeconds(process.pid);
  const patches: number[] = [];
  for (let change = 0; change < changes; change++) {
    patches.push(await timeChange(kernel, change));
    // The next change finds the proxy idle, as most do.
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await idle(process.pid);
  const cpuAChange = (cpuSeconds(process.pid) - cpu) / changes * 1000;
  const memory = memoryOf(process.pid);
  await end(process);
  await patch(0, changes + 1);
  const again = performance.now();
  process = start(name, lab);
  const missed = await settled(kernel, process.pid) - again;
  await end(process);
  disconnectApi();
  const restart = name === "ledgerproxy" ? { ...toldOfRestart(), missed } : {
    known: missed,
    ready: missed,
    missed,
  };
  return { firstSync, syncItself, restart, patches, cpuAChange, memory };
}

/** The contenders in turn, each time beginning with another: what else the machine does falls on all of them. */
function measureTraffic(): Map<string, Traffic> {
  console.error("measuring traffic");
  const turns = new Map(contenders.map((name) => [name, [] as Traffic[]]));
  for (let turn = 0; turn < TURNS; turn++) {
    for (let i = 0; i < contenders.length; i++) {
      const name = contenders[(i + turn) % contenders.length]!;
      turns.get(name)!.push(traffic(labs.get(name)!, name === "no proxy" ? SERVER.address : clusterIP, turn));
    }
  }
  const median = (values: readonly number[]) => percentile(values, 0.5);
  return new Map([...turns].map(([name, all]) => [name, {
    firstPacketMicroseconds: median(all.map(({ firstPacketMicroseconds }) => firstPacketMicroseconds)),
    connectionsASecond: median(all.map(({ connectionsASecond }) => connectionsASecond)),
  }]));
}

/** What all full syncs of IPv4 took so far, by the metric that both programs have. */
function syncMilliseconds(lab: Lab): number {
  const metrics = lab.run("node", "curl --silent --show-error http://127.0.0.1:10249/metrics");
  const name = "kubeproxy_sync_full_proxy_rules_duration_seconds_sum";
  const found = new RegExp(`^${name}\\{ip_family="IPv4"\\} (.*)$`, "m").exec(metrics);
  return found === null ? NaN : Number(found[1]) * 1000;
}

/** When this program said what it knew, in its own words. */
function toldOfRestart(): Pick<Restart, "known" | "ready"> {
  const log = Deno.readTextFileSync(`${folder}/ledgerproxy.log`);
  const told = (what: RegExp) => Number(what.exec(log)?.[1] ?? NaN);
  return {
    known: told(/holds the rules of the last commit, @\d+, untouched since, (\d+) ms/),
    ready: told(/are in place, as of @\d+, (\d+) ms/),
  };
}

function start(name: string, lab: Lab): Deno.ChildProcess {
  const mode = name.replace("kube-proxy ", "");
  if (mode !== name) return lab.inside("node", () => startKubeProxy(mode));
  const log = `${folder}/ledgerproxy.log`;
  Deno.writeTextFileSync(log, "");
  const args = ["--node", "node-a", "--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`];
  return startBundle(lab, log, "run", ...args);
}

function print(samples: ReadonlyMap<string, Sample>, traffic: ReadonlyMap<string, Traffic>): void {
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(milliseconds < 1000 ? 3 : 2)} s`;
  const milliseconds = (value: number) => `${value.toFixed(1)} ms`;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  const row = (what: string, value: (name: string) => number, text: (value: number) => string) => [
    what,
    ...contenders.map((name) => {
      const ratio = value(name) / value("ledgerproxy");
      return Number.isNaN(ratio) ? "" : `${text(value(name))} (${ratio.toFixed(ratio < 10 ? 2 : 0)})`;
    }),
  ];
  const ofSample = (value: (sample: Sample) => number) => (name: string) =>
    samples.has(name) ? value(samples.get(name)!) : NaN;
  table(
    `${services} Services with 2 endpoints, ${changes} changes, one API server; in brackets the ratio to ledgerproxy`,
    [
      ["", ...contenders],
      row("first sync, from the start of the process", ofSample(({ firstSync }) => firstSync), seconds),
      row("first sync, from what was read", ofSample(({ syncItself }) => syncItself), seconds),
      row("restart, rules known to be right", ofSample(({ restart }) => restart.known), seconds),
      row("restart, ready for changes", ofSample(({ restart }) => restart.ready), seconds),
      row("restart, missed change in the kernel", ofSample(({ restart }) => restart.missed), seconds),
      row("PATCH to kernel p50", ofSample(({ patches }) => percentile(patches, 0.5)), milliseconds),
      row("PATCH to kernel p99", ofSample(({ patches }) => percentile(patches, 0.99)), milliseconds),
      row("CPU a change", ofSample(({ cpuAChange }) => cpuAChange), milliseconds),
      row("memory", ofSample(({ memory }) => memory.resident), megabytes),
      row("of it anonymous, not the program's files", ofSample(({ memory }) => memory.anonymous), megabytes),
      row(
        "first packet p50",
        (name) => traffic.get(name)!.firstPacketMicroseconds,
        (value) => `${value.toFixed(1)} us`,
      ),
      row(
        "connections a second",
        (name) => traffic.get(name)!.connectionsASecond,
        (value) => Math.round(value).toLocaleString("en"),
      ),
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
function traffic(lab: Lab, address: string, turn: number): Traffic {
  const direct = address === SERVER.address;
  const server = (stream: boolean, port: number) =>
    lab.servers.find((one) => one.stream === stream && one.name === `${SERVER.address}:${port}`)!.descriptor;
  const [udp, tcp] = [server(false, SERVER.udp), server(true, SERVER.tcp)];
  const target = socketAddress(address, direct ? SERVER.udp : 53);
  const firstPort = FIRST_PORT + turn * (WARM_UP + CONNECTIONS);
  const times: number[] = [];
  for (let round = 0; round < WARM_UP + CONNECTIONS; round++) {
    const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_DGRAM));
    bindSocket(client, CLIENT, firstPort + round);
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
  for (let round = 0; round < CONNECTIONS; round++) connectOnce(lab, address, direct ? SERVER.tcp : 80, tcp);
  const connectionsASecond = CONNECTIONS / (performance.now() - begin) * 1000;
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
  const patched = patch(number, change + 1);
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

async function patch(number: number, generation: number): Promise<void> {
  await plane.call("PATCH", `${SLICES}/s${number}-a`, {
    endpoints: endpoints(number, generation + Math.floor(performance.now())),
  });
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
    // A program that ends while it is looked at: its folder is gone (ENOENT), or reading it fails (ESRCH).
    if (["ENOENT", "ESRCH"].includes((error as { code?: string }).code ?? "")) return 0;
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

function memoryOf(pid: number): Memory {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const bytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
  return { resident: bytes("VmRSS"), anonymous: bytes("RssAnon") };
}

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}
