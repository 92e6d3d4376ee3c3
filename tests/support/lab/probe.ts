// One connection, or one datagram with its answer, through the lab: which server answered, and which source it saw.

import type { Family, Protocol } from "../../../src/nft/data_type.ts";
import {
  acceptSocket,
  addressText,
  AF_INET,
  AF_INET6,
  bindFreePort,
  closeDescriptor,
  connectSocket,
  ECONNREFUSED,
  newSocket,
  pendingError,
  Poll,
  POLLIN,
  POLLOUT,
  receiveBytes,
  sendBytes,
  sendTo,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "./libc.ts";
import type { HostName, Lab, Server } from "./lab.ts";

/** A connection or datagram from an address of `host` to a frontend. */
export interface Probe {
  readonly host: HostName;
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** The result: `10.244.1.5:8080 from 10.244.1.6`, "refused", or "lost" when nothing came back. */
export type Observation = string;

export const REFUSED = "refused";
export const LOST = "lost";

/**
 * Source ports are used one after the other, so that none is used again while connection tracking remembers it. They are above
 * NodePorts and the ports that kube-proxy listens on.
 */
const FIRST_PORT = 33_000;
const PORTS = 27_000;
let ports = 0;

const EPERM = 1;
const PAYLOAD = new TextEncoder().encode("ledgerproxy");

/**
 * Patience with a connection that must not fail, in milliseconds: a SYN that is lost is sent again after a second, which would hide
 * the loss.
 */
export const FIRST_ATTEMPT_MILLISECONDS = 900;
/** Events of a connection that is answered: the SYN at the server, the bytes at the client; and one of ICMP between them. */
const EVENTS = 4;

/** Sends `probe` and waits at most `patience` milliseconds for its end. */
export function send(lab: Lab, probe: Probe, patience: number): Observation {
  using attempt = new Attempt(lab, probe);
  const end = performance.now() + patience;
  // A busy machine may take this process off the CPU for longer than that: what has come by then counts.
  for (let late = 0; late < EVENTS;) {
    const left = Math.ceil(end - performance.now());
    const seen = attempt.advance(Math.max(0, left));
    if (seen !== undefined) return seen;
    if (left <= 0) late++;
  }
  return LOST;
}

/** One probe under way: its socket, and the connections that servers accepted for it. */
class Attempt implements Disposable {
  readonly #stream: boolean;
  readonly #servers: readonly Server[];
  readonly #client: number;
  readonly #icmp: number;
  readonly #accepted: number[] = [];
  readonly #poll: Poll;
  #served: Observation | undefined;
  #failed: number;

  constructor(lab: Lab, probe: Probe) {
    const family: Family = probe.destination.includes(":") ? "ip6" : "ip";
    this.#stream = probe.protocol === "tcp";
    this.#servers = lab.servers.filter(({ stream, name }) =>
      stream === this.#stream && name.startsWith("[") === (family === "ip6")
    );
    this.#icmp = lab.hosts.get(probe.host)!.icmp[family];
    while (receiveBytes(this.#icmp) !== undefined);
    const type = this.#stream ? SOCK_STREAM : SOCK_DGRAM;
    this.#client = lab.inside(probe.host, () => newSocket(family === "ip6" ? AF_INET6 : AF_INET, type));
    bindFreePort(this.#client, probe.source, () => FIRST_PORT + (ports++ % PORTS));
    this.#failed = connectSocket(this.#client, probe.destination, probe.port);
    if (!this.#stream && this.#failed === 0) this.#failed = sendBytes(this.#client, PAYLOAD);
    const waited = this.#servers.map(({ descriptor }) => descriptor);
    this.#poll = new Poll([this.#client, this.#icmp, ...waited], [
      this.#stream ? POLLOUT | POLLIN : POLLIN,
      POLLIN,
      ...waited.map(() => POLLIN),
    ]);
  }

  /** Waits for an event; returns the result, where that was the last one. */
  advance(milliseconds: number): Observation | undefined {
    // A packet that the node itself may not send fails at once; a refusal is recognised by its ICMP error.
    if (this.#failed === EPERM) return this.#readIcmp() ?? LOST;
    if (this.#failed !== 0) return this.#failed === ECONNREFUSED ? REFUSED : `errno ${this.#failed}`;
    for (const ready of this.#poll.wait(milliseconds)) {
      const seen = ready === 0
        ? this.#readClient()
        : ready === 1
        ? this.#readIcmp()
        : this.#answer(ready - 2);
      if (seen !== undefined) return seen;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const descriptor of [this.#client, ...this.#accepted]) closeDescriptor(descriptor);
  }

  /** The result, once the answer has come back. */
  #readClient(): Observation | undefined {
    const error = this.#stream ? pendingError(this.#client) : 0;
    const received = error === 0 ? receiveBytes(this.#client) : error;
    if (received === undefined) return undefined;
    if (typeof received !== "number") return this.#served ?? "answered by no server";
    return received === ECONNREFUSED ? REFUSED : received === 107 ? undefined : `errno ${received}`;
  }

  /** A TCP client may receive an ICMP error only at its next retransmission; this socket receives it at once. */
  #readIcmp(): Observation | undefined {
    for (let received; (received = receiveBytes(this.#icmp)) !== undefined;) {
      if (typeof received === "number") continue;
      const { bytes } = received;
      const v6 = (bytes[0]! >> 4) !== 4;
      const at = v6 ? 0 : (bytes[0]! & 15) * 4;
      const unreachable = v6
        ? bytes[at] === 1 && bytes[at + 1] === 4
        : bytes[at] === 3 && bytes[at + 1] === 3;
      if (unreachable) return REFUSED;
    }
    return undefined;
  }

  #answer(index: number): undefined {
    const { descriptor, name, stream } = this.#servers[index]!;
    if (stream) {
      const connection = acceptSocket(descriptor);
      if (connection === undefined) return;
      this.#accepted.push(connection.descriptor);
      this.#served = `${name} from ${connection.peer}`;
      sendBytes(connection.descriptor, PAYLOAD);
      return;
    }
    const received = receiveBytes(descriptor);
    if (received === undefined || typeof received === "number") return;
    this.#served = `${name} from ${addressText(received.from)}`;
    sendTo(descriptor, PAYLOAD, received.from);
  }
}
