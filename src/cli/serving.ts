// The servers of `run`: metrics, health, and a health check for each Service that a load balancer asks about.

import type { EngineState } from "../engine/engine.ts";
import { ownNode } from "../fold/cluster_state.ts";
import type { ResourceStatus, Source } from "../ingest/source.ts";
import { contains, parseAddress } from "../kube/address.ts";
import { nodePortScope } from "../kube/proxy_config.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { HealthFacts } from "../serve/health.ts";
import {
  type BindAddress,
  HealthCheckPorts,
  serveHealth,
  type ServiceHealth,
} from "../serve/health_server.ts";
import { type Metrics } from "../serve/metrics.ts";
import { serveMetrics } from "../serve/metrics_server.ts";
import { log } from "./log.ts";

/** Where to listen; nowhere when left out. */
export interface ServingOptions {
  readonly metricsBindAddress?: BindAddress;
  readonly healthzBindAddress?: BindAddress;
}

/** What the servers tell about. */
export interface Served {
  readonly engine: EngineState;
  readonly metrics: Metrics;
  /** How the source is; empty where it is no API server. */
  status(): readonly ResourceStatus[];
  /** Last sync that the kernel took, in milliseconds since 1970; 0 before the first. */
  lastUpdated(): number;
}

/** The running servers; dispose of them to stop. */
export class Serving implements AsyncDisposable {
  readonly #servers = new AsyncDisposableStack();
  readonly #ports: HealthCheckPorts;

  /** Throws AddrInUse and its like. */
  constructor(readonly served: Served, options: ServingOptions) {
    const facts = () => healthFacts(served);
    const { metricsBindAddress, healthzBindAddress } = options;
    if (metricsBindAddress) this.#servers.use(serveMetrics(served.metrics, metricsBindAddress));
    if (healthzBindAddress) {
      this.#servers.use(serveHealth(healthzBindAddress, facts, served.metrics.kubeProxy.noteHealth));
    }
    this.#ports = this.#servers.use(new HealthCheckPorts(facts, (text) => log.warn(text)));
  }

  /** Opens and closes health check ports as the Services now want; call it after each batch. */
  follow(): void {
    const { healthChecks } = this.served.engine.cluster;
    const services = [...healthChecks].map(([service, check]): ServiceHealth => {
      const [namespace, name] = service.split("/") as [string, string];
      return { namespace, name, ...check };
    });
    this.#ports.follow(services, services.length === 0 ? [] : hostnames(this.served.engine));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers.disposeAsync();
  }
}

/** `source`, with `after` called whenever what it delivered has been dealt with. */
export function followed(source: Source, after: () => void): Source {
  return {
    description: source.description,
    async *batches(signal) {
      for await (const batch of source.batches(signal)) {
        yield batch;
        after();
      }
    },
  };
}

function healthFacts({ engine, status, lastUpdated }: Served): HealthFacts {
  return {
    now: Date.now(),
    lastUpdated: lastUpdated(),
    pendingSince: engine.rejectedSince === "" ? undefined : Date.parse(engine.rejectedSince),
    nodeEligible: isEligible(engine),
    sources: status(),
  };
}

/** A node that is deleted, or about to be, gets no traffic; one we have not heard of yet may well exist. */
function isEligible({ cluster }: EngineState): boolean {
  return !cluster.nodeDeleted && (ownNode(cluster)?.spec.taints ?? []).length === 0;
}

/** Addresses that health checks are answered on: those that serve NodePorts, as in kube-proxy. */
function hostnames({ cluster }: EngineState): string[] {
  const scopes = FAMILIES.map((family) => nodePortScope(cluster.config, family));
  if (scopes.some(({ all }) => all)) return ["::"];
  const own = Deno.networkInterfaces().map(({ address }) => parseAddress(address)).filter((one) =>
    one !== null
  );
  const covered = own.filter((address) =>
    scopes.some((scope) => !scope.all && scope.cidrs.some((cidr) => contains(cidr, address)))
  );
  const primary = scopes.some((scope) => !scope.all && scope.primary) ? cluster.node.addresses : [];
  return [...new Set<string>([...primary, ...covered])].filter((address) => !/^(127\.|::1$)/.test(address));
}
