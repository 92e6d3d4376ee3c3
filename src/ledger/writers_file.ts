// Who wrote the objects in a ledger, as an audit log of the API server says: a file of its own beside the segments. Why not records? An
// audit log is read later, and what a ledger has signed is never written again. The file is not signed: each line has the id of the
// audit event that it comes from. The first line is the SHA-256 of what follows, so that a changed bit is found.

import { hash } from "node:crypto";
import { fields, matching, misfitText, type Shape, TEXT, TIME, WHOLE } from "../kube/shape.ts";
import { parsedJson } from "../json_parts.ts";
import { LedgerDamage } from "./damage.ts";
import type { Storage } from "./storage.ts";

/** The name does not end like those of segments: tools that read all segments of a folder do not read it. */
export const WRITERS_FILE = "api-writers.jsonl";
const FORMAT = "ledgerproxy-api-writers";
const VERSION = 1;

/** Who made a version of an object, by the audit log of the API server. */
export interface ApiWriter {
  /** The user, with the one that it acted as, if any: `system:admin (as alice)`. */
  readonly user: string;
  /** What the program calls itself: `kubectl/v1.37.2 (linux/amd64)`. */
  readonly userAgent: string;
  /** The addresses that the request came from, with commas. */
  readonly source: string;
  /** As in the audit log: `patch`. */
  readonly verb: string;
  /** When the API server had answered, RFC 3339. */
  readonly time: string;
  /** Id of the event in the audit log. */
  readonly auditId: string;
}

const HEADER = fields({
  format: matching(FORMAT, /^ledgerproxy-api-writers$/),
  version: WHOLE,
  ledger: TEXT,
});
const LINE = fields({
  ...{ offset: WHOLE, user: TEXT, userAgent: TEXT, source: TEXT },
  ...{ verb: TEXT, time: TIME, auditId: TEXT },
});

interface Header {
  readonly format: string;
  readonly version: number;
  readonly ledger: string;
}

/** The writers of events of `ledger`, by offset. Throws LedgerDamage where the file is not what was written for it. */
export function readWriters(storage: Storage, ledger: string): ReadonlyMap<number, ApiWriter> {
  if (!storage.names().includes(WRITERS_FILE)) return new Map();
  const text = new TextDecoder().decode(storage.read(WRITERS_FILE));
  const lines = text.split("\n");
  const [sum = "", head = "", ...writers] = lines;
  if (hashOf(text.slice(sum.length + 1)) !== sum) throw damage(lines, 1, "it is not what import wrote");
  const header: Header = checked(parsedJson(head), lines, 2, HEADER);
  if (header.version > VERSION) {
    const reason =
      `version ${header.version} is newer than this program: read it with the program that wrote it`;
    throw new LedgerDamage(WRITERS_FILE, 2, byteOf(lines, 2), reason);
  }
  if (header.ledger !== ledger) throw damage(lines, 2, `it is about ledger ${header.ledger}, not ${ledger}`);
  return new Map(
    writers.slice(0, -1).map((line, i) => {
      const value: ApiWriter & { readonly offset: number } = parsedJson(line);
      const { offset, ...writer } = checked(value, lines, i + 3, LINE);
      return [offset, writer];
    }),
  );
}

/** Replaces the file. `writers` are by the offsets of their events. */
export function writeWriters(
  storage: Storage,
  ledger: string,
  writers: ReadonlyMap<number, ApiWriter>,
): void {
  const header: Header = { format: FORMAT, version: VERSION, ledger };
  const lines = [...writers].sort(([a], [b]) => a - b).map(([offset, writer]) => ({ offset, ...writer }));
  const text = [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  const fresh = `${WRITERS_FILE}.new`;
  if (storage.names().includes(fresh)) storage.remove(fresh);
  storage.write(fresh, new TextEncoder().encode(`${hashOf(text)}\n${text}`));
  storage.rename(fresh, WRITERS_FILE);
  storage.syncFolder();
}

function hashOf(text: string): string {
  return hash("sha256", text, "hex");
}

/** `value`, where it has the shape: the hash is right, so another program wrote it otherwise. Throws LedgerDamage. */
function checked<T>(value: T, lines: readonly string[], line: number, shape: Shape): T {
  const misfit = shape(value);
  if (misfit !== undefined) throw damage(lines, line, misfitText(misfit));
  return value;
}

/** Damage in `line`, counted from 1, of a file that has `lines`. */
function damage(lines: readonly string[], line: number, reason: string): LedgerDamage {
  const remedy = "remove the file and import the audit log again; the records do not depend on it";
  return new LedgerDamage(WRITERS_FILE, line, byteOf(lines, line), `${reason}; ${remedy}`);
}

/** The byte at which `line`, counted from 1, begins. */
function byteOf(lines: readonly string[], line: number): number {
  const before = lines.slice(0, line - 1).map((text) => `${text}\n`).join("");
  return new TextEncoder().encode(before).length;
}
