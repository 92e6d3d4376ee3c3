// Serves /healthz and /livez, and a health check for each LoadBalancer Service under Local policy.

import { HEALTH_CHECK_CONNECTIONS_MAX, HEALTH_CONNECTIONS_MAX } from "../limits.ts";
import { Connections } from "./connections.ts";
import { type HealthAnswer, type HealthFacts, healthz, isHealthy, livez } from "./health.ts";
import {
  type BindAddress,
  type HttpAnswer,
  type HttpNotes,
  HttpServer,
  NO_NOTES,
  NOT_FOUND,
} from "./http_server.ts";

const HEADERS = { "content-type": "application/json", "x-content-type-options": "nosniff" };

/** Listens on `address` until disposed of. Throws AddrInUse and its like. */
export function serveHealth(
  address: BindAddress,
  facts: () => HealthFacts,
  answered: (endpoint: "healthz" | "livez", code: number) => void = () => {},
  notes: HttpNotes = NO_NOTES,
): HttpServer {
  const answers: ReadonlyMap<string, (facts: HealthFacts) => HealthAnswer> = new Map([
    ["/healthz", healthz],
    ["/livez", livez],
  ]);
  return new HttpServer(
    address,
    ({ path }) => {
      const answer = answers.get(path);
      if (answer === undefined) return NOT_FOUND;
      const { status, body } = answer(facts());
      answered(path.slice(1) as "healthz" | "livez", status);
      return { status, headers: HEADERS, body: JSON.stringify(body) };
    },
    new Connections(HEALTH_CONNECTIONS_MAX),
    notes,
  );
}

/** A Service that a load balancer asks about: its port on the node, and how many endpoints are ready here. */
export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly localEndpoints: number;
}

/** A server for each Service and address, as long as the Service wants one; dispose of it to stop them all. */
export class HealthCheckPorts implements Disposable {
  readonly #servers = new Map<string, HttpServer>();
  readonly #connections = new Connections(HEALTH_CHECK_CONNECTIONS_MAX);
  #services: ReadonlyMap<number, ServiceHealth> = new Map();
  /** Places that could not be opened, and why: each is reported once. */
  readonly #failed = new Map<string, string>();

  /**
   * `failed` receives a port that cannot be opened; it is tried again at the next {@link follow}. At most `max` are open: each
   * takes a descriptor, and Services of tenants must not take those that rules need.
   */
  constructor(
    readonly facts: () => HealthFacts,
    readonly failed: (service: ServiceHealth, problem: string) => void,
    readonly notes: HttpNotes = NO_NOTES,
    readonly max: number = Infinity,
  ) {}

  /** Opens and closes ports so that they are those of `services`, on each of `hostnames`. */
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

  #open(place: string, hostname: string, service: ServiceHealth): void {
    const { port } = service;
    if (this.#servers.size >= this.max) {
      return this.#fail(
        place,
        hostname,
        service,
        `${this.max} are open, and more would leave too few descriptors`,
      );
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
      this.#fail(place, hostname, service, (error as Error).message);
    }
  }

  #fail(place: string, hostname: string, service: ServiceHealth, why: string): void {
    if (this.#failed.get(place) === why) return;
    this.#failed.set(place, why);
    this.failed(service, `health check port ${service.port} on ${hostname} cannot be opened: ${why}`);
  }

  /** kube-proxy's answer (pkg/proxy/healthcheck/service_health.go, 1.37), whatever the path. */
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
