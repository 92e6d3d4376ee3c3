// Serves /healthz and /livez, and a health check port for each LoadBalancer Service with externalTrafficPolicy Local.

import { HEALTH_CHECK_CONNECTIONS_MAX, HEALTH_CONNECTIONS_MAX } from "../limits.ts";
import { messageOf } from "../thrown.ts";
import { Connections } from "./connections.ts";
import { type HealthAnswer, type HealthFacts, healthz, isHealthy, livez } from "./health.ts";
import {
  type HttpAnswer,
  type HttpNotes,
  HttpServer,
  NO_NOTES,
  NOT_FOUND,
  type ServerAddress,
} from "./http_server.ts";

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

/** A Service that load balancers check: its port on the node, and how many endpoints of this node are ready. */
export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly localEndpoints: number;
}

/** One server for each Service and address. Dispose of it to close all of them. */
export class HealthCheckPorts implements Disposable {
  readonly #servers = new Map<string, HttpServer>();
  readonly #connections: Connections;
  #services: ReadonlyMap<number, ServiceHealth> = new Map();
  /** Places that could not be opened, with the error: each error is reported once. */
  readonly #failed = new Map<string, string>();

  /**
   * `failed` receives a port that cannot be opened. The next {@link follow} tries it again. At most `max` are open: each takes
   * a descriptor, and the Services of tenants must leave enough for the rules.
   */
  constructor(
    readonly facts: () => HealthFacts,
    readonly failed: (service: ServiceHealth, problem: string) => void,
    readonly notes: HttpNotes = NO_NOTES,
    readonly max: number = Infinity,
    places = HEALTH_CHECK_CONNECTIONS_MAX,
  ) {
    this.#connections = new Connections(places);
  }

  /** Opens and closes ports until they are those of `services`, on each of `hostnames`. */
  follow(services: readonly ServiceHealth[], hostnames: readonly string[]): void {
    this.#services = new Map(services.map((service) => [service.port, service]));
    const wanted = new Map<string, { hostname: string; service: ServiceHealth }>(
      services.flatMap((service) =>
        hostnames.map((hostname) => [`${hostname} ${service.port}`, { hostname, service }] as const)
      ),
    );
    for (const [place, server] of this.#servers) {
      if (wanted.has(place)) continue;
      this.#servers.delete(place);
      server[Symbol.dispose]();
    }
    for (const [place, { hostname, service }] of wanted) {
      if (!this.#servers.has(place)) this.#open(place, hostname, service);
    }
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers.values()) server[Symbol.dispose]();
  }

  /** Opens a port on one address. */
  #open(place: string, hostname: string, service: ServiceHealth): void {
    const { port } = service;
    if (this.#servers.size >= this.max) {
      const why = `${this.max} are open, and more would leave too few descriptors`;
      return this.#fail(place, hostname, service, why);
    }
    try {
      const server = new HttpServer(
        { hostname, port },
        () => this.#answer(port),
        this.#connections,
        this.notes,
      );
      this.#servers.set(place, server);
      this.#failed.delete(place);
    } catch (error) {
      this.#fail(place, hostname, service, messageOf(error));
    }
  }

  /** Reports a failure: once for each error, not with every batch. */
  #fail(place: string, hostname: string, service: ServiceHealth, why: string): void {
    if (this.#failed.get(place) === why) return;
    this.#failed.set(place, why);
    this.failed(service, `health check port ${service.port} on ${hostname} cannot be opened: ${why}`);
  }

  /** kube-proxy's answer (pkg/proxy/healthcheck/service_health.go, 1.37), which is the same for every path. */
  #answer(port: number): HttpAnswer {
    const service = this.#services.get(port);
    if (service === undefined) return { status: 503, body: "" };
    const { namespace, name, localEndpoints } = service;
    const serviceProxyHealthy = isHealthy(this.facts());
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy };
    return {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: { ...HEADERS, "x-load-balancing-endpoint-weight": String(localEndpoints) },
      body: JSON.stringify(body),
    };
  }
}
