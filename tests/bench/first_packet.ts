// The latency of the first packet of a connection: a datagram from a pod through the node to a remote pod, on nodes
// without rules and with 10, 1,000 and 30,000 Services. All nodes exist at the same time and take turns, so that ratios
// are paired.
//
//   deno task bench:first-packet [--json] [SERVICES ...]
//   deno task bench:first-packet --rules [SERVICES [TURNS]]     takes the skeleton apart, rule by rule

import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import {
  AF_INET,
  bindSocket,
  closeDescriptor,
  newSocket,
  receiveBytes,
  sendTo,
  SOCK_DGRAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { Lab } from "../support/lab/lab.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { table } from "./table.ts";
import { percentile } from "./percentile.ts";
import { printRuleCosts } from "./rule_costs.ts";

const ROUNDS = 4000;
const WARM_UP = 500;
const SOURCE = "10.244.1.5";
const SERVER = { address: "10.244.2.5", port: 5353 };
const PAYLOAD = Uint8Array.of(1);
/** Each round has a source port of its own, so that each datagram begins a connection. */
const FIRST_PORT = 10_000;

/** One row of the output of --json. */
export interface FirstPacket {
  /** null: no rules. */
  readonly services: number | null;
  /** Microseconds. */
  readonly p50: number;
}

if (Deno.args[0] === "--rules") {
  const [services = 10_000, turns = 150] = Deno.args.slice(1).map(Number);
  printRuleCosts(services, turns);
  Deno.exit();
}
const json = Deno.args[0] === "--json";
const given = Deno.args.slice(json ? 1 : 0).map(Number);
const sizes = given.length > 0 ? given : [10, 1000, 30_000];
const nodes = [undefined, ...sizes].map(newNode);
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  for (const node of nodes) {
    const microseconds = sendOne(node, FIRST_PORT + round);
    if (round >= WARM_UP) node.times.push(microseconds);
  }
}
if (json) {
  const answers = nodes.map(({ services = null, times }): FirstPacket => ({
    services,
    p50: percentile(times, 0.5),
  }));
  console.log(JSON.stringify(answers));
} else print();
for (const { lab, proxy } of nodes) {
  proxy?.[Symbol.dispose]();
  lab[Symbol.dispose]();
}

function print(): void {
  const [bare] = nodes;
  table(
    "First packet of a connection, UDP from a pod through the node (microseconds, p50 of paired rounds)",
    [
      ["Services", "p50", "p90", "ratio to no Service", "ratio to the fewest"],
      ...nodes.map(({ services, times }) => [
        services === undefined ? "no rules" : String(services),
        percentile(times, 0.5).toFixed(1),
        percentile(times, 0.9).toFixed(1),
        (percentile(times, 0.5) / percentile(bare!.times, 0.5)).toFixed(2),
        (percentile(times, 0.5) / percentile(nodes[1]!.times, 0.5)).toFixed(2),
      ]),
    ],
  );
}

interface Node {
  readonly services: number | undefined;
  readonly lab: Lab;
  readonly proxy: LabProxy | undefined;
  /** Destination of the datagrams: the server itself, or a Service with the server as its endpoint. */
  readonly target: Uint8Array<ArrayBuffer>;
  readonly server: number;
  readonly times: number[];
}

function newNode(services: number | undefined): Node {
  const lab = new Lab();
  const proxy = services === undefined ? undefined : new LabProxy(lab);
  if (services !== undefined) proxy!.apply(clusterOf(services));
  const server = lab.servers.find(({ stream, name }) =>
    !stream && name === `${SERVER.address}:${SERVER.port}`
  )!;
  const target = services === undefined
    ? socketAddress(SERVER.address, SERVER.port)
    : socketAddress(clusterIP(services >> 1), 53);
  return { services, lab, proxy, target, server: server.descriptor, times: [] };
}

function clusterIP(number: number): string {
  return `10.${96 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

function clusterOf(services: number) {
  const lines = Array.from(
    { length: services },
    (_, i) =>
      `service shop/s${i} ips=${clusterIP(i)} ports=dns:53/udp\n` +
      `slice shop/s${i}-a ports=dns:${SERVER.port}/udp ${SERVER.address}@node-b`,
  );
  return decodeAll([nodeManifest(), ...parseScenario(lines.join("\n")).objects.map(manifestOf)]);
}

/** Microseconds from sending the datagram to receiving it at the server. */
function sendOne({ lab, target, server }: Node, port: number): number {
  const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_DGRAM));
  bindSocket(client, SOURCE, port);
  const start = performance.now();
  sendTo(client, PAYLOAD, target);
  let received;
  while ((received = receiveBytes(server)) === undefined);
  const microseconds = (performance.now() - start) * 1000;
  closeDescriptor(client);
  if (typeof received === "number") throw new Error(`errno ${received}`);
  return microseconds;
}
