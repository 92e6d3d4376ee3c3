// The servers of `run`: metrics, health, and a health check for each Service that a load balancer asks about.

import type { EngineState } from "../engine/engine.ts";
import { nodeStatus } from "../fold/own_node.ts";
import type { LedgerFailure } from "../ledger/writer.ts";
import type { ResourceStatus, Source, SourceBatch } from "../ingest/source.ts";
import { contains, parseAddress } from "../kube/address.ts";
import { nodePortScope } from "../kube/proxy_config.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";
import type { HealthFacts } from "../serve/health.ts";
import { HealthCheckPorts, serveHealth, type ServiceHealth } from "../serve/health_server.ts";
import type { Metrics } from "../serve/metrics.ts";
import { serveMetrics } from "../serve/metrics_server.ts";
import type { Settings } from "./config.ts";
import { log } from "./log.ts";

/** What the servers tell about. */
export interface Served {
  readonly engine: EngineState;
  readonly metrics: Metrics;
  /** Why records of the ledger wait in memory. */
  ledger(): LedgerFailure | undefined;
  /** How the source is; empty where it is no API server. */
  status(): readonly ResourceStatus[];
  /** Last sync that the kernel took, in milliseconds since 1970; 0 before the first. */
  lastUpdated: number;
  /** Tells the API server. */
  tell(event: ApiEvent): void;
}

/** How long to wait before an address that could not be bound is tried again: kube-proxy's. */
const RETRY_MILLISECONDS = 5000;

/** The running servers; dispose of them to stop. */
export class Serving implements AsyncDisposable {
  readonly #servers = new AsyncDisposableStack();
  readonly #ports: HealthCheckPorts;

  /** Throws AddrInUse and its like where `bindAddressHardFail` is set. */
  constructor(readonly served: Served, readonly inForce: Settings) {
    const facts = () => healthFacts(served, inForce);
    const { metricsBindAddress, healthzBindAddress, document } = inForce;
    const { metrics } = served;
    if (metricsBindAddress) {
      this.#listen("FailedToStartMetricServer", () => serveMetrics(metrics, document, metricsBindAddress));
    }
    if (healthzBindAddress) {
      this.#listen(
        "FailedToStartProxierHealthcheck",
        () => serveHealth(healthzBindAddress, facts, metrics.kubeProxy.noteHealth),
      );
    }
    this.#ports = this.#servers.use(
      new HealthCheckPorts(facts, ({ namespace, name }, note) => {
        log.warn(`${namespace}/${name}: ${note}; trying again`);
        const regarding = { kind: "Service", namespace, name } as const;
        const reason = "FailedToStartServiceHealthcheck";
        served.tell({ regarding, type: "Warning", reason, action: "Listen", note });
      }),
    );
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

  /** Starts a server; one that cannot listen is tried again, or ends the program. */
  #listen(reason: string, start: () => AsyncDisposable): void {
    const { node, bindAddressHardFail } = this.inForce;
    let told = false;
    const attempt = () => {
      try {
        this.#servers.use(start());
      } catch (error) {
        const note = (error as Error).message;
        const regarding = { kind: "Node", namespace: "", name: node } as const;
        if (!told) {
          this.served.tell({ regarding, type: "Warning", reason, action: "StartKubeProxy", note });
          log.warn(`${reason}: ${note}; trying again every ${RETRY_MILLISECONDS / 1000} s`);
        }
        told = true;
        if (bindAddressHardFail) throw error;
        const timer = setTimeout(attempt, RETRY_MILLISECONDS);
        this.#servers.defer(() => clearTimeout(timer));
      }
    };
    attempt();
  }
}

/** `source`, with `before` told of each batch and `after` called whenever one has been dealt with. */
export function followed(
  source: Source,
  before: (batch: SourceBatch) => void,
  after: (batch: SourceBatch) => void,
): Source {
  return {
    description: source.description,
    ...(source.confirm && { confirm: source.confirm.bind(source) }),
    async *batches(signal, known) {
      for await (const batch of source.batches(signal, known)) {
        before(batch);
        yield batch;
        after(batch);
      }
    },
  };
}

function healthFacts(
  { engine, status, ledger, lastUpdated }: Served,
  { pendingSeconds }: Settings,
): HealthFacts {
  return {
    now: Date.now(),
    lastUpdated,
    pendingSince: engine.rejectedSince === "" ? undefined : Date.parse(engine.rejectedSince),
    pendingMax: pendingSeconds * 1000,
    nodeEligible: nodeStatus(engine.cluster, engine.synced).eligible,
    ledger: ledger(),
    sources: status(),
  };
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
