// The hostile tenant: one namespace does all it can to the proxy, while an endpoint of another namespace's Service changes, and
// the time from the PATCH to the kernel is taken. A large legitimate Service must be served fully meanwhile. It prints a line
// for each attack and asserts no time; the exit code is 1 where the large Service, or a change of the innocent one, is not served
// at all, or where the proxy took more than 600 MB of memory.
//
// API server, etcd and this program share the CPUs with the proxy, which on a node they do not. So a line also says when another
// watch of the same object had the change, and of the time until the kernel had it, for how long the loop's thread ran and for
// how long it waited for a CPU.
//
//   deno task bench:tenant [--seconds N] [--only TEXT]      how long each attack is measured; those whose name has TEXT

import { parseArgs } from "node:util";
import { ControlPlane, type Json } from "../support/cluster/control_plane.ts";
import { addApiAddress } from "../support/cluster/near_plane.ts";
import { API_ADDRESS, furnishApi } from "../support/cluster/oracle.ts";
import { EndpointProbe } from "../support/endpoint_probe.ts";
import { shell } from "../support/lab/lab.ts";
import { ObservedProgram } from "../support/observed_program.ts";
import { until } from "../support/until.ts";
import { makeServices } from "./peers/cluster.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const { values: { seconds: secondsText, only } } = parseArgs({
  args: Deno.args,
  options: { seconds: { type: "string", default: "30" }, only: { type: "string", default: "" } },
});
const MEASURED_SECONDS = Number(secondsText);
const INNOCENT_SERVICES = 200;
/** The large legitimate Service: 4 ports with 1,000 endpoints each. */
const LARGE = { ports: 4, endpoints: 1000 };
/** Most memory of the proxy. */
const MEMORY_BYTES_MAX = 600e6;
/** A change that is not in the kernel by then counts as that long. */
const LATE_MILLISECONDS = 30_000;
/** A row begins once an innocent change takes no longer than this: what the row before it left behind is not its own. */
const IDLE_MILLISECONDS = 50;
const HOSTILE = "hostile";
const VICTIM = { name: "s0", port: 80 };

/** One thing that a tenant does, and how the line in the table names it. */
interface Attack {
  readonly name: string;
  /** Begins it; returns a function that goes on with it until it is stopped. */
  begin(): Promise<(() => Promise<void>) | undefined>;
}

const folder = Deno.makeTempDirSync();
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
async function startPlane(): Promise<ControlPlane> {
  addApiAddress();
  const plane = await ControlPlane.start(API_ADDRESS);
  await furnishApi(plane);
  await plane.call("POST", "/api/v1/namespaces", named("Namespace", HOSTILE));
  return plane;
}

function named(kind: string, name: string): Json {
  return { apiVersion: "v1", kind, metadata: { name } };
}

/** Creates a Service with a slice in `namespace`; returns its cluster IP. */
async function make(
  namespace: string,
  name: string,
  { ports, endpoints, affinity = false }: {
    readonly ports: number;
    readonly endpoints: number;
    readonly affinity?: boolean;
  },
): Promise<string> {
  const port = (i: number) => ({ name: `p${i}`, port: 80 + i, protocol: "TCP" });
  const made = await plane.call("POST", `/api/v1/namespaces/${namespace}/services`, {
    ...named("Service", name),
    metadata: { name, namespace },
    spec: {
      ports: Array.from({ length: ports }, (_, i) => port(i)),
      ...(affinity ? { sessionAffinity: "ClientIP" } : {}),
    },
  });
  await plane.call("POST", slices(namespace), sliceOf(namespace, name, ports, endpoints, 0));
  return (made as { spec: { clusterIP: string } }).spec.clusterIP;
}

const slices = (namespace: string) => `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;

/** A slice of Service `name`; `generation` gives it other addresses. */
function sliceOf(
  namespace: string,
  name: string,
  ports: number,
  endpoints: number,
  generation: number,
): Json {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-a`, namespace, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: Array.from({ length: ports }, (_, i) => ({ name: `p${i}`, port: 8080 + i, protocol: "TCP" })),
    endpoints: Array.from({ length: endpoints }, (_, i) => ({
      addresses: [`10.${100 + generation % 100}.${(i >> 8) & 255}.${i & 255}`],
    })),
  };
}

async function remove(name: string): Promise<void> {
  await plane.call("DELETE", `/api/v1/namespaces/${HOSTILE}/services/${name}`);
  await plane.call("DELETE", `${slices(HOSTILE)}/${name}-a`);
}

/** Source ranges that are all replaced again and again. */
function flappingRanges(name: string, ports: number, ranges: number): Attack {
  return {
    name: `flapping: ${ports} ports x ${ranges} source ranges`,
    async begin() {
      const path = `/api/v1/namespaces/${HOSTILE}/services/${name}`;
      await make(HOSTILE, name, { ports, endpoints: 2 });
      let generation = 0;
      const change = () => {
        const net = 1 + (generation++ & 127);
        const loadBalancerSourceRanges = Array.from(
          { length: ranges },
          (_, i) => `${net}.${i >> 8}.${i & 255}.0/24`,
        );
        return plane.call("PATCH", path, { spec: { type: "LoadBalancer", loadBalancerSourceRanges } });
      };
      await change();
      const ip = `203.0.113.${name.charCodeAt(name.length - 1)}`;
      await plane.call("PATCH", `${path}/status`, { status: { loadBalancer: { ingress: [{ ip }] } } });
      return async () => void await change();
    },
  };
}

/** What a tenant may do with the rights of one namespace. */
const ATTACKS: readonly Attack[] = [
  { name: "nothing", begin: () => Promise.resolve(undefined) },
  {
    name: "2,000 ports x 1,000 endpoints",
    async begin() {
      await make(HOSTILE, "huge", { ports: 2000, endpoints: 1000 });
      return undefined;
    },
  },
  {
    name: "20 Services of 100 ports x 500 endpoints",
    async begin() {
      for (let i = 0; i < 20; i++) await make(HOSTILE, `below-${i}`, { ports: 100, endpoints: 500 });
      return undefined;
    },
  },
  {
    name: "churn: 50 ports x 200 endpoints, all replaced again and again",
    async begin() {
      await make(HOSTILE, "churn", { ports: 50, endpoints: 200 });
      let generation = 1;
      return async () => {
        const { endpoints } = sliceOf(HOSTILE, "churn", 50, 200, generation++);
        await plane.call("PATCH", `${slices(HOSTILE)}/churn-a`, { endpoints });
      };
    },
  },
  {
    name: "churn: 20 Services made and removed again and again",
    begin: () =>
      Promise.resolve(async () => {
        const names = Array.from({ length: 20 }, (_, i) => `short-${i}`);
        await Promise.all(names.map((name) => make(HOSTILE, name, { ports: 10, endpoints: 50 })));
        await Promise.all(names.map(remove));
      }),
  },
  {
    name: "affinity: 100 ports x 50 endpoints",
    async begin() {
      await make(HOSTILE, "sticky", { ports: 100, endpoints: 50, affinity: true });
      return undefined;
    },
  },
  flappingRanges("ranged-a", 20, 100),
  flappingRanges("ranged-b", 1, 2000),
  flappingRanges("ranged-c", 20, 2000),
  {
    name: "flapping: timeouts of affinity of 100 Services",
    async begin() {
      const names = Array.from({ length: 100 }, (_, i) => `timed-${i}`);
      await Promise.all(
        names.map((name) => make(HOSTILE, name, { ports: 10, endpoints: 10, affinity: true })),
      );
      let timeoutSeconds = 0;
      return async () => {
        await Promise.all(names.map((name) => {
          timeoutSeconds = timeoutSeconds % 86_400 + 1;
          const sessionAffinityConfig = { clientIP: { timeoutSeconds } };
          return plane.call("PATCH", `/api/v1/namespaces/${HOSTILE}/services/${name}`, {
            spec: { sessionAffinityConfig },
          });
        }));
      };
    },
  },
  {
    name: "flapping: weights and traffic distribution",
    async begin() {
      const names = Array.from({ length: 10 }, (_, i) => `weighed-${i}`);
      await Promise.all(names.map((name) => make(HOSTILE, name, { ports: 10, endpoints: 60 })));
      let generation = 0;
      return async () => {
        generation++;
        const annotations = { "ledgerproxy.io/weight": String(1 + generation % 64) };
        const trafficDistribution = generation % 2 === 0 ? null : "PreferSameZone";
        const zones = generation % 2 === 0 ? undefined : { forZones: [{ name: "a" }] };
        await Promise.all(names.map(async (name) => {
          const { endpoints } = sliceOf(HOSTILE, name, 10, 60, generation);
          const hinted = (endpoints as object[]).map((one, i) => i % 3 > 0 ? one : { ...one, hints: zones });
          await plane.call("PATCH", `${slices(HOSTILE)}/${name}-a`, {
            metadata: { annotations },
            endpoints: hinted,
          });
          await plane.call("PATCH", `/api/v1/namespaces/${HOSTILE}/services/${name}`, {
            spec: { trafficDistribution },
          });
        }));
      };
    },
  },
];

async function bench(): Promise<number> {
  await makeServices(plane, INNOCENT_SERVICES);
  const large = await make("shop", "large", LARGE);
  const flags = ["--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`];
  const program = new ObservedProgram(`${folder}/log`, ...flags);
  await using _ended = program;
  await until("it serves", () => /are in place|in sync|skeleton written/.test(program.log), 120_000);
  const victim = await victimAddress();
  const stop = new AbortController();
  using _stopped = { [Symbol.dispose]: () => stop.abort() };
  void watchVictim(stop.signal);
  const rows: string[][] = [[
    "while a tenant does",
    "changes",
    "p50",
    "p99",
    "worst",
    "late",
    "another watch p99",
    "loop ran p99",
    "loop waited p99",
    "memory",
    "/livez p99",
  ]];
  let [late, largest] = [0, 0];
  for (const attack of ATTACKS.filter(({ name }) => name.includes(only))) {
    const begun = performance.now();
    const isIdle = async () => (await timeChange(victim, program)).took <= IDLE_MILLISECONDS;
    await until("it is idle", isIdle, 60_000);
    console.error(`${attack.name}, after ${(performance.now() - begun).toFixed(0)} ms until it is idle`);
    const { changes, memory, livez } = await under(attack, program, victim);
    const times = changes.map(({ took }) => took);
    const p99 = (of: (change: Change) => number) => `${percentile(changes.map(of), 0.99).toFixed(0)} ms`;
    const missed = times.filter((time) => time >= LATE_MILLISECONDS).length;
    late += missed;
    largest = Math.max(largest, memory);
    rows.push([
      attack.name,
      String(times.length),
      `${percentile(times, 0.5).toFixed(1)} ms`,
      `${percentile(times, 0.99).toFixed(1)} ms`,
      `${Math.max(...times).toFixed(0)} ms`,
      String(missed),
      p99(({ seen }) => seen),
      p99(({ ran }) => ran),
      p99(({ waited }) => waited),
      megabytes(memory),
      `${percentile(livez, 0.99).toFixed(0)} ms`,
    ]);
  }
  const served = await servedSlots(large);
  const all = LARGE.ports * LARGE.endpoints;
  table("PATCH of an innocent endpoint to the kernel; attacks stay when the next one begins", rows);
  console.log(
    `the large Service (${LARGE.ports} ports x ${LARGE.endpoints} endpoints): ${served} of ${all} slots in the kernel`,
  );
  console.log(`the largest memory: ${megabytes(largest)}, at most ${megabytes(MEMORY_BYTES_MAX)}`);
  return served === all && late === 0 && largest <= MEMORY_BYTES_MAX ? 0 : 1;
}

async function victimAddress(): Promise<string> {
  const service = await plane.call("GET", `/api/v1/namespaces/shop/services/${VICTIM.name}`);
  return (service as { spec: { clusterIP: string } }).spec.clusterIP;
}

/** The times of the innocent changes while `attack` goes on, and the largest memory. */
async function under(attack: Attack, program: ObservedProgram, victim: string) {
  const stop = new AbortController();
  let memory = 0;
  const changes: Change[] = [];
  program.takeLivez();
  const watching = (async () => {
    for (; !stop.signal.aborted; await pause(250)) memory = Math.max(memory, program.memory());
  })();
  const going = (async () => {
    const next = await attack.begin();
    while (next !== undefined && !stop.signal.aborted) await next();
  })();
  const end = performance.now() + MEASURED_SECONDS * 1000;
  while (performance.now() < end) {
    changes.push(await timeChange(victim, program));
    await pause(50);
  }
  stop.abort();
  await Promise.all([watching, going]);
  return { changes, memory, livez: program.takeLivez() };
}

let generation = 0;

/** One change of the innocent endpoint, in milliseconds from the PATCH on. */
interface Change {
  /** Until the kernel has it. */
  readonly took: number;
  /** Until another watch has it. */
  readonly seen: number;
  /** For how long the loop's thread ran until the kernel had it, and for how long it waited for a CPU. */
  readonly ran: number;
  readonly waited: number;
}

/** Gives the innocent Service another endpoint, and waits until the kernel has it. */
async function timeChange(address: string, program: ObservedProgram): Promise<Change> {
  using probe = new EndpointProbe();
  generation++;
  const endpoint = `10.90.${(generation >> 8) & 255}.${generation & 255}`;
  const before = program.scheduled();
  const start = performance.now();
  const patched = plane.call("PATCH", `${slices("shop")}/${VICTIM.name}-a`, {
    endpoints: [{ addresses: [endpoint] }],
  });
  const has = () => probe.endpoint({ address, port: VICTIM.port, slot: 0 }) === endpoint;
  while (!has() && performance.now() - start < LATE_MILLISECONDS) await pause(1);
  const took = Math.min(LATE_MILLISECONDS, performance.now() - start);
  const after = program.scheduled();
  await patched;
  await until("the watch has it", () => watched.has(endpoint), LATE_MILLISECONDS);
  const seen = watched.get(endpoint)! - start;
  watched.delete(endpoint);
  return { took, seen, ran: after.ran - before.ran, waited: after.waited - before.waited };
}

/** When the watch of this program had each endpoint of the innocent Service. */
const watched = new Map<string, number>();

/** Watches the slice of the innocent Service until `signal` aborts. */
async function watchVictim(signal: AbortSignal): Promise<void> {
  const query = `watch=true&fieldSelector=metadata.name%3D${VICTIM.name}-a`;
  for await (const event of plane.watch(`${slices("shop")}?${query}`, signal)) {
    const { endpoints } = event["object"] as { endpoints?: { addresses: string[] }[] };
    for (const { addresses } of endpoints ?? []) watched.set(addresses[0]!, performance.now());
  }
}

/** How many slots of the large Service the kernel has. */
async function servedSlots(address: string): Promise<number> {
  using probe = new EndpointProbe();
  const count = () => {
    let served = 0;
    for (let port = 0; port < LARGE.ports; port++) {
      for (let slot = 0; slot < LARGE.endpoints; slot++) {
        if (probe.endpoint({ address, port: 80 + port, slot }) !== undefined) served++;
      }
    }
    return served;
  };
  const all = LARGE.ports * LARGE.endpoints;
  await until("it is served", () => count() === all, 60_000).catch(() => {});
  return count();
}

const plane = await startPlane();
let code = 1;
try {
  code = await bench();
} finally {
  await plane[Symbol.asyncDispose]();
  shell("ip link delete api");
  Deno.removeSync(folder, { recursive: true });
}
Deno.exit(code);
