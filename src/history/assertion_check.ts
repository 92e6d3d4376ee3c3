// Checks assertions at one position, or at every commit of a range; then the first commit and record that broke each are named.

import type { ClusterState } from "../fold/cluster_state.ts";
import { readServiceName } from "../kube/service_name.ts";
import type { Assertion } from "./assertion.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { journalFrom } from "./journal_reading.ts";
import { findSubject, isNameProblem, type NameProblem, nameProblemText } from "./names.ts";
import { broken, checkDrift, type Checked, checkLatency, checkOutage, held } from "./journal_checks.ts";
import {
  causeOfEntry,
  type JournalCause,
  type RulesMoment,
  type ServiceMeant,
  serviceMeant,
} from "./outages.ts";
import { parseExpectation } from "./packet_bisect.ts";
import { type PacketWatch, watchPackets } from "./packet_changes.ts";
import { packetOfNames } from "./packet_names.ts";
import { outcomesText, readPacket } from "./packet_words.ts";
import { causeAt } from "./cause.ts";
import { type Past, stateAt } from "./past.ts";
import { servicesOfState } from "./services.ts";
import type { Trace } from "./trace.ts";
import { traceAt } from "./why.ts";
import type { Span } from "./window.ts";

/** Checks `assertions` after the records up to `span.from`, and at every commit from there to `span.through`. */
export function checkAssertions(past: Past, span: Span, assertions: readonly Assertion[]): Checked[] {
  const { state, lookup } = stateAt(past, span.from);
  let known: Directory | undefined;
  const place: Place = { past, span, state, directory: () => known ??= directoryOf(state) };
  const first = assertions.map((assertion): Checked | WatchedAssertion => checkAssertion(place, assertion));
  const watches = first.filter((one) => "packet" in one);
  const broke = new Map<WatchedAssertion, Checked>();
  for (
    const { watch, change } of span.through <= span.from
      ? []
      : watchPackets(past, span, watches, { state, lookup })
  ) {
    const one = watches[watch]!;
    if (change.value || broke.has(one)) continue;
    const { offset, what, time } = causeAt(lookup, change.cause);
    const commit = { offset: change.commit, time: change.record.time };
    broke.set(
      one,
      broken(one.name, outcomesText(one.packet, change.after.outcomes), commit, { offset, what, time }),
    );
  }
  return first.map((one) => "packet" in one ? broke.get(one) ?? held(one.name) : one);
}

/** How an assertion about packets or ready endpoints is broken in a state; "" where it holds. */
export function brokenIn(
  named: Named,
  assertion: Assertion & { readonly kind: "packet" | "ready" },
): string {
  if (assertion.kind === "packet") {
    const result = checkPacket(named, assertion);
    return "packet" in result ? "" : result.text;
  }
  const { ready, zone } = assertion;
  const meant = serviceNamed(named, assertion.service);
  if (isNameProblem(meant)) return nameProblemText(meant);
  const count = readyCount(named.state, meant, zone);
  return count < ready ? readyText(count, zone) : "";
}

/** An assertion about a packet that holds at the beginning of the range. */
interface WatchedAssertion extends PacketWatch<boolean> {
  readonly name: string;
}

/** Where an assertion is checked: in a range, from the state at its beginning on. */
interface Place extends Named {
  readonly past: Past;
  readonly span: Span;
}

/** A state, and the names in it: they are made only where an assertion needs them. */
export interface Named {
  readonly state: ClusterState;
  directory(): Directory;
}

function checkAssertion(place: Place, assertion: Assertion): Checked | WatchedAssertion {
  switch (assertion.kind) {
    case "packet":
      return checkPacket(place, assertion);
    case "ready":
      return checkReady(place, assertion);
    case "outage":
      return withService(place, assertion, (meant) => checkOutage(place, assertion, meant));
    case "latency": {
      const { service } = assertion;
      if (service === undefined) return checkLatency(place, assertion, undefined);
      return withService(
        place,
        { ...assertion, service },
        (found) => checkLatency(place, assertion, found.service),
      );
    }
    case "drift":
      return checkDrift(place, assertion);
  }
}

function unknownName(name: string, problem: NameProblem): Checked {
  return broken(name, nameProblemText(problem));
}

function checkPacket(
  { state, directory }: Named,
  { name, from, to, expect, masqueraded }: Assertion & { readonly kind: "packet" },
): Checked | WatchedAssertion {
  const plain = readPacket(from, to);
  const packet = typeof plain === "string" ? packetOfNames(directory(), from, to) : plain;
  if (typeof packet === "string") return broken(name, packet);
  if (isNameProblem(packet)) return unknownName(name, packet);
  const expected = parseExpectation(packet, expect);
  if (typeof expected !== "function") return broken(name, String(expected));
  const valueOf = ({ outcomes }: Trace) =>
    outcomes.every((one) => expected(one) && (masqueraded === undefined || one.masqueraded === masqueraded));
  const first = traceAt(state, packet);
  return valueOf(first) ? { name, packet, valueOf } : broken(name, outcomesText(packet, first.outcomes));
}

/** How many endpoints of `service`, or of `ports` of it, get traffic, in `zone` where one is named. */
function readyCount(state: ClusterState, { service, ports }: ServiceMeant, zone: string | undefined): number {
  const endpoints = servicesOfState(state, [readServiceName(service)]).flatMap(({ endpoints }) => endpoints);
  const ready = endpoints.filter((one) =>
    one.traffic !== "none" && (zone === undefined || one.zone === zone) && (ports?.has(one.port) ?? true)
  );
  return new Set(ready.map(({ endpoint }) => endpoint)).size;
}

function readyText(count: number, zone: string | undefined): string {
  return `${count} ready${zone === undefined ? "" : ` in ${zone}`}`;
}

/** A zone or port needs the endpoints themselves, so then the state is made at each commit that changed the Service. */
function checkReady(
  place: Place,
  assertion: Assertion & { readonly kind: "ready" },
): Checked {
  const { past, span, state } = place;
  const { name, ready, zone } = assertion;
  const meant = serviceNamed(place, assertion.service);
  if (isNameProblem(meant)) return unknownName(name, meant);
  const { service, ports } = meant;
  const distinct = (at: ClusterState) => readyCount(at, meant, zone);
  const text = (count: number) => readyText(count, zone);
  const first = distinct(state);
  if (first < ready) return broken(name, text(first));
  let last: JournalCause | undefined;
  let count = first;
  for (const entry of journalFrom(past, span.from + 1, span.through, { service, details: false })) {
    if (entry.service === service) {
      [last, count] = [
        causeOfEntry(entry),
        (zone ?? ports) === undefined ? entry.condition?.serving ?? 0 : NaN,
      ];
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
  place: Place,
  { name, service }: { readonly name: string; readonly service: string },
  check: (meant: ServiceMeant) => Checked,
): Checked {
  const found = serviceNamed(place, service);
  return isNameProblem(found) ? unknownName(name, found) : check(found);
}

/** The Service that `text` names, or the ports of one. */
export function serviceNamed({ state, directory }: Named, text: string): ServiceMeant | NameProblem {
  if (state.services.has(readServiceName(text))) return { service: text };
  const found = findSubject(directory(), text);
  if (isNameProblem(found)) return found;
  return found.kind === "service" ? serviceMeant(found) : { kind: "unknown", text, candidates: [] };
}
