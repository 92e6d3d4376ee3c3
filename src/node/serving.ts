// The servers of `run`: metrics, health, and a health check for each Service that a load balancer asks about.

import type { UnsettledDrift } from "../engine/healer.ts";
import { type EngineState, newEngine } from "../engine/engine.ts";
import { namedNode, type NodeStatus, nodeStatus } from "../fold/own_node.ts";
import type { LedgerFailure } from "../ledger/writer.ts";
import type { ResourceStatus, Source, SourceBatch } from "../ingest/source.ts";
import { contains, parseAddress } from "../kube/address.ts";
import { nodePortScope } from "../kube/proxy_config.ts";
import { FAMILIES } from "../nft/data_type.ts";
import type { ServerName } from "../serve/condition_metrics.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";
import { details, type HealthFacts } from "../serve/health.ts";
import { HealthCheckPorts, serveHealth, type ServiceHealth } from "../serve/health_server.ts";
import type { BindAddress } from "../serve/http_server.ts";
import { type Metrics, newMetrics } from "../serve/metrics.ts";
import { isLoopback, serveMetrics } from "../serve/metrics_server.ts";
import { problemsOf, sourceProblem } from "../serve/problems.ts";
import type { Settings } from "./config.ts";
import { droppedLines, log } from "./log.ts";

/** What the servers report. The loop puts its own in place at each start. */
export interface Served {
  engine: EngineState;
  readonly metrics: Metrics;
  /** Why records of the ledger wait in memory. */
  ledger(): LedgerFailure | undefined;
  /** How the source is; empty where it is no API server. */
  status(): readonly ResourceStatus[];
  /** What another program did to our tables and is not settled. */
  drift: UnsettledDrift | undefined;
  /** Since when the loop is stopped by a fault, in milliseconds since 1970. */
  brokenSince: number | undefined;
  /** Last sync that the kernel took, in milliseconds since 1970; 0 before the first. */
  lastUpdated: number;
  /** Sends an event to the API server. */
  tell(event: ApiEvent): void;
  /** Receives what making an answer threw. */
  failed(error: unknown): void;
}

/** What is served before the loop has started. */
export function newServed(
  { tell, failed }: Pick<Served, "tell" | "failed">,
  inForce: Settings,
): Served {
  const served: Served = {
    engine: newEngine(),
    ledger: () => undefined,
    status: () => [],
    drift: undefined,
    brokenSince: undefined,
    lastUpdated: 0,
    tell,
    failed,
    metrics: newMetrics({
      status: () => served.status(),
      gathered: () => served.engine.gathered,
      ledger: () => served.ledger(),
      problems: () => problemsOf(healthFacts(served, inForce)),
      droppedLines,
    }),
  };
  return served;
}

/** How long to wait before an address that could not be bound is tried again: kube-proxy's. */
const RETRY_MILLISECONDS = 5000;

/** How often a problem with the own Node that lasts is logged again. */
const REMINDER_MILLISECONDS = 5 * 60_000;

/** The running servers; dispose of them to stop. */
export class Serving implements Disposable {
  readonly #servers = new DisposableStack();
  readonly #ports: HealthCheckPorts;
  /** The problem with the own Node that was last logged, and when. */
  #reminded = { problem: "", at: 0 };

  /** Throws AddrInUse and its like where `bindAddressHardFail` is set. */
  constructor(readonly served: Served, readonly inForce: Settings) {
    const facts = () => healthFacts(served, inForce);
    const { metricsBindAddress, healthzBindAddress, document } = inForce;
    const { metrics } = served;
    const notes = (server: ServerName) => metrics.condition.notes(server, (error) => served.failed(error));
    if (metricsBindAddress) {
      const pages = { config: document, details: () => this.#details(facts()) };
      this.#listen(
        { reason: "FailedToStartMetricServer", what: "metrics", address: metricsBindAddress },
        () => serveMetrics(metrics, pages, metricsBindAddress, notes("metrics")),
      );
    }
    if (healthzBindAddress) {
      this.#listen(
        { reason: "FailedToStartProxierHealthcheck", what: "health", address: healthzBindAddress },
        () => serveHealth(healthzBindAddress, facts, metrics.kubeProxy.noteHealth, notes("health")),
      );
    }
    this.#ports = this.#servers.use(
      new HealthCheckPorts(facts, ({ namespace, name }, note) => {
        log.warn(`${namespace}/${name}: ${note}; trying again`);
        const regarding = { kind: "Service", namespace, name } as const;
        const reason = "FailedToStartServiceHealthcheck";
        served.tell({ regarding, type: "Warning", reason, action: "Listen", note });
      }, notes("health-check")),
    );
    const reminder = setInterval(() => this.#remind(), REMINDER_MILLISECONDS);
    this.#servers.defer(() => clearInterval(reminder));
  }

  /**
   * Opens and closes health check ports as the Services now want; call it after each batch. What fails here (descriptors
   * may have run out) is reported and tried again with the next batch: rules do not depend on it.
   */
  follow(): void {
    try {
      this.#follow();
      this.#remind();
    } catch (error) {
      this.served.failed(error);
    }
  }

  [Symbol.dispose](): void {
    this.#servers.dispose();
  }

  #follow(): void {
    const { healthChecks } = this.served.engine.cluster;
    const services = [...healthChecks].map(([service, check]): ServiceHealth => {
      const [namespace, name] = service.split("/") as [string, string];
      return { namespace, name, ...check };
    });
    this.#ports.follow(services, services.length === 0 ? [] : hostnames(this.served.engine));
  }

  #details(facts: HealthFacts): Readonly<Record<string, unknown>> {
    return { ...details(facts), node: ownNodeStatus(this.served).text };
  }

  /** Logs a problem with the own Node when it comes, and every few minutes while it stays. */
  #remind(): void {
    const { problem, text } = ownNodeStatus(this.served);
    const before = this.#reminded;
    const now = performance.now();
    if (problem === before.problem && (problem === "" || now - before.at < REMINDER_MILLISECONDS)) return;
    this.#reminded = { problem, at: now };
    if (problem !== "") log.warn(text);
    else log.info(`Node ${this.inForce.node}: nothing is wrong with it any more`);
  }

  /** Starts a server; one that cannot listen is tried again, or ends the program. */
  #listen({ reason, what, address }: Listening, start: () => Disposable): void {
    const { node, bindAddressHardFail } = this.inForce;
    let told = false;
    const attempt = () => {
      try {
        this.#servers.use(start());
        log.info(`${what} on ${placeText(address)}: ${readersText(address)}`);
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

interface Listening {
  /** Of the event when it cannot listen. */
  readonly reason: string;
  readonly what: string;
  readonly address: BindAddress;
}

function placeText({ hostname, port }: BindAddress): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Who may read what is served on an address. */
function readersText({ hostname }: BindAddress): string {
  if (isLoopback(hostname)) return "only programs on this node can read it";
  const everywhere = hostname === "0.0.0.0" || hostname === "::";
  return `everybody who reaches ${everywhere ? "any address of this node" : hostname} can read it`;
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

function healthFacts(served: Served, { pendingSeconds }: Pick<Settings, "pendingSeconds">): HealthFacts {
  const { engine, lastUpdated, drift, brokenSince } = served;
  const { problem, eligible } = ownNodeStatus(served);
  return {
    now: Date.now(),
    lastUpdated,
    pendingSince: engine.rejectedSince === "" ? undefined : Date.parse(engine.rejectedSince),
    pendingMax: pendingSeconds * 1000,
    brokenSince,
    drift,
    nodeEligible: eligible,
    node: problem === "" ? undefined : problem,
    ledger: served.ledger(),
    sources: served.status(),
  };
}

/** The own node, with what keeps the source from reading it. */
function ownNodeStatus({ engine, status }: Pick<Served, "engine" | "status">): NodeStatus {
  const source = status().find(({ kind }) => kind === "Node");
  if (source === undefined) return nodeStatus(engine.cluster, engine.synced);
  const refused = sourceProblem(source) === "api server refuses us";
  const { objects, node } = engine.cluster;
  // Rules may be made before it is listed: that it is missing is then not known.
  const unlisted = engine.synced && !source.listed && source.reason !== "starting" &&
    namedNode(objects, node.name) === undefined;
  return nodeStatus(engine.cluster, engine.synced, refused || unlisted ? source.problem : "");
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
