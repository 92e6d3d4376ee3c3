// The entries of a segment as text, and back. The first line has the version and every text that occurs, once. The second has the
// entries as one list of numbers, in which a text is its place in the first line. The third has the changes of objects, which only some
// questions read. Why a flat list? A question about a week reads a million of them, and most of its time would go into small lists.

import { parsedJson } from "../json_parts.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import { JSON_LIST_PARTS_MAX } from "../limits/ledger.ts";
import type { JournalCommit, JournalEntry } from "./journal.ts";
import type { EndpointChange, FieldChange } from "./object_diff.ts";
import type { ServiceCondition } from "./service_condition.ts";

/** Changes whenever entries are made or written differently: a journal of another version is made again. */
const JOURNAL_VERSION = 4;

const KINDS = ["event", "config", "commit", "drift", "gap"] as const satisfies LedgerRecord["kind"][];
const VERBS = ["appeared", "changed", "gone"] as const satisfies JournalEntry["verb"][];
/** Which parts of an entry follow its first numbers. */
const HAS = {
  effect: 1,
  trigger: 2,
  condition: 4,
  traffic: 8,
  commit: 16,
  text: 32,
  waits: 64,
  waited: 128,
} as const;

interface Head {
  readonly version: number;
  readonly texts: readonly string[];
}

/** The changes of one object: place of the entry, endpoints in groups of five texts, fields in groups of three. */
type Details = readonly [place: number, endpoints: readonly number[], fields: readonly number[]];

/** What of a journal to read. */
export interface JournalPart {
  /** Only the entries of this Service, and those of commits. */
  readonly service?: string | undefined;
  /** Whether the changes of objects are needed: without them a journal is read twice as fast. */
  readonly details: boolean;
  /** Only entries of which a text has this in it, and those of commits. A segment without it is read without its details. */
  readonly needle?: string | undefined;
  /** Only entries of records written then, in milliseconds since 1970, and those of commits and steps. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Only entries with such a change of their object, and those of commits and steps. */
  readonly change?: DetailKind | undefined;
  /** Only entries of which it holds for a text, and those of commits and steps. It is called once for each text. */
  readonly mentions?: ((text: string) => boolean) | undefined;
}

/** Kinds of change that the details of an entry have. `readiness`: an endpoint that stays changed its condition. */
export const DETAIL_KINDS = ["endpoint-added", "endpoint-removed", "readiness", "fields"] as const;
/** See {@link DETAIL_KINDS}. */
export type DetailKind = (typeof DETAIL_KINDS)[number];

/** Writes `entries`. */
export function journalText(entries: readonly JournalEntry[]): string {
  const places = new Map<string, number>();
  const place = (text: string) => {
    const known = places.get(text);
    if (known !== undefined) return known;
    places.set(text, places.size);
    return places.size - 1;
  };
  const numbers: number[] = [];
  const details: Details[] = [];
  let [offset, time] = [0, 0];
  entries.forEach((entry, i) => {
    putEntry(entry, [entry.offset - offset, entry.time - time], place, numbers);
    [offset, time] = [entry.offset, entry.time];
    const { endpoints, fields } = entry;
    if (endpoints.length + fields.length === 0) return;
    details.push([
      i,
      endpoints.flatMap(({ address, was, is, node, pod }) => [address, was, is, node, pod].map(place)),
      fields.flatMap(({ path, was, is }) => [path, was, is].map(place)),
    ]);
  });
  const head: Head = { version: JOURNAL_VERSION, texts: [...places.keys()] };
  return [head, numbers, details].map((part) => JSON.stringify(part)).join("\n");
}

/** Adds one entry to `numbers`. `steps`: how far its offset and its time are from those of the entry before. */
function putEntry(
  entry: JournalEntry,
  steps: readonly [offset: number, time: number],
  place: (text: string) => number,
  numbers: number[],
): void {
  const { kind, verb, object, service, effect, trigger, condition, came, left, commit, text } = entry;
  const traffic = came.length + left.length > 0;
  const parts = (effect ? HAS.effect : 0) | (trigger === 0 ? 0 : HAS.trigger) |
    (condition === undefined ? 0 : HAS.condition) | (traffic ? HAS.traffic : 0) |
    (commit === undefined ? 0 : HAS.commit) | (text === "" ? 0 : HAS.text) |
    (entry.waits ? HAS.waits : 0) | (entry.waited === undefined ? 0 : HAS.waited);
  const list = (texts: readonly string[]) => [texts.length, ...texts.map(place)];
  numbers.push(...steps, KINDS.indexOf(kind), VERBS.indexOf(verb), place(object), place(service), parts);
  if (trigger !== 0) numbers.push(trigger - entry.time);
  if (condition !== undefined) numbers.push(condition.serving, ...list(condition.lacking));
  if (traffic) numbers.push(...list(came), ...list(left));
  if (commit !== undefined) {
    const { from, through, microseconds, operations, accepted } = commit;
    numbers.push(from, through, microseconds, operations, Number(accepted));
  }
  if (text !== "") numbers.push(place(text));
  if (entry.waited !== undefined) {
    numbers.push(entry.offset - entry.waited.offset, entry.time - entry.waited.time);
  }
}

/** The entries in `text`; undefined where another version wrote it, or it is not whole. */
export function readJournalText(
  text: string,
  part: JournalPart = { details: true },
): JournalEntry[] | undefined {
  try {
    const [head = "", numbers = "", rest = ""] = text.split("\n");
    const { version, texts }: Head = parsedJson(head, JSON_LIST_PARTS_MAX);
    if (version !== JOURNAL_VERSION) return undefined;
    const places: readonly number[] = parsedJson(numbers, JSON_LIST_PARTS_MAX);
    const { service, needle } = part;
    if (needle !== undefined && !mayHave(head, needle)) {
      return entriesIn(places, texts, () => NO_DETAILS, NO_SERVICE, part);
    }
    const wanted = service === undefined ? undefined : texts.indexOf(service);
    const details = detailsIn(part.details ? rest : "[]");
    // A text that was cut is found by reading all of it; a range of times mostly needs none of the details.
    if (part.since === undefined && part.until === undefined) details();
    return entriesIn(places, texts, details, wanted, part, sieveOf(part, texts));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The details of entries by their place. They are parsed once the first is asked for. */
function detailsIn(text: string): () => ReadonlyMap<number, Details> {
  let found: ReadonlyMap<number, Details> | undefined;
  return () => {
    if (found !== undefined) return found;
    const parsed: readonly Details[] = parsedJson(text, JSON_LIST_PARTS_MAX);
    return found = new Map(parsed.map((one) => [one[0], one]));
  };
}

const NOTHING: readonly never[] = [];
const NO_DETAILS: ReadonlyMap<number, Details> = new Map();
/** Whether `text` has `needle` in it, or an IPv4 address in another spelling, which may be the same: with leading zeros, or mapped. */
export function mayHave(text: string, needle: string): boolean {
  return text.includes(needle) || /\.0\d|::ffff:/i.test(text);
}

/** Whether an entry may be wanted, by the places of its texts. */
type Sieve = (object: number, text: number | undefined, details: Details | undefined) => boolean;

/** The sieve of `part`; undefined where it wants every entry. An entry costs most where its details become small objects. */
function sieveOf(
  { change, mentions }: JournalPart,
  texts: readonly string[],
): Sieve | undefined {
  const empty = texts.indexOf("");
  const known: (boolean | undefined)[] = [];
  const holds = (place: number) => known[place] ??= mentions!(texts[place]!);
  if (change === undefined && mentions === undefined) return undefined;
  return (object, text, details) => {
    if (change !== undefined && (details === undefined || !hasChange(details, change, empty))) return false;
    return mentions === undefined || holds(object) || text !== undefined && holds(text) ||
      details !== undefined && (details[1].some(holds) || details[2].some(holds));
  };
}

/** Whether `details` have a change of `kind`, where `empty` is the place of the text "". */
function hasChange([, endpoints, fields]: Details, kind: DetailKind, empty: number): boolean {
  if (kind === "fields") return fields.length > 0;
  for (let i = 0; i < endpoints.length; i += ENDPOINT_TEXTS) {
    const [was, is] = [endpoints[i + 1] !== empty, endpoints[i + 2] !== empty];
    if (kind === (was ? is ? "readiness" : "endpoint-removed" : "endpoint-added")) return true;
  }
  return false;
}

/** How many texts the change of an endpoint has, and that of a field. */
const ENDPOINT_TEXTS = 5;
const FIELD_TEXTS = 3;

/** The place of no text: of the entries only commits are wanted. */
const NO_SERVICE = -1;

/** Reads numbers one after another. */
interface Cursor {
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  at: number;
}

function number(cursor: Cursor): number {
  return cursor.numbers[cursor.at++]!;
}

function list(cursor: Cursor): readonly string[] {
  const length = number(cursor);
  if (length === 0) return NOTHING;
  const found = cursor.numbers.slice(cursor.at, cursor.at + length).map((place) => cursor.texts[place]!);
  cursor.at += length;
  return found;
}

function entriesIn(
  numbers: readonly number[],
  texts: readonly string[],
  changed: () => ReadonlyMap<number, Details>,
  wanted: number | undefined,
  { since = -Infinity, until = Infinity }: JournalPart,
  sieve?: Sieve,
): JournalEntry[] {
  const cursor: Cursor = { numbers, texts, at: 0 };
  const entries: JournalEntry[] = [];
  let [offset, time] = [0, 0];
  for (let i = 0; cursor.at < numbers.length; i++) {
    offset += number(cursor);
    time += number(cursor);
    const kind = KINDS[number(cursor)]!;
    const verb = VERBS[number(cursor)]!;
    const object = number(cursor);
    const service = number(cursor);
    const parts = number(cursor);
    const trigger = parts & HAS.trigger ? time + number(cursor) : 0;
    const condition = parts & HAS.condition ? conditionAt(cursor) : undefined;
    const came = parts & HAS.traffic ? list(cursor) : NOTHING;
    const left = parts & HAS.traffic ? list(cursor) : NOTHING;
    const commit = parts & HAS.commit ? commitAt(cursor) : undefined;
    const text = parts & HAS.text ? number(cursor) : undefined;
    const waited = parts & HAS.waited
      ? { offset: offset - number(cursor), time: time - number(cursor) }
      : undefined;
    if (wanted !== undefined && service !== wanted && commit === undefined) continue;
    const isOutside = time < since || time > until;
    if (isOutside && commit === undefined && waited === undefined) continue;
    const details = isOutside ? undefined : changed().get(i);
    if (commit === undefined && waited === undefined && sieve?.(object, text, details) === false) continue;
    // In the order of JournalEntry, and without a spread: a question about a week makes a million of them.
    entries.push({
      offset,
      time,
      kind,
      object: texts[object]!,
      verb,
      trigger,
      condition,
      came,
      left,
      commit,
      text: text === undefined ? "" : texts[text]!,
      service: texts[service]!,
      effect: (parts & HAS.effect) !== 0,
      waits: (parts & HAS.waits) !== 0,
      waited,
      endpoints: details === undefined ? NOTHING : endpointsIn(details[1], texts),
      fields: details === undefined ? NOTHING : fieldsIn(details[2], texts),
    });
  }
  return entries;
}

function conditionAt(cursor: Cursor): ServiceCondition {
  const serving = number(cursor);
  return { serving, lacking: list(cursor) };
}

function commitAt(cursor: Cursor): JournalCommit {
  const from = number(cursor);
  const through = number(cursor);
  const microseconds = number(cursor);
  const operations = number(cursor);
  return { from, through, microseconds, operations, accepted: number(cursor) === 1 };
}

function endpointsIn(places: readonly number[], texts: readonly string[]): EndpointChange[] {
  return groups(places, ENDPOINT_TEXTS, texts).map(([address, was, is, node, pod]) => {
    return { address: address!, was: was!, is: is!, node: node!, pod: pod! };
  });
}

function fieldsIn(places: readonly number[], texts: readonly string[]): FieldChange[] {
  return groups(places, FIELD_TEXTS, texts).map(([path, was, is]) => ({ path: path!, was: was!, is: is! }));
}

/** The texts at `places` in groups of `length`. */
function groups(places: readonly number[], length: number, texts: readonly string[]): string[][] {
  return Array.from(
    { length: places.length / length },
    (_, i) => places.slice(i * length, (i + 1) * length).map((place) => texts[place]!),
  );
}
