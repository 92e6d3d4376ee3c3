// The tracer's results for the packets of a scenario, in the form in which the lab's hosts see them.

import { emptyState } from "../../../src/fold/cluster_state.ts";
import { foldRecord } from "../../../src/fold/fold.ts";
import type { ClusterState } from "../../../src/fold/cluster_state.ts";
import { type Outcome, trace } from "../../../src/history/trace.ts";
import type { KubeObject } from "../../../src/kube/objects.ts";
import { objectKey } from "../../../src/kube/objects.ts";
import type { ProxyConfig } from "../../../src/kube/proxy_config.ts";
import { type LedgerRecord, offsetOf } from "../../../src/ledger/record.ts";
import type { Address, Family } from "../../../src/nft/data_type.ts";
import type { Ruleset } from "../../../src/nft/ruleset.ts";
import { endpointText } from "../../../src/nft/text.ts";
import { ADDRESSES, type HostName, NODE_LINKS, SERVER_PORTS } from "../lab/lab.ts";
import { LOST, type Observation, type Probe, REFUSED } from "../lab/probe.ts";
import { NODE_NAME } from "./scenario.ts";

const TIME = "2026-01-01T00:00:00.000Z";

/** The state after the configuration and `objects`. */
export function stateOf(config: ProxyConfig, objects: readonly KubeObject[]): ClusterState {
  const state = emptyState();
  const records: LedgerRecord[] = [
    { kind: "config", time: TIME, version: "0", nodeName: NODE_NAME, proxy: config },
    ...objects.map((value): LedgerRecord => ({
      kind: "event",
      key: objectKey(value),
      value,
      resourceVersion: "",
      time: TIME,
    })),
  ];
  records.forEach((record, offset) => foldRecord(state, offsetOf(offset), record));
  return state;
}

/** What the tracer expects of a packet. */
export interface Expectation {
  /** Every possible observation, sorted. */
  readonly observations: readonly Observation[];
  /** Whether affinity leads the client to the same endpoint again. */
  readonly pinned: boolean;
}

/** What the tracer expects of `probe`. */
export function expected(ruleset: Ruleset, probe: Probe): Expectation {
  const { host, source, destination, protocol, port } = probe;
  const packet = { source: source as Address, destination: destination as Address, protocol, port };
  const from = host === "node" ? {} : { interface: `veth-${host}` };
  const family = familyOf(destination);
  const own = [...ADDRESSES.node[family], NODE_LINKS[family]] as Address[];
  const { outcomes, steps } = trace(ruleset, { ...packet, ...from }, own);
  return {
    observations: [...new Set(outcomes.map((outcome) => observationOf(outcome, probe)))].sort(),
    pinned: steps.some(({ rule }) => rule.includes("update @")),
  };
}

function observationOf({ kind, destination, port, masqueraded }: Outcome, probe: Probe): Observation {
  if (kind === "drop") return LOST;
  if (kind !== "deliver") return REFUSED;
  const hosts = Object.keys(ADDRESSES) as HostName[];
  const host = hosts.find((name) => ADDRESSES[name][familyOf(destination)].includes(destination));
  if (destination.startsWith("127.") || destination === "::1") return REFUSED;
  if (host === undefined) return LOST;
  const serves = host !== "outside" && SERVER_PORTS.includes(port) &&
    (host !== "node" || destination === ADDRESSES.node[familyOf(destination)][0]);
  if (!serves) return REFUSED;
  return seen(endpointText(destination, port), masqueraded && probe.host !== "node");
}

function seen(server: string, masqueraded: boolean): Observation {
  return masqueraded ? `${server} masqueraded` : server;
}

/** An observation of the lab in the form of scenarios: a packet of another client with a source of the node is masqueraded. */
export function normalised(observation: Observation, probe: Probe): Observation {
  const [server, source] = observation.split(" from ") as [string, string | undefined];
  if (source === undefined || source === probe.source || probe.host === "node") return server;
  const family = familyOf(source);
  const own = [...ADDRESSES.node[family], NODE_LINKS[family]].includes(source);
  return own ? seen(server, true) : observation;
}

function familyOf(address: string): Family {
  return address.includes(":") ? "ip6" : "ip";
}
