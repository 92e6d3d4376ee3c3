// Connections that the kernel tracks, joined with the Services at a position: to which endpoint of which Service each goes, and since
// which record that endpoint gets no new ones.

import { type Cidr, contains, parseAddress } from "../kube/address.ts";
import type { Protocol } from "../nft/data_type.ts";
import { endpointParts } from "../nft/text.ts";
import { journalBackward } from "./journal_reading.ts";
import type { JournalEntry } from "./journal.ts";
import type { Subject } from "./names.ts";
import type { Readiness } from "./object_diff.ts";
import { causeOfEntry, type JournalCause } from "./outages.ts";
import type { Past } from "./past.ts";
import { servedText } from "./service_condition.ts";
import { rfc3339 } from "./time_expression.ts";
import { isEndpointOf } from "./services_about.ts";
import {
  type EndpointState,
  type FrontendState,
  servicesOfState,
  type ServicesState,
  type ServiceState,
} from "./services.ts";

/** A connection as the kernel tracks it: its destination was translated. */
export interface TrackedConnection {
  /** Entries of other protocols are no connections of Services. */
  readonly protocol: Protocol;
  /** `10.244.1.9:40312`. */
  readonly client: string;
  /** What the client sent to: `10.96.0.1:80`. */
  readonly target: string;
  /** Who answers: `10.244.0.33:8080`. */
  readonly answerer: string;
  /** As conntrack names it: `ESTABLISHED`, `TIME_WAIT`. */
  readonly state: string;
  /** Milliseconds since 1970; undefined where the kernel does not record it. */
  readonly began: number | undefined;
}

/** The connections of one port of a Service to one endpoint. */
export interface EndpointConnections {
  /** `namespace/name`; "" where no Service has the address that the clients sent to. */
  readonly service: string;
  /** The port of the Service, by its name or number. Without a Service what the clients sent to: `10.96.0.1:80/tcp`. */
  readonly port: string;
  /** Of the port. */
  readonly protocol: Protocol;
  /** `10.244.0.33:8080`. */
  readonly endpoint: string;
  /** "" where the ledger does not know it. */
  readonly node: string;
  /** "" where the ledger does not know it. */
  readonly zone: string;
  /** `namespace/name`; "" where the ledger does not know it. */
  readonly pod: string;
  /** `gone`: no EndpointSlice of the Service names it. */
  readonly condition: Readiness | "gone";
  /** Whether the endpoint gets no new connections from this node. */
  readonly leaving: boolean;
  /** The record with which that began; null where it gets new ones, and where the ledger does not know it. */
  readonly left: JournalCause | null;
  /** How many connections can still carry data; of UDP all that conntrack remembers. */
  readonly open: number;
  /** How many are over, and remembered for a while. */
  readonly over: number;
  /** When the oldest that is open began, RFC 3339; null where the kernel does not record it. */
  readonly oldest: string | null;
  /** Each connection, where they were asked for. */
  readonly connections: readonly PlacedConnection[];
}

/** One connection of a row. */
export interface PlacedConnection {
  /** `10.244.1.9:40312`. */
  readonly client: string;
  /** What the client sent to: `10.96.0.1:80`. */
  readonly target: string;
  /** As conntrack names it: `ESTABLISHED`, `TIME_WAIT`. */
  readonly state: string;
  /** RFC 3339; null where the kernel does not record it. */
  readonly began: string | null;
}

/** States in which a connection carries no data any more. */
const OVER = new Set(["TIME_WAIT", "CLOSE", "CLOSED", "NONE"]);

/** Whether `connection` can still carry data. */
export function isOpen({ state }: Pick<TrackedConnection, "state">): boolean {
  return !OVER.has(state);
}

/** A port of a Service. */
interface Place {
  readonly service: string;
  readonly port: string;
}

/** Counts connections by port and endpoint. A list of a large table need not be held in memory. */
class ConnectionCount {
  readonly #places = new Map<string, Place>();
  readonly #endpoints = new Map<string, EndpointState>();
  readonly #rows = new Map<string, Row>();

  /** `services` are those of the position. With `keep` each row has its connections. */
  constructor(services: Iterable<ServiceState>, readonly keep: boolean) {
    for (const { service, frontends, endpoints } of services) {
      for (const { text, port, leads } of frontends) {
        if (isServed(leads)) this.#places.set(text, { service, port });
      }
      for (const one of endpoints) {
        this.#endpoints.set(rowKey({ service, port: one.port }, one.endpoint), one);
      }
    }
  }

  /** Counts one connection. */
  add(connection: TrackedConnection): void {
    const { protocol, client, target, answerer, state, began } = connection;
    const place = this.#placeOf(protocol, target);
    const key = rowKey(place, answerer);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = { ...place, protocol, endpoint: answerer, open: 0, over: 0, oldest: undefined, connections: [] };
      this.#rows.set(key, row);
    }
    if (this.keep) row.connections.push({ client, target, state, began: timeOf(began) });
    if (!isOpen(connection)) row.over++;
    else {
      row.open++;
      if (began !== undefined) row.oldest = Math.min(row.oldest ?? Infinity, began);
    }
  }

  /**
   * The rows, in order of their Services and endpoints. What is not known of an endpoint that is gone, or gets no new connections, is
   * searched for in the journal of `past` up to offset `through`.
   */
  rows(past: Past, through: number): EndpointConnections[] {
    const rows = [...this.#rows.values()].map((row) => ({
      row,
      known: this.#endpoints.get(rowKey(row, row.endpoint)),
    }));
    const leaving = rows.filter(({ row, known }) => row.service !== "" && !getsTraffic(known));
    const entries = departures(past, through, leaving.map(({ row }) => row));
    return rows.map(({ row, known }) => described(row, known, entries.get(row)))
      .sort((a, b) =>
        textOrder(`${a.service}:${a.port} ${a.endpoint}`, `${b.service}:${b.port} ${b.endpoint}`)
      );
  }

  /** A NodePort is reached at any address. */
  #placeOf(protocol: Protocol, target: string): Place {
    const port = target.slice(target.lastIndexOf(":"));
    return this.#places.get(`${target}/${protocol}`) ?? this.#places.get(`${port}/${protocol}`) ??
      { service: "", port: `${target}/${protocol}` };
  }
}

/** A row while connections are counted. */
interface Row extends Place {
  readonly protocol: Protocol;
  readonly endpoint: string;
  open: number;
  over: number;
  /** Milliseconds since 1970. */
  oldest: number | undefined;
  readonly connections: PlacedConnection[];
}

function timeOf(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : rfc3339(milliseconds);
}

function rowKey({ service, port }: Place, endpoint: string): string {
  return `${service}:${port} ${endpoint}`;
}

function isServed(leads: FrontendState["leads"]): boolean {
  return leads !== "held";
}

function getsTraffic(endpoint: EndpointState | undefined): boolean {
  return endpoint !== undefined && endpoint.traffic !== "none";
}

function textOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function described(
  row: Row,
  known: EndpointState | undefined,
  left: JournalEntry | undefined,
): EndpointConnections {
  const address = endpointParts(row.endpoint)?.address;
  const last = left?.endpoints.find((one) => parseAddress(one.address) === address);
  return {
    ...row,
    node: known?.node || last?.node || "",
    zone: known?.zone ?? "",
    pod: known?.pod || last?.pod || "",
    condition: known?.condition ?? "gone",
    leaving: row.service !== "" && !getsTraffic(known),
    left: left === undefined ? null : causeOfEntry(left),
    oldest: timeOf(row.oldest),
  };
}

/** For each of `rows` the last entry with which its endpoint stopped getting traffic. */
function departures(past: Past, through: number, rows: readonly Row[]): Map<Row, JournalEntry> {
  const found = new Map<Row, JournalEntry>();
  const wanted = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.service} ${row.endpoint}`;
    wanted.set(key, [...wanted.get(key) ?? [], row]);
  }
  if (wanted.size === 0) return found;
  for (const entry of journalBackward(past, through)) {
    for (const served of entry.left) {
      const key = `${entry.service} ${servedText(served)}`;
      for (const row of wanted.get(key) ?? []) found.set(row, entry);
      wanted.delete(key);
    }
    if (wanted.size === 0) break;
  }
  return found;
}

/** Which connections a question is about: all that a field does not exclude. */
export interface ConnectionsQuestion {
  /** Those to its endpoints, or of its Service. */
  readonly subject?: Subject | undefined;
  /** Those from these addresses. */
  readonly clients?: Cidr | undefined;
  /** Those to endpoints that get no new ones. */
  readonly leaving?: boolean;
  /** Whether each row has its connections. */
  readonly list?: boolean;
}

/**
 * The connections that `question` is about, at offset `through` of `past`, whose state is `state`. `each` calls its argument with every
 * connection: a large table is not held in memory.
 */
export function connectionsAbout(
  past: Past,
  { state, through }: { readonly state: ServicesState; readonly through: number },
  { subject, clients, leaving, list }: ConnectionsQuestion,
  each: (count: (connection: TrackedConnection) => void) => void,
): EndpointConnections[] {
  const count = new ConnectionCount(servicesOfState(state), list === true);
  each((one) => {
    if (clients === undefined || isFrom(clients, one)) count.add(one);
  });
  return count.rows(past, through).filter((row) =>
    (subject === undefined || isAbout(subject, row)) && (leaving !== true || row.leaving)
  );
}

/** Whether `subject` means the endpoint or the Service of `row`. */
function isAbout(subject: Subject, row: EndpointConnections): boolean {
  const { service, port, endpoint, node, zone, pod } = row;
  const state: EndpointState = {
    ...{ port, endpoint, node, zone, pod, weight: 1, slice: "", since: null },
    ...{ condition: row.condition === "gone" ? "not ready" : row.condition, traffic: "none" },
  };
  return isEndpointOf(subject, service, state);
}

/** Whether `connection` comes from `clients`. */
function isFrom(clients: Cidr, { client }: TrackedConnection): boolean {
  const address = parseAddress(endpointParts(client)?.address ?? "");
  return address !== undefined && contains(clients, address);
}
