// A TCP connection through the lab that stays open while the rules change.

import {
  acceptSocket,
  AF_INET,
  bindSocket,
  closeDescriptor,
  connectSocket,
  newSocket,
  Poll,
  POLLIN,
  receiveBytes,
  sendBytes,
  SOCK_STREAM,
} from "./libc.ts";
import type { Lab, Server } from "./lab.ts";
import type { Probe } from "./probe.ts";

const PATIENCE_MILLISECONDS = 2000;

/** An established connection; dispose of it to reset it. */
export class Connection implements Disposable {
  readonly #client: number;
  readonly #accepted: number;
  /** Name of the server that accepted it. */
  readonly server: string;

  /** Connects as `probe` describes, over IPv4. Throws when no server accepts it. */
  constructor(lab: Lab, { host, source, destination, port }: Probe) {
    this.#client = lab.inside(host, () => newSocket(AF_INET, SOCK_STREAM));
    bindSocket(this.#client, source, 0);
    connectSocket(this.#client, destination, port);
    const listening = lab.servers.filter(({ stream }) => stream);
    const poll = new Poll(listening.map(({ descriptor }) => descriptor), listening.map(() => POLLIN));
    const [ready] = poll.wait(PATIENCE_MILLISECONDS);
    const server: Server | undefined = ready === undefined ? undefined : listening[ready];
    const accepted = server && acceptSocket(server.descriptor);
    if (accepted === undefined) throw new Error(`no server took the connection to ${destination}:${port}`);
    this.#accepted = accepted.descriptor;
    this.server = server!.name;
  }

  /** Whether a byte still arrives, in both directions. */
  works(): boolean {
    return carries(this.#client, this.#accepted) && carries(this.#accepted, this.#client);
  }

  [Symbol.dispose](): void {
    closeDescriptor(this.#client);
    closeDescriptor(this.#accepted);
  }
}

function carries(from: number, to: number): boolean {
  if (sendBytes(from, Uint8Array.of(1)) !== 0) return false;
  new Poll([to], [POLLIN]).wait(PATIENCE_MILLISECONDS);
  const received = receiveBytes(to);
  return typeof received === "object" && received.bytes.length === 1;
}
