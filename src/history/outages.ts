// When ports of Services had no endpoint on this node, and which record made it so. Commits count, not records: an endpoint that went
// and came back between two commits was never missed by a packet.

import { readServiceName } from "../kube/service_name.ts";
import type { JournalEntry } from "./journal.ts";
import type { Subject } from "./names.ts";
import { journalBackward, journalFrom } from "./journal_reading.ts";
import { type Past, stateAt } from "./past.ts";
import { conditionOfService, isServedAt, portText, type ServiceCondition } from "./service_condition.ts";
import { hasCommits } from "./position_expression.ts";
import { rfc3339 } from "./time_expression.ts";
import type { Span } from "./window.ts";

/** A record of the journal, as the reason of something. */
export interface JournalCause {
  /** Offset of the record. */
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  /** `EndpointSlice shop/web-a (changed)`. */
  readonly what: string;
}

/** A moment at which the kernel got other rules. */
export interface RulesMoment {
  /** Offset of the commit's record; of the record itself in a ledger without commits. */
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
}

/** A time in which a port of a Service had no endpoint. */
export interface Outage {
  /** `namespace/name`. */
  readonly service: string;
  /** The port, by its name or number. */
  readonly port: string;
  /** Null where it began before the range. */
  readonly from: RulesMoment | null;
  /** Null where it lasts at the end of the range. */
  readonly to: RulesMoment | null;
  /** Null where one of the two ends is not known. */
  readonly seconds: number | null;
  /** What took the last endpoint; null where it began before the range. */
  readonly cause: JournalCause | null;
  /** What ended it: an endpoint, or that the port or the Service went. */
  readonly ended: JournalCause | null;
  /** Whether the port never had an endpoint since it appeared. */
  readonly fresh: boolean;
}

/** An outage that has not ended yet. */
interface Open {
  readonly from: RulesMoment | null;
  readonly cause: JournalCause | null;
  readonly fresh: boolean;
}

/** What is known of one Service while the journal is read. */
interface Watched {
  /** The condition that the kernel's rules have. */
  condition: ServiceCondition | undefined;
  /** By port. */
  readonly open: Map<string, Open>;
  /** Entries that no commit has brought to the kernel yet. */
  waiting: JournalEntry[];
}

/** A Service; with `ports` only these of its ports, as {@link Outage.port} has them. */
export interface ServiceMeant {
  readonly service: string;
  readonly ports?: ReadonlySet<string>;
}

/** What a name means that found a Service, or some of its ports. */
export function serviceMeant({ service, port }: Subject & { readonly kind: "service" }): ServiceMeant {
  return { service, ...(port && { ports: new Set(port.ports.map(portText)) }) };
}

/**
 * The outages in `span`, in order of their beginning. With `service` only those of that Service. A new port that got its first
 * endpoint later was never out, so it is left out; one that has none up to the end, or until it goes, is listed as `fresh`.
 */
export function outagesIn(past: Past, span: Span, service?: string): Outage[] {
  const watched = new Map<string, Watched>();
  const ended: Outage[] = [];
  /** The Services with entries that wait for a commit, so that a commit need not look at every Service. */
  const waiting = new Set<string>();
  const committing = beginWatching(past, span, watched, service);
  const apply = (name: string, one: Watched, through: number, at: JournalEntry) => {
    const isDue = ({ offset }: JournalEntry) => offset <= through;
    // Nearly always a commit brings all that waits.
    const due = one.waiting.every(isDue) ? one.waiting : one.waiting.filter(isDue);
    if (due.length === 0) return;
    one.waiting = due === one.waiting ? [] : one.waiting.filter((entry) => !isDue(entry));
    if (one.waiting.length === 0) waiting.delete(name);
    ended.push(...changeCondition(name, one, due, at));
  };
  for (const entry of journalFrom(past, span.from, span.through, { service, details: false })) {
    if (entry.service !== "") {
      const one = watched.get(entry.service) ?? newlyWatched(watched, entry.service);
      one.waiting.push(entry);
      waiting.add(entry.service);
      if (!committing) apply(entry.service, one, entry.offset, entry);
    }
    if (entry.commit?.accepted !== true) continue;
    for (const name of waiting) apply(name, watched.get(name)!, entry.commit.through, entry);
  }
  const lasting = [...watched].flatMap(([name, { open }]) =>
    [...open].map(([port, { from, cause, fresh }]): Outage => {
      return { service: name, port, from, to: null, seconds: null, cause, ended: null, fresh };
    })
  );
  return [...ended, ...lasting].sort(byBeginning);
}

function byBeginning(a: Outage, b: Outage): number {
  return (a.from?.offset ?? -1) - (b.from?.offset ?? -1) ||
    (`${a.service} ${a.port}` < `${b.service} ${b.port}` ? -1 : 1);
}

function newlyWatched(watched: Map<string, Watched>, name: string): Watched {
  const one: Watched = { condition: undefined, open: new Map(), waiting: [] };
  watched.set(name, one);
  return one;
}

/** Enters what is out at the beginning of the span. Returns whether the ledger has commits, so that they decide. */
function beginWatching(
  past: Past,
  { from }: Span,
  watched: Map<string, Watched>,
  service: string | undefined,
): boolean {
  for (const [name, condition] of from === 0 ? [] : conditionsAt(past, from - 1, service)) {
    if (condition === undefined) continue;
    const open = condition.lacking.map((port) => [port, { from: null, cause: null, fresh: false }] as const);
    watched.set(name, { condition, open: new Map(open), waiting: [] });
  }
  return hasCommits(past);
}

/** The conditions after the record at offset `at`. That of one Service is in the journal, where no state has to be made. */
function* conditionsAt(
  past: Past,
  at: number,
  service: string | undefined,
): Generator<readonly [name: string, condition: ServiceCondition | undefined]> {
  if (service !== undefined) {
    for (const entry of journalBackward(past, at, { service, details: false })) {
      if (entry.service === service) return yield [service, entry.condition];
    }
    if (past.first() === 0) return;
  }
  const { state } = stateAt(past, at);
  for (const name of service === undefined ? state.services.keys() : [readServiceName(service)]) {
    yield [name, conditionOfService(state, name)];
  }
}

/** Brings a Service to the condition of the last of `due`; returns the outages that this ended. */
function changeCondition(
  name: string,
  one: Watched,
  due: readonly JournalEntry[],
  entry: JournalEntry,
): Outage[] {
  const before = one.condition;
  const last = due.at(-1)!;
  one.condition = last.condition;
  // Most commits neither begin nor end an outage.
  if (one.open.size === 0 && (last.condition?.lacking.length ?? 0) === 0) return [];
  const at = momentOf(entry);
  const lacking = new Set(last.condition?.lacking);
  const ended = [...one.open].filter(([port]) => !lacking.has(port)).flatMap(
    ([port, { from, cause, fresh }]): Outage[] => {
      one.open.delete(port);
      if (fresh && due.some(({ came }) => came.some((served) => isServedAt(served, port)))) return [];
      const seconds = from === null ? null : (Date.parse(at.time) - Date.parse(from.time)) / 1000;
      return [{ service: name, port, from, to: at, seconds, cause, ended: causeOfEntry(last), fresh }];
    },
  );
  for (const port of lacking) {
    if (one.open.has(port)) continue;
    // Between two commits a port may have lost its endpoints more than once: the last time counts.
    const since = due.findLastIndex(({ condition }) => condition?.lacking.includes(port) !== true);
    one.open.set(port, { from: at, cause: causeOfEntry(due[since + 1]!), fresh: before === undefined });
  }
  return ended;
}

function momentOf({ offset, time }: JournalEntry): RulesMoment {
  return { offset, time: rfc3339(time) };
}

/** An entry as a cause. Of rules that a step made it is the event that they waited for. */
export function causeOfEntry({ waited, object, verb, text, kind, ...entry }: JournalEntry): JournalCause {
  const { offset, time } = waited ?? entry;
  const what = object === "" ? text || kind : `${object} (${verb})`;
  return { offset, time: rfc3339(time), what };
}
