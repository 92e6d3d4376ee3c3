// Serves /healthz and /livez, and a health check port for each LoadBalancer Service with externalTrafficPolicy Local.

import {
  HEALTH_CHECK_CONNECTIONS_MAX,
  HEALTH_CONNECTIONS_MAX,
  LISTENERS_AT_ONCE,
} from "../limits/serving.ts";
import type { LocalEndpoints } from "../fold/service_program.ts";
import type { Family } from "../nft/data_type.ts";
import { messageOf } from "../thrown.ts";
import { Connections, TOO_FEW_DESCRIPTORS } from "./connections.ts";
import { type HealthAnswer, type HealthFacts, healthz, isHealthy, livez } from "./health.ts";
import { type HttpAnswer, type HttpNotes, HttpServer, NO_NOTES, NOT_FOUND } from "./http_server.ts";
import type { ServerAddress } from "./listening.ts";

/** The endpoints, by their path without the slash. */
export type HealthEndpoint = "healthz" | "livez";

/** kube-proxy's headers (pkg/proxy/healthcheck, 1.37). */
const HEADERS = { "content-type": "application/json", "x-content-type-options": "nosniff" };

/** Listens on `address` until it is disposed of. Throws AddrInUse and similar errors. */
export function serveHealth(
  address: ServerAddress,
  facts: () => HealthFacts,
  answered: (endpoint: HealthEndpoint, code: number) => void = () => {},
  notes: HttpNotes = NO_NOTES,
  places = HEALTH_CONNECTIONS_MAX,
): HttpServer {
  const respond = (endpoint: HealthEndpoint, { status, body }: HealthAnswer): HttpAnswer => {
    answered(endpoint, status);
    return { status, headers: HEADERS, body: JSON.stringify(body) };
  };
  return new HttpServer(
    address,
    ({ path }) => {
      if (path === "/healthz") return respond("healthz", healthz(facts()));
      if (path === "/livez") return respond("livez", livez(facts()));
      return NOT_FOUND;
    },
    new Connections(places),
    notes,
  );
}

/**
 * A Service that load balancers check: its port on the node, and how many endpoints of this node are ready in each family that it
 * has. An endpoint of the other family is no answer to packets of this one.
 */
export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly localEndpoints: LocalEndpoints;
}

/** A port on one address. */
interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** Pause before ports that could not be opened are tried again, in milliseconds: kube-proxy's for its own servers. */
const RETRY_MILLISECONDS = 5000;

/** One server for each Service and address. Dispose of it to close all of them. */
export class HealthCheckPorts implements Disposable {
  readonly #servers = new Map<string, HttpServer>();
  readonly #connections: Connections;
  #services: ReadonlyMap<number, ServiceHealth> = new Map();
  #hostnames: readonly string[] = [];
  #ipv6Hostnames: readonly string[] = [];
  /** How many sockets the servers have. */
  #sockets = 0;
  #withoutIpv6 = "";
  /** Places that could not be opened, with the error: each error is reported once. */
  readonly #failed = new Map<string, string>();
  /** Places that are still to be opened, by their text. */
  #waiting: (readonly [text: string, place: Place])[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * `failed` receives a port that cannot be opened. The next {@link follow} tries it again, or a timer. At most `max` are open: each
   * takes a descriptor, and the Services of tenants must leave enough for the rules.
   */
  constructor(
    readonly facts: () => HealthFacts,
    readonly failed: (service: ServiceHealth, problem: string) => void,
    readonly notes: HttpNotes = NO_NOTES,
    readonly max: () => number = () => Infinity,
    places = HEALTH_CHECK_CONNECTIONS_MAX,
  ) {
    this.#connections = new Connections(places);
  }

  /** How many sockets wait for connections: one for each port and address. */
  get open(): number {
    return this.#sockets;
  }

  /** Why ports on all addresses serve IPv4 alone; "" where they do not. */
  get withoutIpv6(): string {
    return this.#withoutIpv6;
  }

  /**
   * Opens and closes ports until they are those of `services`, on each of `hostnames`: `::` are all addresses of both families, and
   * 0.0.0.0 those of IPv4 alone. Services of IPv6 have their ports on `ipv6Hostnames` too. A part of them is opened before this
   * returns, and the others in turns, so that other work goes on.
   */
  follow(
    services: readonly ServiceHealth[],
    hostnames: readonly string[],
    ipv6Hostnames: readonly string[] = [],
  ): void {
    const before = this.#services;
    this.#services = new Map(services.map((service) => [service.port, service]));
    const same = hostnames.join() === this.#hostnames.join() &&
      ipv6Hostnames.join() === this.#ipv6Hostnames.join() && before.size === this.#services.size &&
      [...before].every(([port, one]) => {
        const now = this.#services.get(port);
        return now !== undefined && hasIpv6(now) === hasIpv6(one);
      });
    if (same && this.#failed.size === 0) return;
    this.#hostnames = hostnames;
    this.#ipv6Hostnames = ipv6Hostnames;
    this.#settle();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const server of this.#servers.values()) server[Symbol.dispose]();
  }

  /** Closes the ports that are not wanted, and begins to open those that are: first the ones that did not fail. */
  #settle(): void {
    const wanted = new Map<string, Place>(
      [...this.#services.values()].flatMap((service) =>
        this.#hostnamesOf(service).map((hostname) =>
          [`${hostname} ${service.port}`, { hostname, port: service.port }] as const
        )
      ),
    );
    const closed = new Set<string>();
    for (const [text, server] of this.#servers) {
      if (wanted.has(text)) continue;
      closed.add(portText(text));
      this.#servers.delete(text);
      this.#sockets -= server.sockets;
      server[Symbol.dispose]();
    }
    for (const text of this.#failed.keys()) if (!wanted.has(text)) this.#failed.delete(text);
    const missing = [...wanted].filter(([text]) => !this.#servers.has(text));
    const isNew = ([text]: (typeof missing)[number]) => !this.#failed.has(text);
    this.#waiting = [...missing.filter(isNew), ...missing.filter((one) => !isNew(one))];
    // A port is free once the accept that waits at it has ended, which is in the next turn.
    if (missing.some(([text]) => closed.has(portText(text)))) this.#openInNextTurn();
    else this.#openSome();
  }

  #hostnamesOf(service: ServiceHealth): readonly string[] {
    return hasIpv6(service) ? [...this.#hostnames, ...this.#ipv6Hostnames] : this.#hostnames;
  }

  #openInNextTurn(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#openSome(), 0);
  }

  #openSome(): void {
    clearTimeout(this.#timer);
    for (const [text, place] of this.#waiting.splice(0, LISTENERS_AT_ONCE)) this.#open(text, place);
    if (this.#waiting.length > 0) this.#openInNextTurn();
    else if (this.#failed.size > 0) this.#timer = setTimeout(() => this.#settle(), RETRY_MILLISECONDS);
  }

  /** Opens a port on one address. */
  #open(text: string, { hostname, port }: Place): void {
    const service = this.#services.get(port);
    // It went while it waited.
    if (service === undefined) return;
    if (this.#sockets >= this.max()) {
      return this.#fail(text, hostname, service, TOO_FEW_DESCRIPTORS);
    }
    try {
      const server = new HttpServer(
        { hostname, port, ipv4Alone: hostname === "0.0.0.0" },
        ({ family }) => this.#answer(port, family),
        this.#connections,
        this.notes,
      );
      this.#servers.set(text, server);
      this.#sockets += server.sockets;
      this.#withoutIpv6 = server.withoutIpv6 ?? "";
      this.#failed.delete(text);
    } catch (error) {
      this.#fail(text, hostname, service, messageOf(error));
    }
  }

  /** Reports a failure: once for each error, not with every batch. */
  #fail(place: string, hostname: string, service: ServiceHealth, why: string): void {
    if (this.#failed.get(place) === why) return;
    this.#failed.set(place, why);
    this.failed(service, `health check port ${service.port} on ${hostname} cannot be opened: ${why}`);
  }

  /**
   * kube-proxy's answer (pkg/proxy/healthcheck/service_health.go, 1.37), which is the same for every path. It counts the endpoints of
   * the family in which it is asked. A Service of one family answers in the other as in its own.
   */
  #answer(port: number, family: Family): HttpAnswer {
    const service = this.#services.get(port);
    if (service === undefined) return { status: 503, body: "" };
    const { namespace, name, localEndpoints: { ip, ip6 } } = service;
    const localEndpoints = (family === "ip" ? ip ?? ip6 : ip6 ?? ip) ?? 0;
    const serviceProxyHealthy = isHealthy(this.facts());
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy };
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: { ...HEADERS, "x-load-balancing-endpoint-weight": String(localEndpoints) },
      body: JSON.stringify(body),
    };
  }
}

function hasIpv6({ localEndpoints }: ServiceHealth): boolean {
  return localEndpoints.ip6 !== undefined;
}

/** The port of a place. */
function portText(place: string): string {
  return place.slice(place.lastIndexOf(" ") + 1);
}
