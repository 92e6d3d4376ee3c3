// Traffic of the bench: first packets and connections from a pod, through the rules that a proxy left.

import type { Lab } from "../../support/lab/lab.ts";
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
} from "../../support/lab/libc.ts";
import { SERVER } from "./cluster.ts";
import { percentile } from "../percentile.ts";

/** Connections in one measurement, and before it to warm up. */
const CONNECTIONS = 2000;
const WARM_UP = 300;
/** How often each proxy is measured; they take turns. */
const TURNS = 9;
const CLIENT = "10.244.1.5";
/** Every datagram has a source port of its own, so each begins a connection. */
const FIRST_PORT = 10_000;

/** Connections from a pod. */
export interface Traffic {
  readonly firstPacketMicroseconds: number;
  readonly connectionsASecond: number;
}

/** Measures the proxies in turn, each round beginning with another one, so that other load affects all of them. */
export function measureTraffic(labs: ReadonlyMap<string, Lab>, clusterIP: string): Map<string, Traffic> {
  console.error("measuring traffic");
  const contenders = [...labs.keys()];
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
