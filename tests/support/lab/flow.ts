// A UDP flow through the lab: one socket, so one entry of connection tracking, while the rules change.

import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  connectSocket,
  newSocket,
  Poll,
  POLLIN,
  receiveBytes,
  sendBytes,
  sendTo,
  SOCK_DGRAM,
} from "./libc.ts";
import type { Lab } from "./lab.ts";
import type { Probe } from "./probe.ts";

const PATIENCE_MILLISECONDS = 2000;
/** Patience where no answer is expected: a packet of this machine arrives within the call that sends it. */
export const SILENT_MILLISECONDS = 50;
const PAYLOAD = new TextEncoder().encode("flow");

/** Sends datagrams from one port; dispose of it to close it. */
export class Flow implements Disposable {
  readonly #client: number;
  readonly #servers: readonly { readonly descriptor: number; readonly name: string }[];

  constructor(lab: Lab, { host, source, destination, port }: Probe, sourcePort: number) {
    const v6 = destination.includes(":");
    this.#client = lab.inside(host, () => newSocket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM));
    bindSocket(this.#client, source, sourcePort);
    connectSocket(this.#client, destination, port);
    this.#servers = lab.servers.filter(({ stream, name }) => !stream && name.startsWith("[") === v6);
  }

  /** Sends one datagram; returns the server whose answer came back, or "" when none did in time. */
  ask(patience = PATIENCE_MILLISECONDS): string {
    sendBytes(this.#client, PAYLOAD);
    const poll = new Poll(this.#servers.map(({ descriptor }) => descriptor), this.#servers.map(() => POLLIN));
    const [ready] = poll.wait(patience);
    const server = ready === undefined ? undefined : this.#servers[ready];
    const received = server && receiveBytes(server.descriptor);
    if (server === undefined || typeof received !== "object") return "";
    sendTo(server.descriptor, PAYLOAD, received.from);
    new Poll([this.#client], [POLLIN]).wait(PATIENCE_MILLISECONDS);
    return typeof receiveBytes(this.#client) === "object" ? server.name : "";
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.#client);
  }
}
