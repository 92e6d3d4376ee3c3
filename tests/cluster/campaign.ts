// The campaign: random clusters and packets, each judged by the tracer, by this program's rules in a real kernel and by
// kube-proxy's. `deno task campaign [CLUSTERS] [SEED] [--count-connections]` runs it in a network namespace of its own.

import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { contains, parseAddress } from "../../src/kube/address.ts";
import { nodePortScope, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import { FAMILIES, type Family } from "../../src/nft/data_type.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import {
  API_ADDRESS,
  ApiCluster,
  connectApi,
  disconnectApi,
  furnishApi,
  Oracle,
} from "../support/cluster/oracle.ts";
import { ADDRESSES, Lab } from "../support/lab/lab.ts";
import { agrees, observe } from "../support/lab/observe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { until } from "../support/until.ts";
import { CONFIGS, scenarios } from "../support/scenario/arbitrary_scenario.ts";
import { expected } from "../support/scenario/expectation.ts";
import {
  configOf,
  decodeAll,
  manifestOf,
  probeText,
  type Scenario,
  scenarioText,
} from "../support/scenario/scenario.ts";

/** The result of a campaign. */
export interface CampaignResult {
  readonly clusters: number;
  readonly packets: number;
  readonly checks: number;
}

/** Clusters have objects of API servers before 1.36, which let a CIDR have bits of the host. */
const LENIENT = "--feature-gates=StrictIPCIDRValidation=false";

/** Two labs, one with kube-proxy and one with this program, and the API server that feeds both. */
export class Bench implements AsyncDisposable {
  clusters = 0;
  packets = 0;
  /** Answers to health checks. */
  checks = 0;
  #oracle: Oracle | undefined;
  #config = "";

  private constructor(
    readonly theirs: Lab,
    readonly ours: Lab,
    readonly proxy: LabProxy,
    readonly plane: ControlPlane,
    readonly api: ApiCluster,
    readonly countConnections: boolean,
  ) {}

  /** With `countConnections` our rules have counters, which must change no packet's way. */
  static async start(countConnections = false): Promise<Bench> {
    const [theirs, ours] = [new Lab(), new Lab()];
    connectApi(theirs);
    const plane = await ControlPlane.start(API_ADDRESS, undefined, LENIENT);
    await furnishApi(plane);
    return new Bench(theirs, ours, new LabProxy(ours), plane, new ApiCluster(plane), countConnections);
  }

  /** Plays `scenario` in both labs; throws for a packet with different results in the labs or in the tracer. */
  async play(scenario: Scenario): Promise<void> {
    await this.#configure(scenario);
    const marker = await this.api.replace(scenario.objects.map(manifestOf));
    this.proxy.apply(decodeAll(await this.api.read()));
    await this.#oracle!.follows(marker);
    await this.#compareHealthChecks(scenario);
    for (const probe of scenario.probes) {
      const expectation = expected(this.proxy.desired, probe);
      const ours = observe(this.ours, probe, expectation);
      const theirs = observe(this.theirs, probe, expectation);
      this.packets++;
      const said = `${probeText(probe)}: tracer ${expectation.observations.join(" | ")}, ours ${
        ours.join(" | ")
      }, kube-proxy ${theirs.join(" | ")}\n\n${scenarioText({ ...scenario, probes: [probe] })}`;
      assert.ok(agrees(ours, expectation), said);
      assert.ok(agrees(theirs, expectation), said);
    }
    this.clusters++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#oracle?.[Symbol.asyncDispose]();
    this.proxy[Symbol.dispose]();
    await this.plane[Symbol.asyncDispose]();
    disconnectApi();
    this.theirs[Symbol.dispose]();
    this.ours[Symbol.dispose]();
  }

  /** Compares what a load balancer is answered in each family that a Service has, at an address that serves NodePorts. */
  async #compareHealthChecks(scenario: Scenario): Promise<void> {
    const config = configOf(scenario.config);
    for (const [name, { port, localEndpoints }] of this.proxy.engine.cluster.healthChecks) {
      for (const family of FAMILIES) {
        const ours = localEndpoints[family];
        const address = ADDRESSES.node[family].find((one) => servesNodePorts(config, family, one));
        if (ours === undefined || address === undefined) continue;
        // kube-proxy counts after its rules are in place.
        await until(
          `kube-proxy counts ${ours} local endpoints of ${name} at ${address}\n${scenarioText(scenario)}`,
          () => this.#oracle!.localEndpoints(address, port) === ours,
          HEALTH_MILLISECONDS,
        );
        this.checks++;
      }
    }
  }

  /** Starts kube-proxy again, because it does not reload its configuration. */
  async #configure({ config }: Scenario): Promise<void> {
    const text = JSON.stringify(config);
    if (text === this.#config) return;
    this.#config = text;
    await this.#oracle?.[Symbol.asyncDispose]();
    this.proxy.configure({ ...configOf(config), countConnections: this.countConnections });
    this.#oracle = new Oracle(this.plane, this.theirs, configOf(config));
  }
}

/** How long kube-proxy may take from its rules to its counts, on a busy machine. */
const HEALTH_MILLISECONDS = 20_000;

/** Whether NodePorts, and health check ports, are served at `address`, the primary one being the first. */
function servesNodePorts(config: ProxyConfig, family: Family, address: string): boolean {
  const scope = nodePortScope(config, family);
  if (scope.all) return true;
  if (scope.primary && address === ADDRESSES.node[family][0]) return true;
  return scope.cidrs.some((cidr) => contains(cidr, parseAddress(address)!));
}

/** Runs about `clusters` random clusters, shared among the configurations. Throws for the smallest failing scenario. */
export async function runCampaign(
  clusters: number,
  packets: number,
  seed: number,
  report: (text: string) => void,
  countConnections = false,
): Promise<CampaignResult> {
  await using bench = await Bench.start(countConnections);
  const each = Math.ceil(clusters / CONFIGS.length);
  for (const config of CONFIGS) {
    const property = fc.asyncProperty(scenarios([config], packets), (scenario) => bench.play(scenario));
    const found = await fc.check(property, { numRuns: each, seed });
    if (found.failed) throw failure(found.counterexample![0], found.errorInstance);
    report(`${bench.clusters} clusters, ${bench.packets} packets, ${JSON.stringify(config)}`);
  }
  return bench;
}

/** Writes the smallest failing scenario to a file, which can be added to fixtures/scenarios. */
function failure(scenario: Scenario, error: unknown): Error {
  const path = Deno.makeTempFileSync({ prefix: "ledgerproxy-scenario-", suffix: ".txt" });
  Deno.writeTextFileSync(path, scenarioText(scenario));
  return new Error(`the smallest failing scenario is in ${path}: ${(error as Error).message}`, {
    cause: error,
  });
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { "count-connections": { type: "boolean", default: false } },
  });
  const clusters = Number(positionals[0] ?? 500);
  const seed = Number(positionals[1] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  const counted = values["count-connections"];
  const result = await runCampaign(clusters, 20, seed, (text) => console.log(text), counted);
  const { clusters: played, packets, checks } = result;
  console.log(`${played} clusters, ${packets} packets, ${checks} health checks, no difference`);
}
