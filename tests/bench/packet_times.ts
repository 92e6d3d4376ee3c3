// How long packets take through nodes that exist at the same time: the first of a flow, and those after its answer. The nodes
// take turns, a few flows each, so that other load affects all of them alike. Why not flow by flow? Each would find the caches
// filled by all the others.

import type { HostName, Lab } from "../support/lab/lab.ts";
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  newSocket,
  receiveBytes,
  sendTo,
  SOCK_DGRAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { percentile } from "./percentile.ts";

/** Where datagrams go, on one node. */
export interface Path {
  readonly lab: Lab;
  readonly host: HostName;
  readonly source: string;
  /** Where given, each flow is from the next of these, and not from `source`. */
  readonly sources?: readonly string[];
  readonly destination: string;
  readonly port: number;
}

/** Microseconds of each packet: all that the kernel does until the server's socket has it is within the call that sends. */
export interface PacketTimes {
  readonly first: number[];
  readonly later: number[];
}

/** Packets that are measured in each flow after its first one and the answer to it. */
const LATER = 3;
/** Flows in a turn; those at its beginning, which fill the caches, are not counted. */
const TURN = 24;
const UNCOUNTED = 8;
const FIRST_PORT = 10_000;
/** A port is used again when its flow has expired: in the lab after a second. */
const PORTS = 50_000;
const DEADLINE_MILLISECONDS = 1000;
const PAYLOAD = Uint8Array.of(1);

/** Times of {@link TURN} flows on each of `paths` in each of `turns`. Each flow has a source port of its own. */
export function packetTimes(
  paths: ReadonlyMap<string, Path>,
  turns: number,
): Map<string, PacketTimes> {
  const all = [...paths].map(([name, path]) => {
    const v6 = path.destination.includes(":");
    const servers = path.lab.servers.filter(({ stream, name }) => !stream && name.startsWith("[") === v6);
    const target = socketAddress(path.destination, path.port);
    return { name, path, target, servers: servers.map(({ descriptor }) => descriptor) };
  });
  const times = new Map(all.map(({ name }): [string, PacketTimes] => [name, { first: [], later: [] }]));
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < all.length; i++) {
      // Forwards, then backwards: no node always has the same one before it.
      const { name, path, target, servers } = all[turn % 2 === 0 ? i : all.length - 1 - i]!;
      for (let at = 0; at < TURN; at++) {
        const flow = timeFlow(path, target, servers, turn * TURN + at);
        if (at < UNCOUNTED) continue;
        times.get(name)!.first.push(flow.first);
        times.get(name)!.later.push(...flow.later);
      }
    }
  }
  return times;
}

/** The median. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function timeFlow(path: Path, target: Uint8Array<ArrayBuffer>, servers: readonly number[], number: number) {
  const { lab, host, sources = [path.source], destination } = path;
  const family = destination.includes(":") ? AF_INET6 : AF_INET;
  const client = lab.inside(host, () => newSocket(family, SOCK_DGRAM));
  bindSocket(client, sources[number % sources.length]!, FIRST_PORT + number % PORTS);
  const first = timePacket(client, target, servers, destination);
  sendTo(first.server, PAYLOAD, first.from);
  wait(destination, () => typeof receiveBytes(client) === "object" || undefined);
  const later = Array.from({ length: LATER }, () => timePacket(client, target, servers, destination).time);
  closeDescriptor(client);
  return { first: first.time, later };
}

function timePacket(
  client: number,
  target: Uint8Array<ArrayBuffer>,
  servers: readonly number[],
  destination: string,
) {
  const start = performance.now();
  sendTo(client, PAYLOAD, target);
  const time = (performance.now() - start) * 1000;
  return wait(destination, () => {
    for (const server of servers) {
      const received = receiveBytes(server);
      if (typeof received === "object") return { time, server, from: received.from };
    }
    return undefined;
  });
}

function wait<Value>(destination: string, look: () => Value | undefined): Value {
  const deadline = performance.now() + DEADLINE_MILLISECONDS;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`no datagram came through ${destination}`);
  }
}
