// The journal of a ledger: what each record did to the Services, without the elements. It follows from the records, so it can be made
// again at any time. Questions about much of the past read it in place of the records, which would have to be folded.

import type { ClusterState } from "../fold/cluster_state.ts";
import { foldRecord, ownerOf } from "../fold/fold.ts";
import type { FoldChanges } from "../fold/fold_changes.ts";
import { NO_PROGRAM, type ServiceProgram } from "../fold/service_program.ts";
import { waitingOf, waitsIn } from "../fold/waiting_line.ts";
import { describeKey, type KubeObject, TRIGGER } from "../kube/objects.ts";
import { nameOfService, readServiceName, type ServiceName } from "../kube/service_name.ts";
import type { CommitRecord, EventRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import { ZONE_FIELD, zoneOf } from "./directory.ts";
import {
  type EndpointChange,
  endpointChanges,
  type FieldChange,
  fieldChanges,
  sliceOf,
} from "./object_diff.ts";
import { conditionOfService, servedBy, type ServiceCondition } from "./service_condition.ts";
import { recordText } from "./record_words.ts";

/** What one record did to one Service, or to none. A record that concerns several Services has an entry for each. */
export interface JournalEntry {
  /** Offset of the record. */
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Kind of the record. */
  readonly kind: LedgerRecord["kind"];
  /** Of an event: `EndpointSlice shop/web-a`; "" else, and in all entries of a record but the first. */
  readonly object: string;
  /** Whether the object appeared, changed or is gone. */
  readonly verb: "appeared" | "changed" | "gone";
  /** The Service; "" where the record concerns none. */
  readonly service: string;
  /** When the change began that an EndpointSlice is about, in milliseconds since 1970; 0 where it does not say, or said so before. */
  readonly trigger: number;
  /** Whether the record changed any element of the rules. */
  readonly effect: boolean;
  /** Whether the Service waits for a step (`fold/steps.ts`) after the record: its rules, and so its condition, are still those before. */
  readonly waits: boolean;
  /**
   * Of a Service for which the step after a commit made rules: the record that made it wait. `object`, `verb` and `trigger` are those of
   * that event, where it is in the same segment: a journal follows from its segment alone. Undefined in all other entries.
   */
  readonly waited: WaitedEvent | undefined;
  /** Endpoints of a slice that changed. */
  readonly endpoints: readonly EndpointChange[];
  /** Other fields that changed. */
  readonly fields: readonly FieldChange[];
  /** The Service after the record; undefined where it does not exist or is not proxied. */
  readonly condition: ServiceCondition | undefined;
  /** Endpoints that started or stopped getting traffic (see {@link servedBy}). */
  readonly came: readonly string[];
  /** Those that stopped. */
  readonly left: readonly string[];
  /** Of a commit: what it did. */
  readonly commit: JournalCommit | undefined;
  /**
   * Of drift, gaps, configurations and rejected commits: what happened. Of a Service that appeared or went: its type, addresses and
   * ports.
   */
  readonly text: string;
}

/** An event whose rules a later step made. */
export interface WaitedEvent {
  /** Offset of the event's record. */
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** The events of one segment whose Services wait for a step, by their offset. */
export type WaitingEvents = Map<number, JournalEntry>;

/** A commit in the journal. */
export interface JournalCommit {
  /** First record that it folded. */
  readonly from: number;
  /** Last record that it folded. */
  readonly through: number;
  /** Time in the kernel. */
  readonly microseconds: number;
  /** How many operations were sent. */
  readonly operations: number;
  /** Whether the kernel accepted it. */
  readonly accepted: boolean;
}

/** Folds `record` into `state`, and returns its entries: at least one. `waiting` is kept through a segment. */
export function journalEntries(
  state: ClusterState,
  offset: Offset,
  record: LedgerRecord,
  waiting: WaitingEvents = new Map(),
): JournalEntry[] {
  return journalStep(state, offset, record, waiting).entries;
}

/** As {@link journalEntries}, with what the fold changed. */
export function journalStep(
  state: ClusterState,
  offset: Offset,
  record: LedgerRecord,
  waiting: WaitingEvents,
): { readonly entries: JournalEntry[]; readonly changes: FoldChanges } {
  const before = beforeRecord(state, record);
  const waited = record.kind === "commit" && record.advances ? waitingServices(state) : undefined;
  const changes = foldRecord(state, offset, record);
  const entries = entriesAfter(state, offset, record, before, changes);
  if (entries.some(({ waits }) => waits)) waiting.set(offset, entries[0]!);
  const steps = waited === undefined
    ? []
    : stepEntries(state, entries[0]!, { before, waited, changes, waiting });
  return { entries: [...entries, ...steps], changes };
}

function entriesAfter(
  state: ClusterState,
  offset: Offset,
  record: LedgerRecord,
  before: Before,
  { touched }: FoldChanges,
): JournalEntry[] {
  const entry: JournalEntry = {
    ...{ offset, time: Date.parse(record.time), kind: record.kind, object: "", verb: "changed" },
    ...{ service: "", trigger: 0, effect: touched.size > 0, waits: false, waited: undefined },
    ...{ endpoints: [], fields: [], condition: undefined },
    ...{ came: [], left: [], commit: undefined, text: textOf(record) },
    ...(record.kind === "commit" ? { commit: commitOfRecord(record) } : {}),
    ...(record.kind === "event" ? eventParts(before.object, record) : {}),
  };
  if (record.kind === "commit" && record.advances) return [entry];
  const services = [...before.programs.keys()].flatMap((name) => {
    const part = servicePart(state, name, before.programs.get(name) ?? NO_PROGRAM);
    return before.all && part.came.length + part.left.length === 0 ? [] : [part];
  });
  if (services.length === 0 || before.all) {
    return [entry, ...services.map((part) => ({ ...furtherEntry(entry), ...part }))];
  }
  return services.map((part, i) => ({ ...(i === 0 ? entry : furtherEntry(entry)), ...part }));
}

/** What is needed to say what a step did. */
interface Step {
  readonly before: Before;
  /** The Services that waited, each with the record that made it wait. */
  readonly waited: ReadonlyMap<ServiceName, Offset>;
  readonly changes: FoldChanges;
  readonly waiting: WaitingEvents;
}

/** The entries of the Services for which the step after `commit` made rules. */
function stepEntries(
  state: ClusterState,
  commit: JournalEntry,
  { before: { programs }, waited, changes, waiting }: Step,
): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const [name, cause] of waited) {
    const program = programs.get(name);
    if (state.programs.get(name) === program && !changes.setAside?.has(name)) continue;
    const { object = "", verb = "changed", trigger = 0, time } = waiting.get(cause) ?? commit;
    const part = servicePart(state, name, program ?? NO_PROGRAM);
    entries.push({
      ...{ ...furtherEntry(commit), ...part, object, verb, trigger, effect: true },
      waited: { offset: cause, time },
    });
  }
  return entries;
}

/** The entry of a further Service of the same record: what is about the record itself is in the first. */
function furtherEntry(entry: JournalEntry): JournalEntry {
  return { ...entry, object: "", trigger: 0, endpoints: [], fields: [], commit: undefined, text: "" };
}

interface Before {
  readonly object: KubeObject | undefined;
  /** The programs of the Services that the record can concern. */
  readonly programs: ReadonlyMap<ServiceName, ServiceProgram | undefined>;
  /** Whether these are all Services. */
  readonly all: boolean;
}

function beforeRecord(state: ClusterState, record: LedgerRecord): Before {
  const object = record.kind === "event" ? state.objects.at(record.key) : undefined;
  const named = servicesOf(state, record, object);
  const names = named ?? [...state.services.keys()];
  return {
    object,
    programs: new Map(names.map((name) => [name, state.programs.get(name)])),
    all: named === undefined,
  };
}

/** The Services that a record can concern; undefined for all. */
function servicesOf(
  state: ClusterState,
  record: LedgerRecord,
  before: KubeObject | undefined,
): ServiceName[] | undefined {
  if (record.kind === "config") return undefined;
  if (record.kind === "commit") {
    if (record.advances) return [...waitingServices(state).keys()];
    return record.setAside === undefined ? [] : [readServiceName(record.setAside)];
  }
  if (record.kind !== "event") return [];
  const { key, value } = record;
  switch (key.kind) {
    case "Service":
      return [nameOfService(key)];
    case "EndpointSlice": {
      const owners = [sliceOf(value), sliceOf(before)].map((slice) => slice && ownerOf(slice));
      return [...new Set(owners.filter((owner) => owner !== undefined))];
    }
    case "Node":
      return key.name === state.node.name ? undefined : [];
    case "ServiceCIDR":
      return [];
  }
}

/** The Services whose rules a step may make, each with the record that made it wait. */
function waitingServices({ postponed, making, unsettled }: ClusterState): Map<ServiceName, Offset> {
  return new Map([
    ...waitingOf(unsettled),
    ...waitingOf(postponed),
    ...(making ? [[making.name, making.cause] as const] : []),
  ]);
}

/** The parts of an entry that are about one Service. */
function servicePart(
  state: ClusterState,
  name: ServiceName,
  before: ServiceProgram,
): Pick<JournalEntry, "service" | "condition" | "came" | "left" | "waits"> {
  const after = state.programs.get(name) ?? NO_PROGRAM;
  const condition = conditionOfService(state, name);
  const waits = waitsIn(state.postponed, name) || waitsIn(state.unsettled, name) ||
    state.making?.name === name;
  if (before === after) return { service: name, condition, came: [], left: [], waits };
  const [old, now] = [servedBy(before), servedBy(after)];
  return {
    service: name,
    condition,
    waits,
    came: [...now].filter((one) => !old.has(one)),
    left: [...old].filter((one) => !now.has(one)),
  };
}

/** The parts of an entry that are about the object of an event. */
function eventParts(
  before: KubeObject | undefined,
  { key, value }: EventRecord,
): Pick<JournalEntry, "object" | "verb" | "trigger" | "endpoints" | "fields" | "text"> {
  const slices = key.kind === "EndpointSlice" ? endpointChanges(sliceOf(before), sliceOf(value)) : [];
  const trigger = value?.metadata.annotations?.[TRIGGER];
  const known = before?.metadata.annotations?.[TRIGGER];
  return {
    object: describeKey(key),
    verb: value === null ? "gone" : before === undefined ? "appeared" : "changed",
    trigger: trigger === undefined || trigger === known ? 0 : Date.parse(trigger) || 0,
    endpoints: slices,
    fields: before === undefined || value === null ? zoneChange(before, value) : fieldChanges(before, value),
    text: before === undefined || value === null ? summary(value ?? before) : "",
  };
}

/** The zone of a Node that appeared or went: it says where the endpoints on it are. */
function zoneChange(before: KubeObject | undefined, after: KubeObject | null): FieldChange[] {
  const [was, is] = [before, after].map((object) => object?.kind === "Node" ? zoneOf(object) ?? "" : "");
  return was === is ? [] : [{ path: ZONE_FIELD, was: was!, is: is! }];
}

/** What an object is that appeared or went; "" for one that is named by its endpoints. */
function summary(object: KubeObject | undefined): string {
  switch (object?.kind) {
    case "Service": {
      const { type = "ClusterIP", clusterIP, clusterIPs, externalIPs = [], ports = [] } = object.spec;
      const addresses = clusterIPs?.length ? clusterIPs : [clusterIP ?? ""];
      const names = ports.map(({ name, port, protocol = "TCP" }) =>
        `${name ? `${name}:` : ""}${port}/${protocol}`
      );
      return [type, ...addresses, ...externalIPs, ...names].filter((part) => part !== "").join(" ");
    }
    case "Node":
      return (object.status.addresses ?? []).map(({ address }) => address).join(" ");
    case "ServiceCIDR":
      return (object.spec.cidrs ?? []).join(" ");
    default:
      return "";
  }
}

function commitOfRecord({ from, through, microseconds, operations, outcome }: CommitRecord): JournalCommit {
  return { from, through, microseconds, operations, accepted: outcome === "committed" };
}

function textOf(record: LedgerRecord): string {
  switch (record.kind) {
    case "event":
      return "";
    case "config":
      return `configuration of node ${record.nodeName}, version ${record.version}`;
    case "commit": {
      const aside = record.setAside === undefined ? "" : `; ${record.setAside} is set aside`;
      return record.outcome === "committed" ? "" : `rejected: ${record.error ?? ""}${aside}`;
    }
    case "drift":
    case "gap":
      return recordText(record);
  }
}
