// The terms of a closed segment: the Services, namespaces, addresses and kinds of record in it. A search skips the segments
// whose terms have no match. The first search makes the terms and keeps them in a file beside the segment. The segment alone
// is the truth: terms that cannot be read, or are not those of the segment, are made again.
//
// The file has the name of its segment, with ".terms.zst" instead of ".ndjson". Its content is two lines of JSON, compressed
// with zstd: the terms with the place of their segment's end, and the SHA-256 of that line. The place is in the header of the next
// segment too, so the terms of another ledger or of another state of it are recognised. Up to 0.6.0 there was neither place nor
// hash (version 1): such terms are made again.

import { hash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { codeOf, messageOf } from "../thrown.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { serviceOfComment, servicesOfEvent } from "../kube/named_services.ts";
import { namespaceOf } from "../kube/service_name.ts";
import { COUNT, fields, listOf, misfitText, nullable, NUMBER, oneOf, TEXT } from "../kube/shape.ts";
import { parsedJson } from "../json_parts.ts";
import { JSON_LIST_PARTS_MAX, TERMS_BYTES_MAX } from "../limits/ledger.ts";
import { readDecompressed } from "./compression.ts";
import { termsName } from "./format.ts";
import { ifThere } from "./gone.ts";
import { closedRecords, segmentHeader } from "./reader.ts";
import type { LedgerRecord } from "./record.ts";
import type { SegmentHeader } from "./record_shape.ts";
import type { Storage } from "./storage.ts";

const TERMS_VERSION = 2;

/** What a segment contains. */
export interface SegmentTerms {
  /** `Service shop/web`, `namespace shop`, `address 10.96.0.1`, `kind drift`. */
  readonly terms: ReadonlySet<string>;
  /** Earliest time of a record, in milliseconds since 1970. */
  readonly begins: number;
  /** Latest time of a record, in milliseconds since 1970. */
  readonly ends: number;
}

interface TermsFile {
  readonly version: number;
  /** Id of the ledger. */
  readonly ledger: string;
  /** Offset of the first record of the next segment. */
  readonly next: number;
  /** Hash chain before that record. */
  readonly chain: string;
  /** Null where the segment has no records. */
  readonly begins: number | null;
  readonly ends: number | null;
  readonly terms: readonly string[];
}

/** What a search looks for. A record matches when every field that is given matches. */
export interface Search {
  /** `namespace/name` of a Service. */
  readonly service?: string;
  /** Name of a namespace. */
  readonly namespace?: string;
  /** Canonical text of the IP address of an endpoint or a Service. */
  readonly address?: string;
  /** Kind of record. */
  readonly kind?: LedgerRecord["kind"];
  /** Earliest time of a record in milliseconds since 1970. */
  readonly since?: number;
  /** Latest time of a record in milliseconds since 1970. */
  readonly until?: number;
}

/**
 * The terms of the closed segment `name`, which `after` follows. Makes and keeps them where no file has them. Throws LedgerDamage
 * where the segment is not whole: what it contained is not known then.
 */
export function segmentTerms(storage: Storage, name: string, after: string): SegmentTerms {
  const file = termsName(name);
  const end = segmentHeader(storage, after);
  const known = storage.names().includes(file) ? readTerms(storage, file) : undefined;
  if (typeof known === "object" && end !== undefined && isAt(known, end)) return termsIn(known);
  const made = makeTerms(storage, name, after);
  if (end !== undefined) keepTerms(storage, file, made, end);
  return made;
}

/** What is wrong with the kept terms of the closed segment `name`; undefined where nothing is, or where none are kept. */
export function termsFault(storage: Storage, name: string, after: string): string | undefined {
  const file = termsName(name);
  if (!storage.names().includes(file)) return undefined;
  const known = readTerms(storage, file);
  const end = segmentHeader(storage, after);
  if (known === undefined || end === undefined) return undefined;
  if (typeof known === "string") return known;
  if (known.version === TERMS_VERSION && !isAt(known, end)) return "they are not those of its segment";
  const [kept, made] = [termsIn(known), makeTerms(storage, name, after)];
  const same = kept.begins === made.begins && kept.ends === made.ends &&
    kept.terms.size === made.terms.size && [...made.terms].every((term) => kept.terms.has(term));
  return same ? undefined : "they are not those of its records";
}

function isAt({ version, ledger, next, chain }: TermsFile, end: SegmentHeader): boolean {
  return version === TERMS_VERSION && ledger === end.ledger && next === end.first && chain === end.chain;
}

function termsIn({ begins, ends, terms }: TermsFile): SegmentTerms {
  return { terms: new Set(terms), begins: begins ?? Infinity, ends: ends ?? -Infinity };
}

function keepTerms(storage: Storage, file: string, made: SegmentTerms, end: SegmentHeader): void {
  const { ledger, first: next, chain } = end;
  const begins = Number.isFinite(made.begins) ? made.begins : null;
  const ends = Number.isFinite(made.ends) ? made.ends : null;
  const content: TermsFile = {
    ...{ version: TERMS_VERSION, ledger, next, chain, begins, ends },
    terms: [...made.terms].sort(),
  };
  const line = JSON.stringify(content);
  const text = `${line}\n${JSON.stringify({ sha256: hash("sha256", line, "hex") })}\n`;
  try {
    if (storage.names().includes(file)) storage.remove(file);
    storage.write(file, zstdCompressSync(new TextEncoder().encode(text)));
  } catch (error) {
    // This user may not write to the folder, or another search made the same file. The terms can be used without it.
    if (codeOf(error) === undefined && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The content of a file of terms; the reason why it has none, or undefined where the file is not there any more. */
function readTerms(storage: Storage, file: string): TermsFile | string | undefined {
  const bytes = ifThere(() => readDecompressed(storage, file, TERMS_BYTES_MAX));
  if (bytes === undefined) return undefined;
  if (typeof bytes === "string") return `not whole: ${bytes}`;
  try {
    const [line, sealed] = new TextDecoder().decode(bytes).split("\n");
    const known: TermsFile = parsedJson(line!, JSON_LIST_PARTS_MAX);
    const misfit = TERMS(known);
    if (misfit !== undefined) return `no terms: ${misfitText(misfit)}`;
    if (known.version === 1) return known;
    const { sha256 } = fieldsOf(parsedJson(sealed ?? ""));
    return sha256 === hash("sha256", line!, "hex") ? known : "damaged (SHA-256)";
  } catch (error) {
    return `not whole: ${messageOf(error)}`;
  }
}

const TERMS = fields({
  version: oneOf(1, TERMS_VERSION),
  begins: nullable(NUMBER),
  ends: nullable(NUMBER),
  terms: listOf(TEXT),
}, { ledger: TEXT, next: COUNT, chain: TEXT });

/** Matches addresses in canonical text. It also matches times of day, which {@link TIME_OF_DAY} leaves out. */
const ADDRESS =
  /(?<![0-9a-fA-F.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)(?![0-9a-fA-F:])/g;
const TIME_OF_DAY = /^\d\d:\d\d:\d\d/;

function makeTerms(storage: Storage, name: string, after: string): SegmentTerms {
  const terms = new Set<string>();
  let [begins, ends] = [Infinity, -Infinity];
  for (const { record } of closedRecords(storage, name, after)) {
    const time = Date.parse(record.time);
    begins = Math.min(begins, time);
    ends = Math.max(ends, time);
    for (const term of termsOf(record)) terms.add(term);
    for (const [address] of JSON.stringify(record).matchAll(ADDRESS)) {
      if (!TIME_OF_DAY.test(address)) terms.add(TERM.address(address));
    }
  }
  return { terms, begins, ends };
}

/** The terms that a segment must have to contain a match for `search`. */
export function searchTerms({ service, namespace, address, kind }: Search): string[] {
  return [
    ...(service === undefined ? [] : [TERM.service(service)]),
    ...(namespace === undefined ? [] : [TERM.namespace(namespace)]),
    ...(address === undefined ? [] : [TERM.address(address)]),
    ...(kind === undefined ? [] : [TERM.kind(kind)]),
  ];
}

/** Each kind of term as text; the prefix keeps a Service `web` apart from a namespace `web`. */
const TERM = {
  service: (name: string) => `Service ${name}`,
  namespace: (name: string) => `namespace ${name}`,
  address: (address: string) => `address ${address}`,
  kind: (kind: LedgerRecord["kind"]) => `kind ${kind}`,
} as const;

function* termsOf(record: LedgerRecord): Generator<string> {
  yield TERM.kind(record.kind);
  if (record.kind === "event") {
    if (record.key.namespace !== "") yield TERM.namespace(record.key.namespace);
    for (const service of servicesOfEvent(record)) yield TERM.service(service);
  }
  if (record.kind !== "commit") return;
  if (record.setAside !== undefined) yield TERM.service(record.setAside);
  for (const { comment } of record.changes) {
    if (comment === undefined) continue;
    const service = serviceOfComment(comment);
    yield TERM.service(service);
    yield TERM.namespace(namespaceOf(service));
  }
}
