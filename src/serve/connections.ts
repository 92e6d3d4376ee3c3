// Bounds the connections that servers of this program hold. When all places are taken, a new connection gets the place of
// the oldest connection of the client that holds the most. So a client that opens many connections loses its own.
//
// Why not refuse the new connection? Then one client that holds all places would keep every other client out.

import {
  CONNECTION_MILLISECONDS_MAX,
  DESCRIPTORS_OWN,
  HEALTH_CHECK_CONNECTIONS_MAX,
  HEALTH_CONNECTIONS_MAX,
  METRICS_CONNECTIONS_MAX,
  REQUEST_MILLISECONDS_MAX,
} from "../limits/serving.ts";

/** How many connections each server may hold. */
export interface Places {
  readonly health: number;
  readonly healthCheck: number;
  readonly metrics: number;
}

/** The places of a process that may have `descriptors`: less where they would leave too few to the rules. */
export function placesWithin(descriptors: number): Places {
  const all = HEALTH_CONNECTIONS_MAX + HEALTH_CHECK_CONNECTIONS_MAX + METRICS_CONNECTIONS_MAX;
  const share = Math.min(1, Math.max(0, descriptors - DESCRIPTORS_OWN) / all);
  const part = (most: number) => Math.max(1, Math.floor(most * share));
  return {
    health: part(HEALTH_CONNECTIONS_MAX),
    healthCheck: part(HEALTH_CHECK_CONNECTIONS_MAX),
    metrics: part(METRICS_CONNECTIONS_MAX),
  };
}

/** Why a port of a Service is not opened where that would leave too few descriptors to the rules, and what to do. */
export const TOO_FEW_DESCRIPTORS =
  "more open ports would leave too few descriptors: raise the limit of open files of this process (ulimit -n; LimitNOFILE= of the " +
  "unit that starts it, or of the container runtime)";

/** Why a connection was closed before its answer was sent. */
export const CLOSINGS = ["full", "late", "malformed"] as const;
export type Closing = (typeof CLOSINGS)[number];

/** The place of one open connection. Dispose of it once the connection is closed. */
export interface HeldPlace extends Disposable {
  /** Call it when the request has been read: the connection gets time for the answer. */
  requested(): void;
}

/** One open connection. */
interface Place {
  readonly client: string;
  readonly close: (why: Closing) => void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * A connection's time passes in so many timers. Why not in one? A loop that was late itself, on a busy machine, would close connections
 * before it reads the requests that have come meanwhile.
 */
const TURNS = 5;

/** Holds at most `max` connections at a time, each for a few seconds. */
export class Connections {
  /** Oldest first. */
  readonly #places = new Set<Place>();

  constructor(readonly max: number) {}

  /** How many connections are open. */
  get count(): number {
    return this.#places.size;
  }

  /** Takes a place for a connection from `address`. `close` must close the connection when it loses its place. */
  add(address: string, close: (why: Closing) => void): HeldPlace {
    if (this.#places.size >= this.max) this.makeRoom();
    const expire = (milliseconds: number, turns = TURNS): ReturnType<typeof setTimeout> =>
      setTimeout(() => {
        if (turns > 1) place.timer = expire(milliseconds, turns - 1);
        else this.#close(place, "late");
      }, milliseconds / TURNS);
    const place: Place = {
      client: clientOf(address),
      close,
      timer: expire(REQUEST_MILLISECONDS_MAX),
    };
    this.#places.add(place);
    return {
      requested: () => {
        if (!this.#places.has(place)) return;
        clearTimeout(place.timer);
        place.timer = expire(CONNECTION_MILLISECONDS_MAX);
      },
      [Symbol.dispose]: () => this.#remove(place),
    };
  }

  /** Closes the oldest connection of the client that has the most. Call it too when descriptors run out. */
  makeRoom(): void {
    const counts = new Map<string, number>();
    for (const { client } of this.#places) counts.set(client, (counts.get(client) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const oldest = [...this.#places].find(({ client }) => counts.get(client) === most);
    if (oldest !== undefined) this.#close(oldest, "full");
  }

  /** Frees the place of a connection, and closes it. */
  #close(place: Place, why: Closing): void {
    this.#remove(place);
    place.close(why);
  }

  #remove(place: Place): void {
    clearTimeout(place.timer);
    this.#places.delete(place);
  }
}

/** The client that an address belongs to. A host with one IPv6 address can use all of its /64 (RFC 4291, 2.5.4). */
function clientOf(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mapped !== null) return mapped[1]!;
  const [before, after] = address.split("%")[0]!.split("::") as [string, string?];
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  const zeros = after === undefined ? [] : Array<string>(8 - head.length - tail.length).fill("0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}
