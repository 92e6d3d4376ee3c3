// The terms of a closed segment: the Services, namespaces, addresses and kinds of record in it. A search skips the segments
// whose terms have no match. The first search makes the terms and keeps them in a file beside the segment. The segment alone
// is the truth: terms that cannot be read are made again.
//
// The file has the name of its segment, with ".terms.zst" instead of ".ndjson". Its content is one JSON object, compressed
// with zstd.

import { zstdCompressSync } from "node:zlib";
import { codeOf } from "../thrown.ts";
import { namespaceOfService, serviceOfComment, servicesOfEvent } from "../kube/named_services.ts";
import { TERMS_BYTES_MAX } from "../limits.ts";
import { readDecompressed } from "./compression.ts";
import { segmentFirst } from "./format.ts";
import { readSegmentRecords } from "./reader.ts";
import type { LedgerRecord } from "./record.ts";
import { segmentBytes } from "./segment_lines.ts";
import type { Storage } from "./storage.ts";

const TERMS_VERSION = 1;

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
  readonly begins: number;
  readonly ends: number;
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

/** File name of a segment's terms. */
export function termsName(segment: string): string {
  return `${String(segmentFirst(segment)).padStart(20, "0")}.terms.zst`;
}

/** The terms of the closed segment `name`. Makes and keeps them where there is no file with them. */
export function segmentTerms(storage: Storage, name: string): SegmentTerms {
  const file = termsName(name);
  const known = storage.names().includes(file) ? readTerms(storage, file) : undefined;
  if (known !== undefined) return known;
  const made = makeTerms(storage, name);
  try {
    if (storage.names().includes(file)) storage.remove(file);
    const { begins, ends, terms } = made;
    const content: TermsFile = { version: TERMS_VERSION, begins, ends, terms: [...terms].sort() };
    storage.write(file, zstdCompressSync(new TextEncoder().encode(JSON.stringify(content))));
  } catch (error) {
    // This user may not write to the folder, or another search made the same file. The terms can be used without it.
    if (codeOf(error) === undefined) throw error;
  }
  return made;
}

function readTerms(storage: Storage, file: string): SegmentTerms | undefined {
  try {
    const bytes = readDecompressed(storage, file, TERMS_BYTES_MAX);
    if (typeof bytes === "string") return undefined;
    const text = new TextDecoder().decode(bytes);
    const { version, begins, ends, terms }: TermsFile = JSON.parse(text);
    return version === TERMS_VERSION ? { begins, ends, terms: new Set(terms) } : undefined;
  } catch {
    return undefined;
  }
}

/** Matches addresses in canonical text. It also matches times of day, which {@link TIME_OF_DAY} leaves out. */
const ADDRESS =
  /(?<![0-9a-fA-F.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*)(?![0-9a-fA-F:])/g;
const TIME_OF_DAY = /^\d\d:\d\d:\d\d/;

function makeTerms(storage: Storage, name: string): SegmentTerms {
  const terms = new Set<string>();
  let [begins, ends] = [Infinity, -Infinity];
  for (const record of readSegmentRecords(storage, name)) {
    const time = Date.parse(record.time);
    begins = Math.min(begins, time);
    ends = Math.max(ends, time);
    for (const term of termsOf(record)) terms.add(term);
  }
  for (const [address] of new TextDecoder().decode(segmentBytes(storage, name)).matchAll(ADDRESS)) {
    if (!TIME_OF_DAY.test(address)) terms.add(TERM.address(address));
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
    yield TERM.namespace(namespaceOfService(service));
  }
}
