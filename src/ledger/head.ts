// Heads of ledgers as others saw them: the hash chain before a record, in a file of checkpoints or in the metrics of a node. Who owns
// the node cannot take them back.

import { readCheckpoint } from "./checkpoint.ts";

/** A place of a ledger that was seen from outside. */
export interface LedgerHead {
  /** Id of the ledger. */
  readonly ledger: string;
  /** Offset of the first record after it. */
  readonly next: number;
  /** Hash chain before that record, 64 hex digits. */
  readonly chain: string;
  /** The object of the API server that has it: `Lease kube-system/ledgerproxy-node-1`. */
  readonly seenIn?: string;
}

/** The metric whose labels are a head. */
export const HEAD_METRIC = "ledgerproxy_ledger_head_info";

const NOTE = /^ledgerproxy\/[0-9a-f]{16}\n(?:.+\n)+\n(?:— .+\n)+/gm;
/** A value of a label may have any character, and `\"` for a quotation mark. */
const SERIES = new RegExp(`^${HEAD_METRIC}\\{((?:[^"}]|"(?:[^"\\\\]|\\\\.)*")*)\\}`, "gm");
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
/** What is left of a head that is not whole. */
const REST = new RegExp(`^(?:ledgerproxy/|— ledgerproxy/|${HEAD_METRIC})`, "m");

/** The heads in `content`: checkpoints one after the other, or what a scrape of nodes or of Prometheus returned; else what is wrong. */
export function readHeads(content: string): readonly LedgerHead[] | string {
  const text = content.replaceAll("\r\n", "\n");
  const heads: LedgerHead[] = [];
  for (const [note] of text.matchAll(NOTE)) {
    const read = readCheckpoint(note);
    if (typeof read === "string") return `a checkpoint of the witness: ${read}`;
    heads.push({ ledger: read.ledger, next: read.next, chain: read.chain });
  }
  for (const [, labels] of text.matchAll(SERIES)) {
    const { ledger, offset, chain } = Object.fromEntries(
      [...labels!.matchAll(LABEL)].map(([, name, value]) => [name, value]),
    );
    const wrong = !/^[0-9a-f]{16}$/.test(ledger ?? "") || !/^\d+$/.test(offset ?? "") ||
      !/^[0-9a-f]{64}$/.test(chain ?? "");
    if (wrong) return `a series ${HEAD_METRIC} has other labels than ledger, offset and chain`;
    heads.push({ ledger: ledger!, next: Number(offset), chain: chain! });
  }
  // One that is left out unnoticed may be the newest, which shows a cut end.
  const rest = REST.exec(text.replaceAll(NOTE, "").replaceAll(SERIES, ""));
  if (rest !== null) {
    return `it has a checkpoint or series that is not whole, or was changed: it begins with ${rest[0]}`;
  }
  return heads.length > 0 ? heads : `it has neither checkpoints nor series ${HEAD_METRIC}`;
}

const ANNOTATION = /^head\.ledgerproxy\/([0-9a-f]{16})\.(\d+)$/;

/** `head` as an annotation of an object: key and value. */
export function headAnnotation({ ledger, next, chain }: LedgerHead): [key: string, value: string] {
  return [`head.ledgerproxy/${ledger}.${next}`, chain];
}

/** The heads among the annotations of an object; else what is wrong. */
export function headsOfAnnotations(
  annotations: Readonly<Record<string, unknown>>,
): readonly LedgerHead[] | string {
  const heads: LedgerHead[] = [];
  for (const [key, chain] of Object.entries(annotations)) {
    const [, ledger, next] = ANNOTATION.exec(key) ?? [];
    if (ledger === undefined) continue;
    if (!/^[0-9a-f]{64}$/.test(String(chain))) return `the annotation ${key} is no hash chain`;
    heads.push({ ledger, next: Number(next), chain: String(chain) });
  }
  return heads;
}
