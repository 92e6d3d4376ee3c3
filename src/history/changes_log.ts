// The changes that a ledger has, newest first, as the objects have them: by Service, namespace, node, zone, pod, address, block of
// addresses, and kind of change. A change knows the commit that brought it to the kernel.

import { type Cidr, contains, parseAddress } from "../kube/address.ts";
import { namespaceOfDescribed } from "../kube/objects.ts";
import { namespaceOf } from "../kube/service_name.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { Address } from "../nft/data_type.ts";
import type { JournalEntry } from "./journal.ts";
import { journalBackward, stateToRead } from "./journal_reading.ts";
import { DETAIL_KINDS, type JournalPart, mayHave } from "./journal_text.ts";
import type { Subject } from "./names.ts";
import { NodeZones } from "./node_zones.ts";
import { type EndpointChange, isHintedAt } from "./object_diff.ts";
import type { Past } from "./past.ts";
import { type PortFilter, touchingPorts } from "./port_changes.ts";
import { addressesOf, mentionsIn } from "./scope.ts";

/** Kinds of change. `readiness`: an endpoint that stays changed its condition. `object`: an object appeared or went. */
export const CHANGE_KINDS = [...DETAIL_KINDS, "object"] as const;
/** See {@link CHANGE_KINDS}. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** Which changes are wanted: those that every given field allows. */
export interface ChangeFilter {
  /** `namespace/name`. */
  readonly service?: string;
  /** With `service`: what of a change touches those of its ports that are meant. */
  readonly ports?: PortFilter;
  readonly namespace?: string;
  readonly kind?: LedgerRecord["kind"];
  readonly change?: ChangeKind;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
  /**
   * Whether a change of an endpoint, by the record at `offset`, is wanted; other changes are not where this is given and `mentions` is
   * not.
   */
  readonly endpoint?: (change: EndpointChange, offset: number) => boolean;
  /** A text that every wanted change contains as it is written in the journal: a part without it is skipped unparsed. */
  readonly needle?: string;
  /** Whether one text of a change allows that the change is wanted: a part in which no text does is skipped. */
  readonly anyText?: (text: string) => boolean;
  /** Whether a text about an object mentions what is wanted. */
  readonly mentions?: (text: string) => boolean;
}

/** A change, without the parts of its entry that are not wanted. */
export interface LoggedChange {
  /** The change. */
  readonly entry: JournalEntry;
  /** The commit that brought it to the kernel; undefined where there is none yet, or the record changes no rule. */
  readonly commit: JournalEntry | undefined;
}

/** The changes of `past` from offset `from` to `through` that `filter` wants, newest first. */
export function* changesAbout(
  past: Past,
  through: number,
  filter: ChangeFilter,
  from = 0,
): Generator<LoggedChange> {
  const { service, needle, change, since, until } = filter;
  const part: JournalPart = {
    ...{ service, since, until, needle, details: true, mentions: filter.anyText },
    change: change === "object" ? undefined : change,
  };
  let commit: JournalEntry | undefined;
  /** The commits that brought what steps made, by the event that waited for the step. */
  const stepped = new Map<number, JournalEntry | undefined>();
  for (const entry of journalBackward(past, through, part, from)) {
    if (entry.commit?.accepted) commit = entry;
    if (entry.waited !== undefined) stepped.set(entry.waited.offset, broughtBy(commit, entry));
    const wanted = entry.waited === undefined ? wantedPart(entry, filter) : undefined;
    if (wanted === undefined) continue;
    yield {
      entry: wanted,
      commit: entry.waits ? stepped.get(entry.offset) : entry.effect ? broughtBy(commit, entry) : undefined,
    };
  }
}

/**
 * The commits of `past` from offset `from` to `through` that brought what `filter` wants, and those about it that the kernel rejected,
 * newest first. Times are compared with those of the commits.
 */
export function* commitsBringing(
  past: Past,
  through: number,
  { since = -Infinity, until = Infinity, ...filter }: ChangeFilter,
  from = 0,
): Generator<LoggedChange> {
  const seen = new Set<number>();
  for (const { entry, commit } of changesAbout(past, through, filter, firstFolded(past, through, from))) {
    const one = entry.kind === "commit" ? entry : commit;
    if (one === undefined || one.offset < from || seen.has(one.offset)) continue;
    if (one.time < since) return;
    seen.add(one.offset);
    if (one.time <= until) yield { entry: one, commit: undefined };
  }
}

/** The first record that a commit from offset `from` to `through` folded. */
function firstFolded(past: Past, through: number, from: number): number {
  let first = from;
  if (from === 0) return first;
  for (const { commit } of journalBackward(past, through, { details: false }, from)) {
    if (commit !== undefined) first = Math.min(first, commit.from);
  }
  return first;
}

/** `commit`, where it brought what `entry` changed. */
function broughtBy(commit: JournalEntry | undefined, { offset }: JournalEntry): JournalEntry | undefined {
  const bounds = commit?.commit;
  return bounds !== undefined && bounds.from <= offset && offset <= bounds.through ? commit : undefined;
}

/** The filter for what concerns `subject`. Pods are those after offset `at`: to know them, or zones, takes a fold; nothing else does. */
export function filterOf(subject: Subject, past: Past, at: number): ChangeFilter {
  switch (subject.kind) {
    case "service":
      return {
        service: subject.service,
        ...(subject.port && { ports: touchingPorts(past, subject.port) }),
      };
    case "namespace":
      return { namespace: subject.namespace };
    case "node":
      return {
        endpoint: ({ node }) => node === subject.node,
        mentions: (text) => text === subject.node,
        ...needleOf(subject.node),
      };
    case "zone": {
      const zones = new NodeZones(past, at, stateToRead(past, at));
      return {
        endpoint: (change, offset) =>
          isHintedAt(change, subject.zone) ||
          change.node !== "" && zones.zoneAt(change.node, offset) === subject.zone,
        mentions: (text) => text === subject.zone,
      };
    }
    case "pod": {
      const addresses = addressesOf(subject, stateToRead(past, at));
      return {
        endpoint: ({ pod, address }) => pod === subject.pod || pod === "" && isAmong(addresses, address),
      };
    }
    case "address":
      // Only an IPv4 address has one spelling.
      return {
        ...atAddress((address) => address === subject.address),
        ...(subject.address.includes(":") ? {} : needleOf(subject.address)),
      };
    case "block":
      return inBlock(subject.block);
  }
}

/** `text` as a needle, where JSON writes it as it is. */
export function needleOf(text: string): Pick<ChangeFilter, "needle"> {
  return JSON.stringify(text) === `"${text}"` ? { needle: text } : {};
}

function atAddress(isThere: (address: Address) => boolean) {
  return {
    endpoint: ({ address }: Pick<EndpointChange, "address">) => {
      const parsed = parseAddress(address);
      return parsed !== undefined && isThere(parsed);
    },
    mentions: (text: string) => mentionsIn(text, isThere),
  };
}

function inBlock(block: Cidr): ChangeFilter {
  const filter = atAddress((address) => contains(block, address));
  const octets = block.address.split(".").slice(0, Math.floor(block.length / 8));
  const anyText = (text: string) => filter.endpoint({ address: text }) || filter.mentions(text);
  // Only IPv4 addresses have one spelling, and the whole octets of the block are what they begin with.
  if (block.family === "ip6" || octets.length === 0) return { ...filter, anyText };
  const needle = octets.length < 4 ? `${octets.join(".")}.` : octets.join(".");
  return { ...filter, needle, anyText: (text) => mayHave(text, needle) && anyText(text) };
}

function isAmong(addresses: ReadonlySet<Address>, text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && addresses.has(address);
}

/** The entry with what is wanted of it; undefined where that is nothing. A commit counts where it was rejected, or is asked for. */
function wantedPart(entry: JournalEntry, filter: ChangeFilter): JournalEntry | undefined {
  const { service, namespace, kind, since = -Infinity, until = Infinity } = filter;
  if (entry.time < since || entry.time > until) return undefined;
  if (kind === undefined ? entry.commit?.accepted : entry.kind !== kind) return undefined;
  if (service !== undefined && entry.service !== service) return undefined;
  if (namespace !== undefined && namespaceOfEntry(entry) !== namespace) return undefined;
  // Further entries of a record are about Services that it changed; the first one says what the record is.
  const further = entry.kind !== "commit" && entry.object === "" && entry.text === "";
  if (further && entry.came.length + entry.left.length === 0) return undefined;
  const part = filter.ports === undefined ? entry : filter.ports(entry);
  return part && wantedChanges(part, filter);
}

function namespaceOfEntry({ object, service }: JournalEntry): string | undefined {
  return service === "" ? namespaceOfDescribed(object) : namespaceOf(service);
}

function wantedChanges(
  entry: JournalEntry,
  { endpoint, mentions, change }: ChangeFilter,
): JournalEntry | undefined {
  if (endpoint === undefined && mentions === undefined && change === undefined) return entry;
  const endpoints = entry.endpoints.filter((one) =>
    (endpoint?.(one, entry.offset) ?? true) && (change === undefined || kindOf(one) === change)
  );
  const isMentioned = (text: string) => endpoint === undefined || mentions?.(text) === true;
  const isNamed = isMentioned(nameIn(entry));
  const fields = change !== undefined && change !== "fields"
    ? []
    : entry.fields.filter(({ was, is }) => isNamed || isMentioned(was) || isMentioned(is));
  const isWhole = isOfKind(entry, change) && (isNamed || isMentioned(entry.text));
  return endpoints.length + fields.length === 0 && !isWhole ? undefined : { ...entry, endpoints, fields };
}

/** Whether `entry` may be wanted for its object alone, without a change of an endpoint or field. */
function isOfKind({ verb, object }: JournalEntry, change: ChangeKind | undefined): boolean {
  return change === undefined || (change === "object" && verb !== "changed" && object !== "");
}

/** The name of the object that the entry is about. Where it is what was asked for, every field of the object is wanted. */
function nameIn({ object }: JournalEntry): string {
  return object.slice(object.indexOf(" ") + 1);
}

function kindOf({ was, is }: EndpointChange): ChangeKind {
  return was === "" ? "endpoint-added" : is === "" ? "endpoint-removed" : "readiness";
}
