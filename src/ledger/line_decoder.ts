// Reads lines of segments and checks them; format.ts encodes them.

import type { Buffer } from "node:buffer";
import { isJsonObject } from "../kube/json_value.ts";
import { partsExcess } from "../json_parts.ts";
import { continuesChain, FORMAT_VERSION, unsealed } from "./format.ts";
import { isOffset, type LedgerRecord, type Offset, offsetOf } from "./record.ts";
import { checkedHeader, checkedRecord, type SegmentHeader } from "./record_shape.ts";

const KINDS: ReadonlySet<string> = new Set(["event", "config", "commit", "drift", "gap"]);
/** Why a line is rejected whose CRC is wrong. A crash in the middle of a write can leave such a line. */
export const NOT_WHOLE = "damaged (CRC)";

/** A record that was read from a line, with the hash chain after it. */
export interface DecodedRecord {
  readonly offset: Offset;
  readonly record: LedgerRecord;
  readonly chain: string;
}

/** The header in `line` (without "\n"), or the reason why there is none. */
export function decodeHeader(line: Uint8Array): SegmentHeader | string {
  const text = unsealed(line);
  if (text === undefined) return "the segment header is damaged (CRC)";
  const newer = newerVersion(line);
  if (newer !== undefined) {
    return `format version ${newer}; this program reads version ${FORMAT_VERSION}: use a newer one`;
  }
  return checkedHeader(parsed(text));
}

/**
 * The format version in the header `line`, where a newer program made the segment; else undefined. This version cannot know
 * what else such a header contains, so nothing else of it is checked.
 */
export function newerVersion(line: Uint8Array): number | undefined {
  const { format, version } = parsed(unsealed(line) ?? "") ?? {};
  return format === "ledgerproxy" && typeof version === "number" && version > FORMAT_VERSION
    ? version
    : undefined;
}

/** The JSON object in `text`; undefined where it is not JSON, or no object, or one that would fill the memory. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  if (partsExcess(text) !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** How a record is read. */
export interface LineReading {
  /** Leaves out the elements that a commit changed, which no fold needs: they are half of a ledger's bytes. */
  readonly brief?: boolean;
}

/**
 * The record in the line `bytes` (without "\n") at `offset`, or the reason why there is none. With `previousChain` its place
 * in the hash chain is proven. Without it the chain that the line names is returned unproven, which needs no hashing.
 */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
  previousChain: string | undefined,
  { brief = false }: LineReading = {},
): DecodedRecord | string {
  const text = unsealed(bytes, brief ? withoutChanges : undefined);
  if (text === undefined) return NOT_WHOLE;
  if (previousChain !== undefined && !continuesChain(text, previousChain)) {
    return "altered, or what was before it was (hash chain)";
  }
  const excess = partsExcess(text);
  if (excess !== undefined) return `not a record: ${excess}`;
  const line = parsed(text);
  if (line === undefined) return "not a record: not JSON";
  const { offset: found, chain, ...fields } = line;
  if (found !== offset) return `offset ${found} where ${offset} was expected`;
  const record = recordOf(fields, offset);
  if (typeof record === "string") return record;
  return typeof chain === "string"
    ? { offset: offsetOf(offset), record, chain }
    : "not a record: .chain is not a text";
}

const CHANGES = new TextEncoder().encode('{"changes":[');
/** No text in a list of changes has this in it: JSON writes a quotation mark in a text as \\". */
const CHANGES_END = '],"changesOmitted":';

/** The part of a commit's line that can be left out: its changes, which come first in canonical JSON. */
function withoutChanges(line: Buffer): { readonly from: number; readonly to: number } | undefined {
  if (line.compare(CHANGES, 0, CHANGES.length, 0, CHANGES.length) !== 0) return undefined;
  const to = line.indexOf(CHANGES_END, CHANGES.length, "latin1");
  return to < 0 ? undefined : { from: CHANGES.length, to };
}

/** A record of which only its own line was checked, not its place in the ledger. */
export type DecodedLine = Omit<DecodedRecord, "chain">;

/** The record in `line`, by its own CRC alone; undefined where there is none. */
export function decodeLine(line: Uint8Array): DecodedLine | undefined {
  const text = unsealed(line);
  if (text === undefined) return undefined;
  const { offset, chain: _, ...fields } = parsed(text) ?? {};
  if (!isOffset(offset)) return undefined;
  const record = recordOf(fields, offset);
  return typeof record === "string" ? undefined : { offset, record };
}

/** The record with these `fields`, or the reason why they are none. */
function recordOf(fields: Readonly<Record<string, unknown>>, offset: number): LedgerRecord | string {
  const { kind } = fields;
  if (typeof kind !== "string") return "not a record: .kind is not a text";
  return KINDS.has(kind)
    ? checkedRecord(fields, offset)
    : `kind ${JSON.stringify(kind)} is unknown to this program: use a newer one`;
}
