// The bytes of a ledger, version 1.
//
// A ledger is a folder of segments. A segment is a text file named after the offset of its first record, 20 decimal
// digits and ".ndjson"; a closed one may be compressed with zstd, then ".zst" follows. Every line is one JSON object in UTF-8 that ends with "\n"; its keys are in code unit order at
// every level, there is no white space between tokens, and numbers are finite.
//
//   header, the first line:  {"chain":C,"first":N,"format":"ledgerproxy","ledger":L,"version":1,"crc":"X"}
//   record, every other:     {"...":...,"kind":K,"offset":N,...,"chain":"C","crc":"X"}
//
// offset  counts records from 0 without gaps, over all segments.
// chain   of a record: SHA-256 of the chain before it (64 hex digits) followed by the record's canonical JSON without
//         "chain" and "crc"; of a header: the chain of the last record before the segment, or, in a new ledger,
//         SHA-256 of the text "ledgerproxy 1 " and the ledger's id. In lower-case hex.
// crc     CRC-32 (IEEE 802.3) of all bytes of the line before `,"crc"`, 8 hex digits. Always the last key.
// ledger  16 hex digits, drawn when the ledger is made.
//
// A reader refuses versions and kinds it does not know: a change of meaning is a new version.

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { assert } from "../invariant.ts";
import { RECORD_BYTES_MAX } from "../limits.ts";
import type { LedgerRecord } from "./record.ts";
import { headerMisfit, recordMisfit } from "./record_shape.ts";

export const FORMAT_VERSION = 1;

const KINDS: ReadonlySet<string> = new Set(["event", "config", "commit", "drift", "gap"]);
/** What is wrong with a line that is not what was written: a crash may have cut it. */
export const NOT_WHOLE = "damaged (CRC)";

const CRC_KEY = ',"crc":"';
const CRC_TAIL_BYTES = CRC_KEY.length + 8 + 2;
const CHAIN_KEY = ',"chain":"';
const CHAIN_TAIL_BYTES = CHAIN_KEY.length + 64 + 1;

/** What the first line of a segment says. */
export interface SegmentHeader {
  readonly ledger: string;
  /** Offset of the segment's first record. */
  readonly first: number;
  /** Chain before that record. */
  readonly chain: string;
}

/** One encoded record and the chain after it. */
export interface EncodedRecord {
  /** The line with its "\n". */
  readonly line: string;
  readonly chain: string;
}

/** One decoded record. */
export interface DecodedRecord {
  readonly offset: number;
  readonly record: LedgerRecord;
  readonly chain: string;
}

/** The chain before the first record of the ledger `id`. */
export function genesisChain(id: string): string {
  return hash("sha256", `ledgerproxy ${FORMAT_VERSION} ${id}`, "hex");
}

/** File name of the segment whose first record has offset `first`. */
export function segmentName(first: number): string {
  return `${String(first).padStart(20, "0")}.ndjson`;
}

/** What is behind the name of a segment that is closed and compressed with zstd (RFC 8878). */
export const COMPRESSED = ".zst";

/** The offset in a segment's file name, compressed or not; undefined for other files. */
export function segmentFirst(name: string): number | undefined {
  const match = /^(\d{20})\.ndjson(?:\.zst)?$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The header line of a segment, with its "\n". */
export function encodeHeader({ ledger, first, chain }: SegmentHeader): string {
  return sealed(canonicalJson({ chain, first, format: "ledgerproxy", ledger, version: FORMAT_VERSION }));
}

/** The line of `record` at `offset` behind `previousChain`. Throws (programmer error) when it is too long. */
export function encodeRecord(offset: number, record: LedgerRecord, previousChain: string): EncodedRecord {
  const body = canonicalJson(numbered(record, offset));
  const chain = nextChain(previousChain, body);
  const line = sealed(`${body.slice(0, -1)}${CHAIN_KEY}${chain}"}`);
  assert(line.length <= RECORD_BYTES_MAX, `record of ${line.length} bytes, at most ${RECORD_BYTES_MAX}`);
  return { line, chain };
}

/** `record` with its offset; the fields of an event, of which there are most, as canonical JSON has them: unsorted. */
function numbered(record: LedgerRecord, offset: number): unknown {
  if (record.kind !== "event") return { ...record, offset };
  const { key, kind, resourceVersion, time, value } = record;
  return { key, kind, offset, resourceVersion, time, value };
}

/** The header in `line` (without "\n"), or what is wrong with it. */
export function decodeHeader(line: Uint8Array): SegmentHeader | string {
  const text = unsealed(line);
  if (text === undefined) return "the segment header is damaged (CRC)";
  const header = parsed(text) as SegmentHeader & { readonly version: unknown } | undefined;
  if (isNewer(header)) {
    return `format version ${header!.version}; this program reads version ${FORMAT_VERSION}: use a newer one`;
  }
  const misfit = headerMisfit(header);
  if (misfit !== undefined || header === undefined) return misfit ?? "not a header: not JSON";
  return { ledger: header.ledger, first: header.first, chain: header.chain };
}

/** Whether a header says that a newer program made the segment: what else is in it only that one knows. */
function isNewer(header: Partial<Record<"format" | "version", unknown>> | undefined): boolean {
  const { format, version } = header ?? {};
  return format === "ledgerproxy" && typeof version === "number" && version > FORMAT_VERSION;
}

/** The version in the header `line` of a segment that a newer program made; undefined for all others. */
export function newerVersion(line: Uint8Array): number | undefined {
  const header = parsed(unsealed(line) ?? "") as { readonly version: number } | undefined;
  return isNewer(header) ? header!.version : undefined;
}

/** An object in JSON; undefined where `text` is none. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The record in the line `bytes` (without "\n") at `offset`, or what is wrong with it. With `previousChain` its place in the hash
 * chain is proven; without it the chain is taken as it stands.
 */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
  previousChain: string | undefined,
): DecodedRecord | string {
  const text = unsealed(bytes);
  if (text === undefined) return NOT_WHOLE;
  if (previousChain !== undefined && !continues(text, previousChain)) {
    return "altered, or what was before it was (hash chain)";
  }
  const line = parsed(text) as Line | undefined;
  if (line === undefined) return "not a record: not JSON";
  const { offset: found, chain, ...record } = line;
  if (found !== offset) return `offset ${found} where ${offset} was expected`;
  const misfit = misfitOf(record as LedgerRecord, offset);
  return misfit ?? { offset, record: record as LedgerRecord, chain };
}

/** Whether the chain in `text` is that of a record behind `previousChain`. */
function continues(text: string, previousChain: string): boolean {
  const body = `${text.slice(0, -CHAIN_TAIL_BYTES - 1)}}`;
  return text.slice(-CHAIN_TAIL_BYTES - 1) === `${CHAIN_KEY}${nextChain(previousChain, body)}"}`;
}

type Line = LedgerRecord & { readonly offset: number; readonly chain: string };

/** A record that is judged by nothing but its own line. */
export type DecodedLine = Omit<DecodedRecord, "chain">;

/** The record in `line`, judged by nothing but its own CRC; undefined where it is none. */
export function decodeLine(line: Uint8Array): DecodedLine | undefined {
  const text = unsealed(line);
  if (text === undefined) return undefined;
  const { offset, chain: _, ...record } = parsed(text) as Line ?? {};
  if (!Number.isSafeInteger(offset)) return undefined;
  return misfitOf(record as LedgerRecord, offset) === undefined
    ? { offset, record: record as LedgerRecord }
    : undefined;
}

function misfitOf(record: LedgerRecord, offset: number): string | undefined {
  if (KINDS.has(record.kind)) return recordMisfit(record, offset);
  return typeof record.kind === "string"
    ? `kind ${JSON.stringify(record.kind)} is unknown to this program: use a newer one`
    : "not a record: .kind is not a text";
}

/** JSON with keys in code unit order and nothing absent: equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (isCanonical(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  assert(typeof value === "object", () => `${typeof value} ${value} has no canonical JSON`);
  const fields = Object.entries(value as object).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(",")}}`;
}

/** Whether JSON.stringify writes `value` in canonical form: every object's keys are sorted as they are. */
function isCanonical(value: unknown): boolean {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.every(isCanonical);
  let before = "";
  for (const key in value) {
    if (key < before || !isCanonical((value as Record<string, unknown>)[key])) return false;
    before = key;
  }
  return true;
}

function nextChain(previous: string, body: string): string {
  return hash("sha256", previous + body, "hex");
}

/** Closes a JSON object with the CRC over what is before it. */
function sealed(object: string): string {
  const covered = object.slice(0, -1);
  return `${covered}${CRC_KEY}${crcText(covered)}"}\n`;
}

/** The object that {@link sealed} closed, when its CRC is right. */
function unsealed(line: Uint8Array): string | undefined {
  const end = line.length - CRC_TAIL_BYTES;
  if (end < 0) return undefined;
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  const tail = bytes.toString("latin1", end);
  if (tail !== `${CRC_KEY}${crcText(bytes.subarray(0, end))}"}`) return undefined;
  return `${bytes.toString("utf8", 0, end)}}`;
}

/** CRC-32 of bytes, or of a text in UTF-8. */
function crcText(covered: Uint8Array | string): string {
  return crc32(covered).toString(16).padStart(8, "0");
}
