// All questions that a ledger answers, as one object. Each question is a function in a file of its own and returns a value.
// Commands, `--json` and the report's page print that value, each in its own form.

import type { Search } from "../ledger/terms.ts";
import type { Placed } from "../ledger/reader.ts";
import { assembled } from "../nft/objects.ts";
import type { Ruleset } from "../nft/ruleset.ts";
import { type BlamedElement, blameElements } from "./blame.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { differences, type ElementDifference, type Side, sideOfPast } from "./diff.ts";
import type { Assertion } from "./assertion.ts";
import { checkAssertions } from "./assertion_check.ts";
import { type AuditEntry, auditTrail } from "./audit.ts";
import type { Checked } from "./journal_checks.ts";
import { recordsAbout } from "./log.ts";
import { isNameProblem, type NameProblem, nameProblemLines, type Subject, WrongName } from "./names.ts";
import {
  type BisectAnswer,
  bisectPacket,
  type PacketCondition,
  type PacketFlip,
  packetFlips,
} from "./packet_bisect.ts";
import { packetOfNames } from "./packet_names.ts";
import { type Past, type PastState, stateAt, WrongPosition } from "./past.ts";
import { type Applied, type PlanAhead, planAhead } from "./plan_ahead.ts";
import {
  HEAD,
  parsePosition,
  type PositionExpression,
  resolvePosition,
  resolveWritten,
} from "./position_expression.ts";
import { findServiceBefore, findSubjectBefore } from "./past_names.ts";
import { findServed } from "./port_names.ts";
import { pastAt, wholeRules } from "./recorded_rules.ts";
import { replayPart, type ReplayResult, type ReplayStep } from "./replay_part.ts";
import { type ShownPosition, showPosition } from "./show.ts";
import type { Packet } from "./trace.ts";
import { type LedgerVerdict, type Verifiable, verifyPast } from "./verify.ts";
import { type PacketPath, pathOf } from "./why.ts";
import type { ClusterState } from "../fold/cluster_state.ts";
import { type Latency, latencyIn } from "./change_latency.ts";
import { changesAbout, filterOf, type LoggedChange } from "./changes_log.ts";
import { connectionsAbout, type EndpointConnections, type TrackedConnection } from "./connections.ts";
import { stateToRead } from "./journal_reading.ts";
import { type Outage, outagesIn, type ServiceMeant, serviceMeant } from "./outages.ts";
import type { ServiceState } from "./services.ts";
import { endpointsAbout, type ListedEndpoint, servicesAbout } from "./services_about.ts";
import { type NodeState, nodeStateOf } from "./status.ts";
import { type Top, topIn } from "./top.ts";
import { type Span, spanOf } from "./window.ts";

/** A position as text (`@1234`, `2026-11-23T03:12:00Z`, `HEAD~3`), or already parsed. */
export type PositionLike = string | PositionExpression;

/** The rules after one record, with the causes of their elements. It is also a side of a comparison. */
export interface PastRules extends Side {
  /** Offset of the last record that the rules follow. */
  readonly offset: number;
  /** The rules as the kernel would list them. Throws NotRecorded where the ledger does not hold all of them. */
  readonly ruleset: Ruleset;
  /** The record at an offset, where it is kept. */
  record(offset: number): Placed | undefined;
}

/**
 * The questions. A position that is left out is HEAD, the last record. Each call reads the ledger anew, so a ledger that is
 * still written gives newer answers. A position outside the ledger throws {@link WrongPosition}.
 */
export interface History {
  /** Id of the ledger, 16 hex digits. */
  id(): string;
  /** Offset of the oldest record that is kept. */
  first(): number;
  /** The offset that a position means. */
  offsetOf(position?: PositionLike): number;
  /** The rules at a position. */
  at(position?: PositionLike): PastRules;
  /** The records that match `search`, newest first. */
  log(search?: Search): Iterable<Placed>;
  /** The record and the commit at a position, and the rules after it as text. */
  show(position?: PositionLike): ShownPosition;
  /** The elements that concern a Service, an address or a key, each with the record that made it. */
  blame(what: string, position?: PositionLike): Iterable<BlamedElement>;
  /** The elements that differ between two positions, or from other rules. */
  diff(before: PositionLike | Side, after: PositionLike | Side): ElementDifference[];
  /**
   * The packet from an address, a pod or a node to a Service (`shop/web:http`, `web`) or an address with a port, by the names that are
   * known at a position. Throws {@link WrongName}, which says what names are near.
   */
  packet(source: string, target: string, position?: PositionLike): Packet;
  /** The Services at a position, with their endpoints and what changed each last; only those that `what` means. */
  services(what?: string, position?: PositionLike): ServiceState[];
  /** The endpoints at a position, each with the record since which it gets traffic; only those that `what` means. */
  endpoints(what?: string, position?: PositionLike): ListedEndpoint[];
  /** The state of the node at a position, worst first. */
  status(position?: PositionLike): NodeState;
  /** When ports of Services had no endpoint; only of a Service, or a port of it. Throws {@link WrongName}. */
  outages(range?: AskedRange, service?: string): Outage[];
  /** How long changes took to become rules; only of a Service. Throws {@link WrongName}. */
  latency(range?: AskedRange, service?: string): Latency;
  /** The busiest Services, endpoints that came back, and the slowest commits: at most `most` of each. */
  top(range?: AskedRange, most?: number): Top;
  /** Connections that a kernel tracks, by the Services and endpoints that are known at a position. */
  connections(tracked: Iterable<TrackedConnection>, position?: PositionLike): EndpointConnections[];
  /** What changed, newest first; only what concerns `what`, which may be gone. Throws {@link WrongName}. */
  changes(what?: string, range?: AskedRange): Iterable<LoggedChange>;
  /** Where a packet goes, with the rules, elements and records that decide it. */
  why(packet: Packet, position?: PositionLike): PacketPath;
  /** The commit with which a packet stopped going where it should. */
  bisect(good: PositionLike, bad: PositionLike, condition: PacketCondition): BisectAnswer;
  /** Every commit with which a packet started or stopped going where it should. */
  flips(from: PositionLike, through: PositionLike, condition: PacketCondition): Iterable<PacketFlip>;
  /** Makes every commit again and compares it with what was written. `take` receives each record and its transaction. */
  replay(through?: PositionLike, take?: (step: ReplayStep) => void): ReplayResult;
  /** The trail for an auditor: who did what, when, by which evidence. */
  audit(range?: AskedRange): Iterable<AuditEntry>;
  /** Whether the ledger is what was written, and follows from what an auditor kept. */
  verify(kept?: Verifiable): LedgerVerdict;
  /** What this node would do if objects were applied to the state at a position, or deleted. */
  plan(applied: Applied, position?: PositionLike): PlanAhead;
  /** Whether assertions hold at `since` and at every commit of the range; without `since` at its end alone. */
  check(assertions: readonly Assertion[], range?: AskedRange): Checked[];
}

/** A range of a ledger: after `since` (the beginning), up to `until` (HEAD). */
export interface AskedRange {
  /** The range begins after this. */
  readonly since?: PositionLike;
  /** The range ends with this. */
  readonly until?: PositionLike;
}

/** The questions, asked of `past`. */
export function historyOf(past: Past): History {
  const { again } = past;
  const offsetOf = (position: PositionLike = HEAD) =>
    again(() => resolvePosition(expressionOf(position), past));
  const at = (position?: PositionLike) => again(() => pastAt(past, offsetOf(position)));
  const span = ({ since, until }: AskedRange = {}) =>
    again(() =>
      spanOf(past, since === undefined ? undefined : expressionOf(since), expressionOf(until ?? HEAD))
    );
  const side = (side: PositionLike | Side) => isSide(side) ? side : sideOfPast(at(side));
  return {
    id: () => past.id(),
    first: () => past.first(),
    offsetOf,
    at: (position) => rulesOf(at(position)),
    log: (search) => recordsAbout(past, search),
    show: (position) => showPosition(at(position)),
    blame: (what, position) => blameElements(at(position), what),
    diff: (before, after) => differences(side(before), side(after)),
    packet: (source, target, position) => packetAmong(directoryOf(at(position).state), source, target),
    services(what, position) {
      const state = stateToRead(past, offsetOf(position));
      return servicesAbout(past, state, subjectOr(state, what));
    },
    endpoints(what, position) {
      const state = stateToRead(past, offsetOf(position));
      return endpointsAbout(past, state, subjectOr(state, what));
    },
    status: (position = HEAD) =>
      nodeStateOf(past, stateToRead(past, again(() => resolveWritten(expressionOf(position), past)))),
    outages: (range, service) => outagesNamed(past, span(range), service),
    latency: (range, service) => latencyNamed(past, span(range), service),
    top: (range, most) => topIn(past, span(range), most),
    connections(tracked, position) {
      const through = offsetOf(position);
      const at = { state: stateToRead(past, through), through };
      return connectionsAbout(past, at, { list: true }, (count) => Iterator.from(tracked).forEach(count));
    },
    changes: (what, range) => changesNamed(past, span(range), what),
    why: (packet, position) => pathOf(at(position), packet),
    bisect: (good, bad, condition) =>
      again(() => bisectPacket(past, offsetOf(good), offsetOf(bad), condition)),
    flips: (from, through, condition) => packetFlips(past, offsetOf(from), offsetOf(through), condition),
    replay(through, take) {
      const ask = () => replay(past, through === undefined ? Infinity : offsetOf(through), take);
      // What was taken cannot be taken again.
      return take === undefined ? again(ask) : ask();
    },
    audit: (range) => auditTrail(past, span(range)),
    verify: (kept) => again(() => verifyPast(past, kept).verdict),
    plan: (applied, position) =>
      again(() => {
        const { state, lookup } = stateAt(past, offsetOf(position));
        const last = lookup(state.folded);
        if (last === undefined) throw past.overtaken();
        return planAhead(state, applied, last.offset);
      }),
    check: (assertions, range) =>
      again(() => {
        const through = offsetOf(range?.until);
        const from = range?.since === undefined ? through : offsetOf(range.since);
        return checkAssertions(past, { from, through }, assertions);
      }),
  };
}

function rulesOf(past: PastState): PastRules {
  return {
    ...sideOfPast(past),
    offset: past.state.folded,
    get ruleset() {
      const { tables, desired } = wholeRules(past);
      return assembled({ tables, elements: desired });
    },
    record: past.lookup,
  };
}

function expressionOf(position: PositionLike): PositionExpression {
  if (typeof position !== "string") return position;
  const parsed = parsePosition(position);
  if (typeof parsed === "string") throw new WrongPosition(parsed);
  return parsed;
}

/** What `what` names in `state`; undefined for all. Throws WrongName. */
function subjectOr(state: ClusterState, what: string | undefined): Subject | undefined {
  return what === undefined ? undefined : named(findServed(directoryOf(state), what));
}

/** What was found. Throws WrongName. */
function named<T extends object>(found: T | NameProblem): T {
  if (isNameProblem(found)) throw new WrongName(nameProblemLines(found).join("\n"));
  return found;
}

/** The Service that `text` names at the end of a range, or any time before; undefined for all. Throws WrongName. */
function serviceOr(past: Past, { through }: Span, text: string | undefined): ServiceMeant | undefined {
  if (text === undefined) return undefined;
  const subject = named(findServiceBefore(past, through, text));
  if (subject.kind !== "service") throw new WrongName(`${text}: it must be a Service`);
  return serviceMeant(subject);
}

function outagesNamed(past: Past, span: Span, service: string | undefined): Outage[] {
  const meant = serviceOr(past, span, service);
  return outagesIn(past, span, meant?.service).filter(({ port }) => meant?.ports?.has(port) ?? true);
}

function latencyNamed(past: Past, span: Span, service: string | undefined): Latency {
  return latencyIn(past, span, serviceOr(past, span, service)?.service);
}

/** What `what` names is what the state at the end of the range knows, or what was before. */
function changesNamed(
  past: Past,
  { from, through }: Span,
  what: string | undefined,
): Iterable<LoggedChange> {
  if (what === undefined) return changesAbout(past, through, {}, from);
  const subject = named(findSubjectBefore(past, through, what));
  return changesAbout(past, through, filterOf(subject, past, through), from);
}

function packetAmong(directory: Directory, source: string, target: string): Packet {
  const packet = packetOfNames(directory, source, target);
  if (typeof packet === "string") throw new WrongName(packet);
  return named<Packet>(packet);
}

function isSide(side: PositionLike | Side): side is Side {
  return typeof side === "object" && "elements" in side;
}

function replay(past: Past, through: number, take: (step: ReplayStep) => void = () => {}): ReplayResult {
  const steps = replayPart(past, { from: past.first(), through, bounded: false });
  let step = steps.next();
  for (; !step.done; step = steps.next()) take(step.value);
  return step.value;
}
