// Serves /healthz and /livez, and a health check for each LoadBalancer Service under Local policy.

import { type HealthAnswer, type HealthFacts, healthz, isHealthy, livez } from "./health.ts";

/** Address to listen on. */
export interface BindAddress {
  readonly hostname: string;
  readonly port: number;
}

const HEADERS = { "content-type": "application/json", "x-content-type-options": "nosniff" };

/** Listens on `address` until disposed of. Throws AddrInUse and its like. */
export function serveHealth(
  address: BindAddress,
  facts: () => HealthFacts,
  answered: (endpoint: "healthz" | "livez", code: number) => void = () => {},
): AsyncDisposable {
  const answers: Readonly<Record<string, (facts: HealthFacts) => HealthAnswer>> = {
    "/healthz": healthz,
    "/livez": livez,
  };
  return Deno.serve({ ...address, onListen: () => {} }, (request) => {
    const path = new URL(request.url).pathname;
    const answer = answers[path];
    if (answer === undefined) return new Response("not found\n", { status: 404 });
    const { status, body } = answer(facts());
    answered(path.slice(1) as "healthz" | "livez", status);
    return new Response(JSON.stringify(body), { status, headers: HEADERS });
  });
}

/** A Service that a load balancer asks about: its port on the node, and how many endpoints are ready here. */
export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly localEndpoints: number;
}

/** A server for each Service and address, as long as the Service wants one; dispose of it to stop them all. */
export class HealthCheckPorts implements AsyncDisposable {
  readonly #servers = new Map<string, Deno.HttpServer>();
  #services: ReadonlyMap<number, ServiceHealth> = new Map();
  /** Places that could not be opened, and why: each is told once. */
  readonly #failed = new Map<string, string>();

  /** `failed` is told of a port that cannot be opened; it is tried again at the next {@link follow}. */
  constructor(
    readonly facts: () => HealthFacts,
    readonly failed: (service: ServiceHealth, problem: string) => void,
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
      void server.shutdown();
    }
    for (const [place, { hostname, service }] of wanted) {
      if (!this.#servers.has(place)) this.#open(place, hostname, service);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.shutdown()));
  }

  #open(place: string, hostname: string, service: ServiceHealth): void {
    const { port } = service;
    try {
      const server = Deno.serve({ hostname, port, onListen: () => {} }, () => this.#answer(port));
      this.#servers.set(place, server);
      this.#failed.delete(place);
    } catch (error) {
      const { message } = error as Error;
      if (this.#failed.get(place) === message) return;
      this.#failed.set(place, message);
      this.failed(service, `health check port ${port} on ${hostname} cannot be opened: ${message}`);
    }
  }

  /** kube-proxy's answer (pkg/proxy/healthcheck/service_health.go, 1.37), whatever the path. */
  #answer(port: number): Response {
    const service = this.#services.get(port);
    if (service === undefined) return new Response(null, { status: 503 });
    const { namespace, name, localEndpoints } = service;
    const serviceProxyHealthy = isHealthy(this.facts());
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy };
    return new Response(JSON.stringify(body), {
      status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: { ...HEADERS, "x-load-balancing-endpoint-weight": String(localEndpoints) },
    });
  }
}
