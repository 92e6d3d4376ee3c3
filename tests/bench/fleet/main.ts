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
import { until } from "../../support/until.ts";
import { table } from "../table.ts";
import { Clients } from "./clients.ts";
import { informers } from "./informers.ts";

/** A node rests when it has received no more than this for so long. */
const RESTING_BYTES = 1000;
const RESTING_MILLISECONDS = 15_000;

const [nodes = 50, services = 1000, changes = 100] = Deno.args.map(Number);

/** The costs of one kind of nodes: all of them together. */
interface FleetCost {
  readonly lists: ApiCost;
  /** While the watches are those that brought the first lists. */
  readonly changes: ApiCost;
  /** The same after the restart, when the watches are others. */
  readonly laterChanges: ApiCost;
  /**
   * From the moment at which the API server answers again to the moment at which every node has a change made then; the bytes until the
   * nodes rest.
   */
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
  const changed = await measureChanges(meter, clients);
  const received = receivedBytes(lab);
  const back = await measureStorm(clients);
  await quiet(lab);
  const storm = { ...back, bytes: receivedBytes(lab) - received };
  const laterChanges = await measureChanges(await ApiMeter.start(plane, lab), clients);
  await clients.end();
  disconnectApi();
  lab[Symbol.dispose]();
  return { lists, changes: changed, laterChanges, storm };
}

/** What changes cost until every node has all of them. */
async function measureChanges(meter: ApiMeter, clients: Clients): Promise<ApiCost> {
  meter.restart();
  const before = clients.status.events;
  for (let change = 0; change < changes; change++) {
    await patch(plane, change % services);
  }
  await clients.until(({ events }) => events >= before + nodes * changes, "all nodes have all changes");
  return await meter.costBesideRest();
}

/** Waits until the nodes have received next to nothing for a while: this program's lists that confirm come after the restart. */
async function quiet(lab: Lab): Promise<void> {
  let [seen, since] = [receivedBytes(lab), performance.now()];
  await until("the nodes rest", () => {
    const received = receivedBytes(lab);
    if (received > seen + RESTING_BYTES * nodes) [seen, since] = [received, performance.now()];
    return performance.now() - since > RESTING_MILLISECONDS;
  }, 300_000);
}

/** The API server is killed and starts again; one change shows when all nodes follow it. */
async function measureStorm(clients: Clients): Promise<Omit<FleetCost["storm"], "bytes">> {
  await plane.killApiServer();
  await plane.startApiServer();
  const start = performance.now();
  const { events } = clients.status;
  await patch(plane, 0);
  await clients.until((status) => status.events >= events + nodes, "all nodes are back");
  return { cpu: cpuSeconds(plane.apiServerPid) * 1000, milliseconds: performance.now() - start };
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
  const bytes = (value: number) => `${Math.round(value)} B`;
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const milliseconds = (value: number) => `${value.toFixed(2)} ms`;
  table(`${nodes} nodes, ${services} Services with 2 endpoints, one API server; a node's share`, [
    ["", ...costs.keys(), "ratio"],
    row("first lists, received", ({ lists }) => lists.bytes / nodes, kilobytes),
    row("first lists, CPU of the API server", ({ lists }) => lists.cpu / nodes, milliseconds),
    row("a change, received", (cost) => cost.changes.bytes / nodes / changes, bytes),
    row("a change after the restart, received", (cost) => cost.laterChanges.bytes / nodes / changes, bytes),
    row(
      "a change, CPU of the API server, a share of the PATCH included",
      (cost) => cost.changes.cpu / nodes / changes,
      milliseconds,
    ),
    row(
      "a change after the restart, CPU of the API server",
      (cost) => cost.laterChanges.cpu / nodes / changes,
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
