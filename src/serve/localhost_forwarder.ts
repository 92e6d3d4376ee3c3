// Forwards TCP connections from NodePorts on loopback to endpoints (KEP-6032; pkg/proxy/nftables, 1.37). A listener for each port. A
// connection goes to an endpoint chosen at random or, with affinity, to the one before: all clients of loopback are one client.

import { TOO_FEW_DESCRIPTORS } from "./connections.ts";
import type { LocalhostNodePort } from "../fold/localhost_node_ports.ts";
import {
  FORWARD_BUFFER_BYTES,
  FORWARD_CONNECT_MILLISECONDS_MAX,
  FORWARDED_CONNECTIONS_MAX,
  LISTENERS_AT_ONCE,
} from "../limits/serving.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";
import { messageOf } from "../thrown.ts";

/** What is counted and reported. */
export interface ForwardNotes {
  /** How many listeners there are now: called where ports were wanted before or are now. */
  listening(family: Family, count: number): void;
  /** A port cannot be listened on; each failure is reported once, and the port is tried again later. */
  failed(port: LocalhostNodePort, problem: string): void;
}

type Place = LocalhostNodePort["endpoints"][number];

const LOCALHOST: Readonly<Record<Family, string>> = { ip: "127.0.0.1", ip6: "::1" };

/** Pause before ports that could not be opened are tried again, in milliseconds. */
const RETRY_MILLISECONDS = 5000;

/** The listeners. Dispose of it to close them and all their connections. */
export class LocalhostForwarder implements Disposable {
  readonly #listeners = new Map<string, PortListener>();
  /** How many there are by family. */
  readonly #counts: Record<Family, number> = { ip: 0, ip6: 0 };
  /** Failures that were reported, by place. */
  readonly #failed = new Map<string, string>();
  readonly #admission = new Admission();
  #ports: readonly LocalhostNodePort[] = [];
  #wanted: ReadonlyMap<string, LocalhostNodePort> = new Map();
  /** Places that are still to be opened. */
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** At most `max` ports are open: the Services of tenants must leave descriptors for the rules. */
  constructor(readonly notes: ForwardNotes, readonly max: () => number = () => Infinity) {}

  /** Descriptors of the open ports, and of the connections that they may have. */
  get descriptors(): number {
    return this.#listeners.size === 0 ? 0 : this.#listeners.size + 2 * FORWARDED_CONNECTIONS_MAX;
  }

  /**
   * Opens and closes ports until they are `ports`. A port that stays keeps its connections. A part of them is opened before this
   * returns, and the others in turns, so that other work goes on. What failed is tried again by a timer.
   */
  follow(ports: readonly LocalhostNodePort[]): void {
    // Most changes are about other Services, whose ports are the same objects as before.
    const before = this.#ports;
    if (ports.length === before.length && ports.every((port, i) => port === before[i])) return;
    this.#ports = ports;
    this.#wanted = new Map(ports.map((port) => [`${port.family} ${port.port}`, port]));
    this.#settle();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const listener of this.#listeners.values()) listener[Symbol.dispose]();
    this.#listeners.clear();
  }

  /** Closes the ports that are not wanted, and begins to open those that are: first the ones that did not fail. */
  #settle(): void {
    for (const [place, listener] of this.#listeners) {
      const wanted = this.#wanted.get(place);
      if (wanted !== undefined) listener.target = wanted;
      else {
        this.#listeners.delete(place);
        this.#counts[listener.target.family]--;
        listener[Symbol.dispose]();
      }
    }
    for (const place of this.#failed.keys()) if (!this.#wanted.has(place)) this.#failed.delete(place);
    const missing = [...this.#wanted.keys()].filter((place) => !this.#listeners.has(place));
    const isNew = (place: string) => !this.#failed.has(place);
    this.#waiting = [...missing.filter(isNew), ...missing.filter((place) => !isNew(place))];
    this.#openSome();
  }

  #openSome(): void {
    clearTimeout(this.#timer);
    for (const place of this.#waiting.splice(0, LISTENERS_AT_ONCE)) {
      this.#listen(place, this.#wanted.get(place)!);
    }
    for (const family of FAMILIES) this.notes.listening(family, this.#counts[family]);
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#openSome(), 0);
    else if (this.#failed.size > 0) this.#timer = setTimeout(() => this.#settle(), RETRY_MILLISECONDS);
  }

  #listen(place: string, port: LocalhostNodePort): void {
    if (this.#listeners.size >= this.max()) {
      return this.#fail(place, port, TOO_FEW_DESCRIPTORS);
    }
    try {
      this.#listeners.set(place, new PortListener(port, this.#admission));
      this.#counts[port.family]++;
      this.#failed.delete(place);
    } catch (error) {
      this.#fail(place, port, messageOf(error));
    }
  }

  /** Reports a failure: once for each error, not each time that it is tried again. */
  #fail(place: string, port: LocalhostNodePort, why: string): void {
    if (this.#failed.get(place) === why) return;
    this.#failed.set(place, why);
    this.notes.failed(port, `NodePort ${port.port} on ${LOCALHOST[port.family]} cannot be opened: ${why}`);
  }
}

/**
 * Bounds the connections of all ports. Those of one namespace may have half of what the others leave: one tenant that holds its
 * connections open does not take the place of all others.
 */
class Admission {
  readonly #counts = new Map<string, number>();
  #all = 0;

  /** Takes a place for a connection to a port of `namespace`, until it is disposed of; undefined where there is none. */
  take(namespace: string): Disposable | undefined {
    const own = this.#counts.get(namespace) ?? 0;
    if (this.#all + own >= FORWARDED_CONNECTIONS_MAX) return undefined;
    this.#all++;
    this.#counts.set(namespace, own + 1);
    return { [Symbol.dispose]: () => this.#give(namespace) };
  }

  #give(namespace: string): void {
    this.#all--;
    const left = this.#counts.get(namespace)! - 1;
    if (left > 0) this.#counts.set(namespace, left);
    else this.#counts.delete(namespace);
  }
}

/** One port. */
class PortListener implements Disposable {
  readonly #listener: Deno.TcpListener;
  /** Connections of this port, those to endpoints included. */
  readonly #connections = new Set<Deno.TcpConn>();
  /** The endpoint of the last connection, and until when it is kept, as performance.now() counts. */
  #pin: { readonly endpoint: Place; readonly until: number } | undefined;

  /** `admission` bounds the connections of all ports. */
  constructor(public target: LocalhostNodePort, readonly admission: Pick<Admission, "take">) {
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
      const [namespace] = this.target.name.split("/", 1);
      const place = this.admission.take(namespace!);
      if (place === undefined) closed(client);
      else void this.#forward(client).finally(() => place[Symbol.dispose]());
    }
  }

  /** Forwards one connection until both sides are finished or one fails. It never rejects. */
  async #forward(client: Deno.TcpConn): Promise<void> {
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
