// Forwards TCP connections from NodePorts on loopback to endpoints (KEP-6032; pkg/proxy/nftables, 1.37). A listener for each port. A
// connection goes to an endpoint chosen at random or, with affinity, to the one before: all clients of loopback are one client.

import type { LocalhostNodePort } from "../fold/localhost_node_ports.ts";
import {
  FORWARD_BUFFER_BYTES,
  FORWARD_CONNECT_MILLISECONDS_MAX,
  FORWARDED_CONNECTIONS_MAX,
} from "../limits/serving.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import { messageOf } from "../thrown.ts";

/** What is counted and reported. */
export interface ForwardNotes {
  /** How many listeners there are now: called where ports were wanted before or are now. */
  listening(family: Family, count: number): void;
  /** A port cannot be listened on; each failure is reported once, and every `follow` tries again. */
  failed(port: LocalhostNodePort, problem: string): void;
}

type Place = LocalhostNodePort["endpoints"][number];

const LOCALHOST: Readonly<Record<Family, string>> = { ip: "127.0.0.1", ip6: "::1" };

/** The listeners. Dispose of it to close them and all their connections. */
export class LocalhostForwarder implements Disposable {
  readonly #listeners = new Map<string, PortListener>();
  /** Failures that were reported, by place. */
  readonly #failed = new Map<string, string>();
  readonly #open = new Set<Deno.TcpConn>();

  /** At most `max` ports are open: the Services of tenants must leave descriptors for the rules. */
  constructor(readonly notes: ForwardNotes, readonly max: number = Infinity) {}

  /** Opens and closes ports until they are `ports`. A port that stays keeps its connections. */
  follow(ports: readonly LocalhostNodePort[]): void {
    // Most nodes have none, and this is called for each change.
    if (ports.length === 0 && this.#listeners.size === 0) return;
    const wanted = new Map(ports.map((port) => [`${port.family} ${port.port}`, port]));
    for (const [place, listener] of this.#listeners) {
      if (wanted.has(place)) continue;
      this.#listeners.delete(place);
      listener[Symbol.dispose]();
    }
    for (const [place, port] of wanted) {
      const listener = this.#listeners.get(place);
      if (listener === undefined) this.#listen(place, port);
      else listener.target = port;
    }
    for (const family of FAMILIES) this.notes.listening(family, this.#count(family));
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners.values()) listener[Symbol.dispose]();
    this.#listeners.clear();
  }

  #count(family: Family): number {
    return [...this.#listeners.values()].filter(({ target }) => target.family === family).length;
  }

  #listen(place: string, port: LocalhostNodePort): void {
    try {
      if (this.#listeners.size >= this.max) {
        throw new Error(`${this.max} are open, and more would leave too few descriptors`);
      }
      this.#listeners.set(place, new PortListener(port, this.#open));
      this.#failed.delete(place);
    } catch (error) {
      const problem = `NodePort ${port.port} on ${LOCALHOST[port.family]} cannot be opened: ${
        messageOf(error)
      }`;
      if (this.#failed.get(place) !== problem) this.notes.failed(port, problem);
      this.#failed.set(place, problem);
    }
  }
}

/** One port. */
class PortListener implements Disposable {
  readonly #listener: Deno.TcpListener;
  /** Connections of this port, those to endpoints included. */
  readonly #connections = new Set<Deno.TcpConn>();
  /** The endpoint of the last connection, and until when it is kept, as performance.now() counts. */
  #pin: { readonly endpoint: Place; readonly until: number } | undefined;

  /** `open` has the clients of all ports. */
  constructor(public target: LocalhostNodePort, readonly open: Set<Deno.TcpConn>) {
    this.#listener = Deno.listen({ hostname: LOCALHOST[target.family], port: target.port });
    void this.#accept();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) closed(connection);
  }

  /** Ends when the listener is closed. It never rejects. */
  async #accept(): Promise<void> {
    for (;;) {
      let client: Deno.TcpConn;
      try {
        client = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) return;
        await new Promise((resolve) => setTimeout(resolve, FORWARD_CONNECT_MILLISECONDS_MAX / 10));
        continue;
      }
      if (this.open.size >= FORWARDED_CONNECTIONS_MAX) closed(client);
      else void this.#forward(client);
    }
  }

  /** Forwards one connection until both sides are finished or one fails. It never rejects. */
  async #forward(client: Deno.TcpConn): Promise<void> {
    this.open.add(client);
    this.#connections.add(client);
    let endpoint: Deno.TcpConn | undefined;
    try {
      const signal = AbortSignal.timeout(FORWARD_CONNECT_MILLISECONDS_MAX);
      endpoint = await Deno.connect({ ...this.#choose(), signal });
      this.#connections.add(endpoint);
      await Promise.all([copied(client, endpoint), copied(endpoint, client)]);
    } catch {
      // The client sees that its connection ends; another endpoint is not tried, as in kube-proxy.
    } finally {
      for (const one of [client, endpoint]) {
        if (one === undefined) continue;
        this.#connections.delete(one);
        closed(one);
      }
      this.open.delete(client);
    }
  }

  #choose(): Place {
    const { endpoints, affinitySeconds } = this.target;
    const now = performance.now();
    const pinned = affinitySeconds > 0 && this.#pin !== undefined && this.#pin.until > now
      ? endpoints.find(({ hostname, port }) =>
        hostname === this.#pin?.endpoint.hostname && port === this.#pin.endpoint.port
      )
      : undefined;
    const endpoint = pinned ?? endpoints[Math.floor(Math.random() * endpoints.length)]!;
    this.#pin = { endpoint, until: now + affinitySeconds * 1000 };
    return endpoint;
  }
}

/** Copies all bytes, no faster than `to` takes them, and then says to `to` that no more come. */
async function copied(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(FORWARD_BUFFER_BYTES);
  for (;;) {
    const length = await from.read(buffer);
    if (length === null) return await to.closeWrite();
    for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
  }
}

/** Closes a connection that may be closed already. */
function closed(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
