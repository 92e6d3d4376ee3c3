// Checks assertions at one position, or at every commit of a range; then the first commit and record that broke each are named.

import type { ClusterState } from "../fold/cluster_state.ts";
import { readServiceName } from "../kube/service_name.ts";
import type { Assertion } from "./assertion.ts";
import { directoryOf } from "./directory.ts";
import { journalFrom } from "./journal_reading.ts";
import { findSubject, isNameProblem, type NameProblem, nameProblemLines } from "./names.ts";
import { causeOfEntry, type JournalCause, outagesIn, type RulesMoment } from "./outages.ts";
import { parseExpectation } from "./packet_bisect.ts";
import { type PacketWatch, watchPackets } from "./packet_changes.ts";
import { packetOfNames } from "./packet_names.ts";
import { outcomeText } from "./packet_words.ts";
import { causeAt } from "./cause.ts";
import { type Past, stateAt } from "./past.ts";
import { servicesOfState } from "./services.ts";
import { lengthText } from "./table_words.ts";
import type { Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";
import type { Span } from "./window.ts";

/** The result of one assertion. */
export interface Checked {
  readonly name: string;
  readonly holds: boolean;
  /** How it is broken; "" where it holds. */
  readonly text: string;
  /** The first commit of the range that broke it; null where it holds, was broken before the range, or one position was asked for. */
  readonly commit: RulesMoment | null;
  /** The record that broke it, where that is known. */
  readonly cause: JournalCause | null;
}

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
      return checkOutage(place, assertion);
  }
}

function broken(
  name: string,
  text: string,
  commit: RulesMoment | null = null,
  cause: JournalCause | null = null,
): Checked {
  return { name, holds: false, text, commit, cause };
}

function held(name: string): Checked {
  return { name, holds: true, text: "", commit: null, cause: null };
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

function checkOutage(
  { past, span, state }: Place,
  assertion: Assertion & { readonly kind: "outage" },
): Checked {
  const { name, milliseconds } = assertion;
  const service = serviceNamed(state, assertion.service);
  if (typeof service !== "string") return unknownName(name, service);
  const end = Date.parse(past.lookup()(span.through)?.record.time ?? "");
  for (
    const { port, from, to, cause } of outagesIn(
      past,
      { from: span.from + 1, through: span.through },
      service,
    )
  ) {
    const [begins, ends] = [
      from === null ? -Infinity : Date.parse(from.time),
      to === null ? end : Date.parse(to.time),
    ];
    const length = ends - begins;
    if (length <= milliseconds) continue;
    const long = Number.isFinite(length) ? `for ${lengthText(length)}` : "since before the range";
    return broken(name, `${port} without endpoints ${long}`, from, cause);
  }
  return held(name);
}

function serviceNamed(state: ClusterState, text: string): string | NameProblem {
  const found = findSubject(directoryOf(state), text);
  if (isNameProblem(found)) return found;
  return found.kind === "service" ? found.service : { kind: "unknown", text, candidates: [] };
}
