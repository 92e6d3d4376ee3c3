// The bytes of a ledger, version 1.
//
// A ledger is a folder of segments. A segment is a text file. Its name is the offset of its first record in 20 decimal
// digits, and ".ndjson". A closed segment may be compressed with zstd; then its name ends in ".ndjson.zst". Each line is one
// JSON object in UTF-8 and ends with "\n". The keys of every object are in code unit order, there is no white space between
// tokens, and numbers are finite.
//
//   header, the first line:  {"chain":C,"first":N,"format":"ledgerproxy","ledger":L,"version":1,"crc":"X"}
//   record, every other:     {"...":...,"kind":K,"offset":N,...,"chain":"C","crc":"X"}
//
// offset  counts records from 0, without gaps, across all segments.
// chain   of a record: SHA-256 of the chain before it (64 hex digits) followed by the record's canonical JSON without
//         "chain" and "crc"; of a header: the chain of the last record before the segment, or, in a new ledger,
//         SHA-256 of the text "ledgerproxy 1 " and the ledger's id. In lower-case hex.
// crc     CRC-32 (IEEE 802.3) of all bytes of the line before `,"crc"`, 8 hex digits. Always the last key.
// ledger  16 hex digits, drawn when the ledger is made.
//
// A reader rejects versions and kinds that it does not know. So a change of meaning must be a new version.

import { isJsonObject } from "../kube/json_value.ts";
import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { assert } from "../invariant.ts";
import { RECORD_BYTES_MAX } from "../limits/ledger.ts";
import { hashInto } from "../sha256.ts";
import { type LedgerRecord, namedOffset, type Offset } from "./record.ts";
import type { SegmentHeader } from "./record_shape.ts";

export const FORMAT_VERSION = 1;

const CRC_KEY = ',"crc":"';
const CRC_TAIL_BYTES = CRC_KEY.length + 8 + 2;
const CHAIN_KEY = ',"chain":"';
const CHAIN_TAIL_BYTES = CHAIN_KEY.length + 64 + 1;

/** A record as a line, and the hash chain after it. */
export interface EncodedRecord {
  /** The line with its "\n". */
  readonly line: string;
  readonly chain: string;
}

/** The hash chain before the first record of the ledger `id`. */
export function genesisChain(id: string): string {
  return hash("sha256", `ledgerproxy ${FORMAT_VERSION} ${id}`, "hex");
}

/** File name of the segment whose first record has offset `first`. */
export function segmentName(first: number): string {
  return `${String(first).padStart(20, "0")}.ndjson`;
}

/** The name of a closed segment that is compressed with zstd (RFC 8878) ends in this. */
export const COMPRESSED = ".zst";

/** The offset of a segment's first record, from its file name; undefined for files that are no segments. */
export function segmentFirst(name: string): Offset | undefined {
  return namedOffset(/^(\d{20})\.ndjson(?:\.zst)?$/.exec(name)?.[1]);
}

/**
 * Names of the segments in `storage`, oldest first. Between compression and removal both files of a segment are there: then
 * the uncompressed one counts, because the other may be incomplete.
 */
export function segmentNames(storage: { names(): string[] }): string[] {
  return segmentsAmong(storage.names());
}

/** As {@link segmentNames}, of the files `names`. */
export function segmentsAmong(names: readonly string[]): string[] {
  return names.filter((name) =>
    segmentFirst(name) !== undefined &&
    !(name.endsWith(COMPRESSED) && names.includes(name.slice(0, -COMPRESSED.length)))
  );
}

/** File name of a segment's terms. */
export function termsName(segment: string): string {
  return `${String(segmentFirst(segment)).padStart(20, "0")}.terms.zst`;
}

/** The header line of a segment, with its "\n". */
export function encodeHeader({ ledger, first, chain }: SegmentHeader): string {
  return sealed(canonicalJson({ chain, first, format: "ledgerproxy", ledger, version: FORMAT_VERSION }));
}

/**
 * The line of `record` at `offset`; the chain before it is `previousChain`. `alone`: no other record is encoded at about the same
 * time. Throws InvariantError when it is too long.
 */
export function encodeRecord(
  offset: number,
  record: LedgerRecord,
  previousChain: string,
  alone = false,
): EncodedRecord {
  const body = canonicalJson(numbered(record, offset));
  const chain = alone ? loneChain(previousChain + body) : nextChain(previousChain, body);
  const line = sealed(`${body.slice(0, -1)}${CHAIN_KEY}${chain}"}`);
  assert(
    line.length <= RECORD_BYTES_MAX,
    () => `record of ${line.length} bytes, at most ${RECORD_BYTES_MAX}`,
  );
  return { line, chain };
}

/**
 * `record` with its offset. Most records are events: their fields are written here in the order of canonical JSON, which
 * saves sorting them. Those of a commit are made in that order, so the offset comes in its place among them.
 */
function numbered(record: LedgerRecord, offset: number): unknown {
  if (record.kind === "event") {
    const { key, kind, resourceVersion, time, value } = record;
    return { key, kind, offset, resourceVersion, time, value };
  }
  if (record.kind !== "commit") return { ...record, offset };
  const { operations, outcome, through, time, ...before } = record;
  return { ...before, offset, operations, outcome, through, time };
}

/** JSON with keys in code unit order and without white space, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (isCanonical(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  assert(isJsonObject(value), () => `${typeof value} ${value} has no canonical JSON`);
  // Without a function to compare, sort() takes the order of code units.
  const fields = Object.keys(value).sort().map((key) =>
    `${JSON.stringify(key)}:${canonicalJson(value[key])}`
  );
  return `{${fields.join(",")}}`;
}

/** Whether JSON.stringify writes `value` in canonical form, because the keys of each object are in order already. */
function isCanonical(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isCanonical);
  if (!isJsonObject(value)) return false;
  let before = "";
  for (const key in value) {
    if (key < before || !isCanonical(value[key])) return false;
    before = key;
  }
  return true;
}

/** Whether the chain in `text` is that of a record whose predecessor has `previousChain`. */
export function continuesChain(text: string, previousChain: string): boolean {
  const body = `${text.slice(0, -CHAIN_TAIL_BYTES - 1)}}`;
  return text.slice(-CHAIN_TAIL_BYTES - 1) === `${CHAIN_KEY}${nextChain(previousChain, body)}"}`;
}

function nextChain(previous: string, body: string): string {
  return hash("sha256", previous + body, "hex");
}

const hashed = new Uint8Array(32);

/** The same of a text that is hashed alone: see sha256.ts. */
function loneChain(text: string): string {
  hashInto([text], hashed);
  return hashed.toHex();
}

/** Ends the line of a JSON object with the CRC of all bytes before it. */
function sealed(object: string): string {
  const covered = object.slice(0, -1);
  return `${covered}${CRC_KEY}${crcText(covered)}"}\n`;
}

/**
 * The JSON object in `line` without its CRC; undefined where the CRC is wrong. `cut` may name a part of the line that is left out of
 * the text.
 */
export function unsealed(
  line: Uint8Array,
  cut?: (line: Buffer) => { readonly from: number; readonly to: number } | undefined,
): string | undefined {
  const end = line.length - CRC_TAIL_BYTES;
  if (end < 0) return undefined;
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const tail = bytes.toString("latin1", end);
  if (tail !== `${CRC_KEY}${crcText(bytes.subarray(0, end))}"}`) return undefined;
  const part = cut?.(bytes);
  if (part === undefined) return `${bytes.toString("utf8", 0, end)}}`;
  return `${bytes.toString("utf8", 0, part.from)}${bytes.toString("utf8", part.to, end)}}`;
}

/** CRC-32 of bytes, or of a text in UTF-8. */
function crcText(covered: Uint8Array | string): string {
  return crc32(covered).toString(16).padStart(8, "0");
}
