// The servers of `run`: metrics, health, and a health check port for each Service that load balancers check.

import { type EngineState, newEngine } from "../engine/engine.ts";
import type { OpenDrift } from "../engine/healer.ts";
import { newPace, notePiece } from "../engine/pace.ts";
import { kernelTable } from "../fold/skeleton.ts";
import { LocalhostNodePorts } from "../fold/localhost_node_ports.ts";
import { namedNode, type NodeStatus, nodeStatus } from "../fold/own_node.ts";
import type { LedgerFailure } from "../ledger/ledger.ts";
import type { KeptPast } from "../ledger/retention.ts";
import type { ResourceStatus, SourceBatch } from "../ingest/source.ts";
import { CounterReader } from "../kernel/element_counts.ts";
import { SystemError } from "../kernel/system_error.ts";
import { DESCRIPTORS_RESERVED, FORWARDED_CONNECTIONS_MAX } from "../limits/serving.ts";
import type { ServerName } from "../serve/condition_metrics.ts";
import type { ApiEvent } from "../serve/event_recorder.ts";
import { placesWithin } from "../serve/connections.ts";
import { details, type HealthFacts, healthz, livez } from "../serve/health.ts";
import { HealthCheckPorts, serveHealth } from "../serve/health_server.ts";
import type { HttpServer } from "../serve/http_server.ts";
import type { ServerAddress } from "../serve/listening.ts";
import { LocalhostForwarder } from "../serve/localhost_forwarder.ts";
import { type Metrics, newMetrics } from "../serve/metrics.ts";
import { isLoopback, serveMetrics } from "../serve/metrics_server.ts";
import { problemsOf, sourceProblem } from "../serve/problems.ts";
import type { ZPages } from "../serve/zpages.ts";
import { AsideEvents } from "./aside_events.ts";
import { ConnectionCounting } from "./connection_counting.ts";
import type { Settings } from "./config.ts";
import { HealthCheckFollowing } from "./health_check_following.ts";
import { droppedLines, log } from "./log.ts";
import { listenProblem } from "./listen_problem.ts";
import { endpointText } from "../nft/text.ts";
import { descriptorsMax, processFacts } from "./process_facts.ts";
import type { ProcessFacts } from "../serve/process_metrics.ts";
import { VERSION } from "./program_version.ts";
import { givenFlags } from "./run_options.ts";
import { Warnings } from "./warnings.ts";

/** The state that the servers report. Each start of the loop puts its own parts here. */
export interface Served {
  engine: EngineState;
  readonly metrics: Metrics;
  /** Why records wait in memory; undefined while the ledger can be written. */
  ledger(): LedgerFailure | undefined;
  /** How far back the ledger reaches; undefined where that is not known. */
  past(): KeptPast | undefined;
  /** The state of each watched resource; empty where the source is not an API server. */
  status(): readonly ResourceStatus[];
  /** What another program did to our tables, until our rules are back and it has stopped. */
  drift: OpenDrift | undefined;
  /** Since when the loop is stopped because of a fault, as performance.now() counts. */
  brokenSince: number | undefined;
  /** The last sync that the kernel accepted, in milliseconds since 1970; 0 before the first. */
  lastUpdated: number;
  /** Which Services have had an event because they are set aside. */
  readonly aside: AsideEvents;
  /** Writes the loop's lines to the log. */
  readonly warnings: Warnings;
  /** Counts connections, where that is asked for. */
  readonly counting: ConnectionCounting;
  /** Assertions that are checked all the time, where there are any. */
  readonly assertions: AssertionChecks | undefined;
  /** Sends an event to the API server. */
  sendEvent(event: ApiEvent): void;
  /** Receives an error that was thrown while an answer was made. */
  failed(error: unknown): void;
}

/** The part of what is served that assertions are about. */
export type Observed = Pick<Served, "engine" | "drift" | "sendEvent" | "failed">;

/** Assertions that are checked while the proxy runs. What checks them asks history, which no node does: so the command makes it. */
export interface AssertionChecks {
  /** Begins to check. */
  begin(observed: Observed): void;
  /** Takes when the changes of a sync began, which is over at `now` in milliseconds since 1970. */
  noteSync(triggers: readonly { readonly time: string }[], now: number): void;
  /** How many there are, and those that are broken. */
  state(): {
    readonly count: number;
    readonly broken: readonly { readonly name: string; readonly text: string; readonly since: number }[];
  };
}

/** The state before the loop has started. */
export function newServed(
  { sendEvent, failed }: Pick<Served, "sendEvent" | "failed">,
  inForce: Settings,
  assertions?: AssertionChecks,
): Served {
  const served: Served = {
    engine: newEngine(),
    ledger: () => undefined,
    past: () => undefined,
    status: () => [],
    drift: undefined,
    brokenSince: undefined,
    lastUpdated: 0,
    aside: new AsideEvents(),
    warnings: new Warnings(log.warn),
    counting: new ConnectionCounting({
      now: () => performance.now(),
      isOn: () => served.engine.cluster.config.countConnections === true,
      open: () => new CounterReader(kernelTable(inForce.proxy.serviceProxyName)),
      failed: (reason) => log.warn(`connections are not counted now: ${reason}`),
    }),
    assertions,
    sendEvent,
    failed,
    metrics: newMetrics({
      status: () => served.status(),
      gathered: () => served.engine.gathered,
      ledger: () => served.ledger(),
      past: () => served.past(),
      connections: () => served.counting.series(),
      problems: () => problemsOf(healthFacts(served, inForce)),
      ...(assertions && { assertions: () => assertions.state() }),
      droppedLines,
      process: facts,
      build: { version: VERSION, deno: Deno.version.deno, v8: Deno.version.v8 },
    }),
  };
  return served;
}

/** How long to wait before the next attempt to bind an address: kube-proxy's value. */
const RETRY_MILLISECONDS = 5000;

/** How often a problem of the own Node is logged again while it lasts. */
const REMINDER_MILLISECONDS = 5 * 60_000;

/** The running servers. Dispose of it to stop them. */
export class Serving implements Disposable {
  readonly #servers = new DisposableStack();
  readonly #healthChecks: HealthCheckFollowing;
  readonly #localhost = new LocalhostNodePorts();
  readonly #forwarder: LocalhostForwarder;
  readonly #localhostPace = newPace();
  readonly #ports: HealthCheckPorts;
  /** Why health check ports serve IPv4 alone, as it was logged last. */
  #withoutIpv6 = "";
  #localhostTimer: ReturnType<typeof setTimeout> | undefined;
  /** The problem of the own Node that was logged last, and when. */
  #reminded = { problem: "", at: 0 };

  /** Throws AddrInUse and similar errors where `bindAddressHardFail` is set. */
  constructor(readonly served: Served, readonly inForce: Settings) {
    const facts = () => healthFacts(served, inForce);
    const { metricsBindAddress, healthzBindAddress, document } = inForce;
    const { metrics } = served;
    const descriptors = descriptorsBound();
    const places = placesWithin(descriptors);
    const notes = (server: ServerName) => metrics.condition.notes(server, (error) => served.failed(error));
    if (metricsBindAddress) {
      const pages = {
        config: document,
        details: () => this.#details(facts()),
        about: about(),
        checks: {
          healthz: () => healthz(facts()).status === 200,
          livez: () => livez(facts()).status === 200,
        },
      };
      this.#listen(
        { reason: "FailedToStartMetricServer", what: "metrics", address: metricsBindAddress },
        () => serveMetrics(metrics, pages, metricsBindAddress, notes("metrics"), places.metrics),
      );
    }
    if (healthzBindAddress) {
      this.#listen(
        { reason: "FailedToStartProxierHealthcheck", what: "health", address: healthzBindAddress },
        () =>
          serveHealth(
            healthzBindAddress,
            facts,
            metrics.kubeProxy.noteHealth,
            notes("health"),
            places.health,
          ),
      );
    }
    const ports = this.#servers.use(
      new HealthCheckPorts(
        facts,
        ({ namespace, name }, note) => {
          served.warnings.warn(`${namespace}/${name}: ${note}; trying again`, namespace);
          const regarding = { kind: "Service", namespace, name } as const;
          const reason = "FailedToStartServiceHealthcheck";
          served.sendEvent({ regarding, type: "Warning", reason, action: "Listen", note });
        },
        notes("health-check"),
        // Both kinds of ports share what the rest of the program leaves.
        () => descriptors - DESCRIPTORS_RESERVED - this.#forwarder.descriptors,
        places.healthCheck,
      ),
    );
    this.#ports = ports;
    this.#healthChecks = new HealthCheckFollowing(ports);
    this.#forwarder = this.#servers.use(
      new LocalhostForwarder({
        listening: metrics.kubeProxy.noteLocalhostPorts,
        failed: ({ name, family }, problem) => {
          served.warnings.warn(`${name}: ${problem}; trying again`, name.split("/", 1)[0]);
          metrics.kubeProxy.noteLocalhostFailure(family);
        },
      }, () => descriptors - DESCRIPTORS_RESERVED - 2 * FORWARDED_CONNECTIONS_MAX - ports.open),
    );
    this.#servers.defer(() => clearTimeout(this.#localhostTimer));
    this.#servers.use(metrics.measureLoopDelay());
    const reminder = setInterval(() => this.#remind(), REMINDER_MILLISECONDS);
    this.#servers.defer(() => clearInterval(reminder));
  }

  /**
   * Opens and closes health check ports as the Services now need. Call it after each `batch`; without one after any other
   * change. A failure (descriptors may have run out) is reported, and the next batch tries again: rules do not depend on it.
   */
  follow(batch?: SourceBatch): void {
    try {
      this.#follow();
      if (batch === undefined || mayConcernNode(batch)) this.#remind();
    } catch (error) {
      this.served.failed(error);
    }
  }

  [Symbol.dispose](): void {
    this.#servers.dispose();
  }

  /** Opens the ports of all Services that have a health check now, and the NodePorts on loopback. */
  #follow(): void {
    const { cluster } = this.served.engine;
    this.#healthChecks.follow(cluster, performance.now());
    const { withoutIpv6 } = this.#ports;
    if (withoutIpv6 !== this.#withoutIpv6) {
      this.#withoutIpv6 = withoutIpv6;
      if (withoutIpv6 !== "") log.info(`health check ports of Services${ipv4AloneText(withoutIpv6)}`);
    }
    this.#followLocalhost();
  }

  /** Follows the NodePorts on loopback: at once, or in a while where they are many, so that changes of other Services go on. */
  #followLocalhost(): void {
    const begun = performance.now();
    if (begun < this.#localhostPace.nextAt) {
      this.#localhostTimer ??= setTimeout(() => {
        this.#localhostTimer = undefined;
        this.follow();
      }, this.#localhostPace.nextAt - begun);
      return;
    }
    this.#forwarder.follow(this.#localhost.of(this.served.engine.cluster));
    const now = performance.now();
    notePiece(this.#localhostPace, now - begun, true, now);
  }

  /** The page /details: the texts of all problems. */
  #details(facts: HealthFacts): Readonly<Record<string, unknown>> {
    return { ...details(facts), node: ownNodeStatus(this.served).text };
  }

  /** Logs a problem of the own Node when it begins, every few minutes while it lasts, and when it ends. */
  #remind(): void {
    const { problem, text } = ownNodeStatus(this.served);
    const before = this.#reminded;
    const now = performance.now();
    if (problem === before.problem && (problem === "" || now - before.at < REMINDER_MILLISECONDS)) return;
    this.#reminded = { problem, at: now };
    if (problem !== "") log.warn(text);
    else log.info(`Node ${this.inForce.node}: nothing is wrong with it any more`);
  }

  /** Starts a server. Where it cannot listen, tries again later or, with `bindAddressHardFail`, throws. */
  #listen({ reason, what, address }: Listening, start: () => HttpServer): void {
    const { node, bindAddressHardFail } = this.inForce;
    const flag = what === "metrics" ? "--metrics-bind-address" : "--healthz-bind-address";
    let reported = false;
    const attempt = () => {
      try {
        const { withoutIpv6 } = this.#servers.use(start());
        const place = `${what} on ${endpointText(address.hostname, address.port)}`;
        log.info(`${place}${withoutIpv6 ? ipv4AloneText(withoutIpv6) : ""}: ${readersText(address)}`);
      } catch (error) {
        const note = listenProblem(error, address, flag);
        const regarding = { kind: "Node", namespace: "", name: node } as const;
        if (!reported) {
          this.served.sendEvent({ regarding, type: "Warning", reason, action: "StartKubeProxy", note });
          log.warn(`${reason}: ${note}; trying again every ${RETRY_MILLISECONDS / 1000} s`);
        }
        reported = true;
        if (bindAddressHardFail) throw error;
        const timer = setTimeout(attempt, RETRY_MILLISECONDS);
        this.#servers.defer(() => clearTimeout(timer));
      }
    };
    attempt();
  }
}

/** Whether the state of the own Node may be another after `batch`. Most batches are changes of endpoints. */
function mayConcernNode(batch: SourceBatch): boolean {
  return batch.kind === "list" || batch.problems.length > 0 ||
    batch.events.some(({ key }) => key.kind === "Node");
}

/** A server that is to listen. */
interface Listening {
  /** The reason of the event that is sent when it cannot listen. */
  readonly reason: string;
  readonly what: "metrics" | "health";
  readonly address: ServerAddress;
}

/** Which clients can read what is served on an address. */
function readersText({ hostname }: ServerAddress): string {
  if (isLoopback(hostname)) return "only programs on this node can read it";
  const everywhere = hostname === "0.0.0.0" || hostname === "::";
  return `every client that reaches ${everywhere ? "any address of this node" : hostname} can read it`;
}

/** Said of a server of both families where the system has no socket of IPv6 for it. */
function ipv4AloneText(why: string): string {
  return ` (IPv4 alone; no socket of IPv6: ${why})`;
}

/** The facts that health follows from, read anew for each answer. */
function healthFacts(served: Served, { pendingSeconds }: Pick<Settings, "pendingSeconds">): HealthFacts {
  const { engine, lastUpdated, drift, brokenSince } = served;
  const { problem, eligible } = ownNodeStatus(served);
  return {
    now: Date.now(),
    elapsed: performance.now(),
    lastUpdated,
    pendingSince: engine.rejectedSince,
    pendingMax: pendingSeconds * 1000,
    brokenSince,
    drift,
    nodeEligible: eligible,
    node: problem === "" ? undefined : problem,
    ledger: served.ledger(),
    appendedOffset: engine.appendedOffset,
    durableOffset: engine.durableOffset,
    aside: engine.cluster.aside,
    assertions: served.assertions?.state().broken ?? [],
    sources: served.status(),
  };
}

/** What the kernel counts for this process; undefined where it cannot be read. */
function facts(): ProcessFacts | undefined {
  try {
    return processFacts();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return undefined;
  }
}

/** What /statusz and /flagz show of this process. */
function about(): ZPages {
  const runtime = `Deno ${Deno.version.deno}`;
  return { startedAt: performance.timeOrigin, version: VERSION, runtime, flags: givenFlags(Deno.args) };
}

/** How many descriptors this process may have; no bound where the kernel does not say. */
function descriptorsBound(): number {
  try {
    return descriptorsMax();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return Infinity;
  }
}

/** The state of the own node, with the reason why its Node cannot be read, where there is one. */
function ownNodeStatus({ engine, status }: Pick<Served, "engine" | "status">): NodeStatus {
  const source = status().find(({ kind }) => kind === "Node");
  if (source === undefined) return nodeStatus(engine.cluster, engine.synced);
  const refused = sourceProblem(source) === "api server refuses us";
  const { objects, node } = engine.cluster;
  // Rules may be made before the Node is listed. Until then it is not known whether the Node is missing.
  const unlisted = engine.synced && !source.listed && source.reason !== "starting" &&
    namedNode(objects, node.name) === undefined;
  return nodeStatus(engine.cluster, engine.synced, refused || unlisted ? source.problem : "");
}
