// Checks assertions at one position, or at every commit of a range; then the first commit and record that broke each are named.

import type { ClusterState } from "../fold/cluster_state.ts";
import { readServiceName } from "../kube/service_name.ts";
import type { Assertion } from "./assertion.ts";
import { directoryOf } from "./directory.ts";
import { journalFrom } from "./journal_reading.ts";
import { findSubject, isNameProblem, type NameProblem, nameProblemLines } from "./names.ts";
import { broken, checkDrift, type Checked, checkLatency, checkOutage, held } from "./journal_checks.ts";
import { causeOfEntry, type JournalCause, type RulesMoment } from "./outages.ts";
import { parseExpectation } from "./packet_bisect.ts";
import { type PacketWatch, watchPackets } from "./packet_changes.ts";
import { packetOfNames } from "./packet_names.ts";
import { outcomeText } from "./packet_words.ts";
import { causeAt } from "./cause.ts";
import { type Past, stateAt } from "./past.ts";
import { servicesOfState } from "./services.ts";
import type { Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";
import type { Span } from "./window.ts";

/** Checks `assertions` after the records up to `span.from`, and at every commit from there to `span.through`. */
export function checkAssertions(past: Past, span: Span, assertions: readonly Assertion[]): Checked[] {
  const { state, lookup } = stateAt(past, span.from);
  const place = { past, span, state };
  const first = assertions.map((assertion): Checked | WatchedAssertion => checkAssertion(place, assertion));
  const watches = first.filter((one) => "packet" in one);
  const broke = new Map<WatchedAssertion, Checked>();
  for (
    const { watch, change } of span.through <= span.from ? [] : watchPackets(past, span, watches, lookup)
  ) {
    const one = watches[watch]!;
    if (change.value || broke.has(one)) continue;
    const { offset, what, time } = causeAt(lookup, change.cause);
    const commit = { offset: change.commit, time: change.record.time };
    broke.set(one, broken(one.name, outcomesText(one.packet, change.after), commit, { offset, what, time }));
  }
  return first.map((one) => "packet" in one ? broke.get(one) ?? held(one.name) : one);
}

/** An assertion about a packet that holds at the beginning of the range. */
interface WatchedAssertion extends PacketWatch<boolean> {
  readonly name: string;
}

/** Where an assertion is checked: in a range, from the state at its beginning on. */
interface Place {
  readonly past: Past;
  readonly span: Span;
  readonly state: ClusterState;
}

function checkAssertion(place: Place, assertion: Assertion): Checked | WatchedAssertion {
  switch (assertion.kind) {
    case "packet":
      return checkPacket(place, assertion);
    case "ready":
      return checkReady(place, assertion);
    case "outage":
      return withService(place, assertion, (service) => checkOutage(place, assertion, service));
    case "latency": {
      const { service } = assertion;
      if (service === undefined) return checkLatency(place, assertion, undefined);
      return withService(place, { ...assertion, service }, (found) => checkLatency(place, assertion, found));
    }
    case "drift":
      return checkDrift(place, assertion);
  }
}

function unknownName(name: string, problem: NameProblem): Checked {
  return broken(name, nameProblemLines(problem).join(" "));
}

function checkPacket(
  { state }: Place,
  { name, from, to, expect, masqueraded }: Assertion & { readonly kind: "packet" },
): Checked | WatchedAssertion {
  const packet = packetOfNames(directoryOf(state), from, to);
  if (typeof packet === "string") return broken(name, packet);
  if (isNameProblem(packet)) return unknownName(name, packet);
  const expected = parseExpectation(packet, expect);
  if (typeof expected !== "function") return broken(name, String(expected));
  const valueOf = ({ outcomes }: Trace) =>
    outcomes.every((one) => expected(one) && (masqueraded === undefined || one.masqueraded === masqueraded));
  const first = traceAt(state, packet);
  return valueOf(first) ? { name, packet, valueOf } : broken(name, outcomesText(packet, first));
}

function outcomesText(packet: Packet, { outcomes }: Trace): string {
  return outcomes.map((outcome) => outcomeText(packet, outcome)).join("; ");
}

/** A zone needs the endpoints themselves, so then the state is made at each commit that changed the Service. */
function checkReady(
  { past, span, state }: Place,
  assertion: Assertion & { readonly kind: "ready" },
): Checked {
  const { name, ready, zone } = assertion;
  const service = serviceNamed(state, assertion.service);
  if (typeof service !== "string") return unknownName(name, service);
  const countIn = (at: ClusterState) =>
    servicesOfState(at, [readServiceName(service)]).flatMap(({ endpoints }) => endpoints).filter((one) =>
      one.traffic !== "none" && (zone === undefined || one.zone === zone)
    );
  const distinct = (at: ClusterState) => new Set(countIn(at).map(({ endpoint }) => endpoint)).size;
  const text = (count: number) => `${count} ready${zone === undefined ? "" : ` in ${zone}`}`;
  const first = distinct(state);
  if (first < ready) return broken(name, text(first));
  let last: JournalCause | undefined;
  let count = first;
  for (const entry of journalFrom(past, span.from + 1, span.through, { service, details: false })) {
    if (entry.service === service) {
      [last, count] = [causeOfEntry(entry), zone === undefined ? entry.condition?.serving ?? 0 : NaN];
    }
    if (entry.commit?.accepted !== true || last === undefined || last.offset > entry.commit.through) continue;
    const here = Number.isNaN(count) ? distinct(stateAt(past, entry.commit.through).state) : count;
    if (here < ready) return broken(name, text(here), momentOf(past, entry.offset), last);
    last = undefined;
  }
  return held(name);
}

function momentOf(past: Past, offset: number): RulesMoment {
  return { offset, time: past.lookup()(offset)?.record.time ?? "" };
}

/** Checks what is about a Service, by its name in the state. */
function withService(
  { state }: Place,
  { name, service }: { readonly name: string; readonly service: string },
  check: (service: string) => Checked,
): Checked {
  const found = serviceNamed(state, service);
  return typeof found === "string" ? check(found) : unknownName(name, found);
}

function serviceNamed(state: ClusterState, text: string): string | NameProblem {
  const found = findSubject(directoryOf(state), text);
  if (isNameProblem(found)) return found;
  return found.kind === "service" ? found.service : { kind: "unknown", text, candidates: [] };
}
