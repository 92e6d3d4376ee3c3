// What many nodes cost the control plane: N nodes of this program, and then as many clients of kube-proxy's kind, against one API
// server. First lists, changes, and a restart of the API server, after which all come back at once.
//
//   deno task bench:fleet [NODES] [SERVICES] [CHANGES]

import { ControlPlane } from "../../support/cluster/control_plane.ts";
import { API_ADDRESS, connectApi, disconnectApi, furnishApi } from "../../support/cluster/oracle.ts";
import { Lab } from "../../support/lab/lab.ts";
import { type ApiCost, ApiMeter, receivedBytes } from "../peers/api_costs.ts";
import { makeServices, patch } from "../peers/cluster.ts";
import { cpuSeconds } from "../peers/process_costs.ts";
import { table } from "../table.ts";
import { Clients } from "./clients.ts";
import { informers } from "./informers.ts";

const [nodes = 50, services = 1000, changes = 100] = Deno.args.map(Number);

/** The costs of one kind of nodes: all of them together. */
interface FleetCost {
  readonly lists: ApiCost;
  readonly changes: ApiCost;
  /** From the moment at which the API server answers again to the moment at which every node has a change made then. */
  readonly storm: ApiCost & { readonly milliseconds: number };
}

const home = new Lab();
connectApi(home);
const plane = await ControlPlane.start(API_ADDRESS);
await furnishApi(plane);
console.error(`making ${services} Services`);
await makeServices(plane, services);
console.error("measuring a restart of the API server without nodes");
const alone = await restartCpu();
disconnectApi();
const readers = [
  Deno.execPath(),
  ...["run", "--allow-all", "--no-check", "--quiet"],
  new URL("readers.ts", import.meta.url).pathname,
];
const costs = new Map<string, FleetCost>();
for (
  const [name, command] of [["ledgerproxy", readers], ["kube-proxy's kind", [await informers()]]] as const
) {
  console.error(`measuring ${nodes} nodes: ${name}`);
  costs.set(name, await measure(command));
}
print();
await plane[Symbol.asyncDispose]();
home[Symbol.dispose]();

async function measure(command: readonly string[]): Promise<FleetCost> {
  const lab = new Lab();
  connectApi(lab);
  const meter = await ApiMeter.start(plane, lab);
  const clients = new Clients(lab, [...command, String(nodes), plane.kubeconfig()]);
  await clients.until((status) => status.listed === nodes, "all nodes have their lists");
  const lists = await meter.lists();
  meter.restart();
  const before = clients.status.events;
  for (let change = 0; change < changes; change++) await patch(plane, change % services, change);
  await clients.until(({ events }) => events >= before + nodes * changes, "all nodes have all changes");
  const changed = meter.cost();
  const storm = await measureStorm(lab, clients);
  await clients.end();
  disconnectApi();
  lab[Symbol.dispose]();
  return { lists, changes: changed, storm };
}

/** The API server is killed and starts again; one change shows when all nodes follow it. */
async function measureStorm(lab: Lab, clients: Clients): Promise<FleetCost["storm"]> {
  const received = receivedBytes(lab);
  await plane.killApiServer();
  await plane.startApiServer();
  const start = performance.now();
  const { events } = clients.status;
  await patch(plane, 0, changes);
  await clients.until((status) => status.events >= events + nodes, "all nodes are back");
  const bytes = receivedBytes(lab) - received;
  return { bytes, cpu: cpuSeconds(plane.apiServerPid) * 1000, milliseconds: performance.now() - start };
}

/** Milliseconds of CPU time that the API server needs for a start without nodes. */
async function restartCpu(): Promise<number> {
  await plane.killApiServer();
  await plane.startApiServer();
  return cpuSeconds(plane.apiServerPid) * 1000;
}

function print(): void {
  const row = (what: string, value: (cost: FleetCost) => number, text: (value: number) => string) => {
    const [ours, peer] = [...costs.values()].map(value) as [number, number];
    return [what, text(ours), text(peer), (ours / peer).toFixed(2)];
  };
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const milliseconds = (value: number) => `${value.toFixed(2)} ms`;
  table(`${nodes} nodes, ${services} Services with 2 endpoints, one API server; a node's share`, [
    ["", ...costs.keys(), "ratio"],
    row("first lists, received", ({ lists }) => lists.bytes / nodes, kilobytes),
    row("first lists, CPU of the API server", ({ lists }) => lists.cpu / nodes, milliseconds),
    row("a change, received", (cost) => cost.changes.bytes / nodes / changes, kilobytes),
    row(
      "a change, CPU of the API server, a share of the PATCH included",
      (cost) => cost.changes.cpu / nodes / changes,
      milliseconds,
    ),
    row("restart of the API server, received", ({ storm }) => storm.bytes / nodes, kilobytes),
    row(
      "restart, CPU of the API server above one without nodes",
      ({ storm }) => (storm.cpu - alone) / nodes,
      milliseconds,
    ),
    row(
      "restart, until all nodes have a change",
      ({ storm }) => storm.milliseconds,
      (value) => `${(value / 1000).toFixed(2)} s`,
    ),
  ]);
}
