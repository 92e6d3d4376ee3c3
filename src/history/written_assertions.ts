// Writes what holds at a position as a file of assertions: of the state before an incident, to find what broke it, and so that it is
// noticed when it breaks again.

import type { ClusterState } from "../fold/cluster_state.ts";
import type { ServiceName } from "../kube/service_name.ts";
import { readServiceName } from "../kube/service_name.ts";
import { packetsTo } from "./frontend_packets.ts";
import { journalFrom } from "./journal_reading.ts";
import { parseExpectation } from "./packet_bisect.ts";
import { type Past, stateAt } from "./past.ts";
import { placeText } from "./plan_ahead.ts";
import { conditionOfService } from "./service_condition.ts";
import { servicesOfState } from "./services.ts";
import type { Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";
import type { Span } from "./window.ts";

/** An entry of a file of assertions, in the order in which its fields are written. */
export type WrittenAssertion = Readonly<Record<string, string | number | boolean>>;

/** A change of endpoints that takes longer is worth a look: as long as kube-proxy waits at most between two syncs (syncPeriod). */
const LATE = "30s";
/** The share of the endpoints that must stay: a rollout replaces a quarter at a time (apps/v1, Deployment's maxUnavailable). */
const READY_SHARE = 0.5;
/** What a packet can be expected to do, without an address of an endpoint, which a rollout replaces. */
const EXPECTATIONS = ["endpoint", "refused", "dropped"] as const;

/** A file of assertions. */
export interface WrittenFile {
  /** YAML. */
  readonly text: string;
  /** How many Services it is about. */
  readonly services: number;
}

/** What held at `span.from`, of the Services that the records up to `span.through` changed; with `all` of every Service. */
export function writtenAt(past: Past, span: Span, all: boolean): WrittenFile {
  const { state, lookup } = stateAt(past, span.from);
  const names = all ? [...state.services.keys()].sort() : servicesChanged(past, span, state);
  const time = lookup(span.from)?.record.time ?? "";
  const text = assertionsText(`What held at @${span.from}, ${time}.`, assertionsOf(state, names));
  return { text, services: names.length };
}

/** The Services that the records after `span.from` changed, up to `span.through`; those that exist in `state`. */
export function servicesChanged(past: Past, { from, through }: Span, state: ClusterState): ServiceName[] {
  const names = new Set<ServiceName>();
  for (const { service, effect } of journalFrom(past, from + 1, through, { details: false })) {
    const name = effect && service !== "" ? readServiceName(service) : undefined;
    if (name !== undefined && state.services.has(name)) names.add(name);
  }
  return [...names].sort();
}

/** What holds in `state` about the Services `names`, and of the whole node. */
export function assertionsOf(state: ClusterState, names: readonly ServiceName[]): WrittenAssertion[] {
  return [
    { drift: "none" },
    { latency: LATE },
    ...names.flatMap((name) => [...endpointAssertions(state, name), ...packetAssertions(state, name)]),
  ];
}

function endpointAssertions(state: ClusterState, name: ServiceName): WrittenAssertion[] {
  const endpoints = servicesOfState(state, [name]).flatMap(({ endpoints }) => endpoints);
  const ready =
    new Set(endpoints.filter(({ traffic }) => traffic !== "none").map(({ endpoint }) => endpoint)).size;
  if (ready === 0) return [];
  // Endpoints of one port, of one family or for other nodes say nothing of a port whose cluster IP leads nowhere.
  const isOut = conditionOfService(state, name)?.lacking.length !== 0;
  return [
    { service: name, ready: Math.ceil(ready * READY_SHARE) },
    ...(isOut ? [] : [{ service: name, outage: "0s" }]),
  ];
}

function packetAssertions(state: ClusterState, name: ServiceName): WrittenAssertion[] {
  return packetsTo(state, name).flatMap(([, packet]) => {
    // A file names no interface by which a packet is received.
    const expect = packet.interface === undefined ? expectationOf(packet, traceAt(state, packet)) : undefined;
    return expect === undefined ? [] : [{ from: packet.source, to: placeText(packet), ...expect }];
  }).toArray();
}

/** What all outcomes of a packet have in common; undefined where that is nothing. */
function expectationOf(packet: Packet, { outcomes }: Trace): WrittenAssertion | undefined {
  const expect = EXPECTATIONS.find((text) => {
    const met = parseExpectation(packet, text);
    return typeof met === "function" && outcomes.every(met);
  });
  if (expect === undefined) return undefined;
  const [masqueraded, ...others] = new Set(outcomes.map((outcome) => outcome.masqueraded));
  return expect !== "endpoint" || others.length > 0 ? { expect } : { expect, masqueraded: masqueraded! };
}

/** The lines of a file with `assertions`, as YAML; `about` says what they are. */
export function assertionsText(about: string, assertions: readonly WrittenAssertion[]): string {
  const lines = assertions.map((one) =>
    `- { ${Object.entries(one).map(([field, value]) => `${field}: ${scalar(value)}`).join(", ")} }`
  );
  return [`# ${about}`, ...lines, ""].join("\n");
}

/** A value in YAML's flow style; a text with characters that could mean something else in JSON's form, which is YAML's too. */
function scalar(value: string | number | boolean): string {
  return typeof value === "string" && !/^[\w][\w./-]*$/.test(value) ? JSON.stringify(value) : String(value);
}
