// The names of all faults, and counts of how often each has fired.

import type { Chance } from "./chance.ts";

/** Faults of single answers, by the kind of request. */
const OF_ANSWERS = {
  any: [
    "connection refused",
    "nothing ever comes",
    "429 or 503 with Retry-After",
    "Status with code 200",
    "answer reset in the middle",
    "answer that stops in the middle",
  ],
  list: [
    "JSON that is no list",
    "list of another kind",
    "HTML or empty body",
    "list without version",
    "list that lost most",
    "endless continue tokens",
  ],
  page: [
    "page that is no list",
    "version moves between pages",
    "HTML or empty page",
    "Status with code 200 as later page",
    "continue token expired",
    "endless continue tokens",
  ],
  stream: [
    "deleted inside a streamed list",
    "changed inside a streamed list",
    "streamed list that ends early",
    "streamed list without version",
    "list that lost most",
  ],
  watch: [
    "Status inside a watch",
    "line without object",
    "line with a null object",
    "line that is a number or null",
    "ERROR without fields",
    "unknown type of line",
    // Half of the watches that are to send one see no deletion.
    "DELETED with only a name",
    "DELETED with only a name",
    "DELETED with only a name",
    "event twice",
    "event without version",
    "bookmark without version",
    "line cut in the middle",
    "garbage line, then the end",
    "watch cut after seconds",
  ],
} as const;

/** Lasting faults of a server, and faults of the connection, the cluster and the node. */
const OTHERS = [
  "deleted inside a streamed list, after a part",
  "changed inside a streamed list, after a part",
  "continue tokens always expired",
  "no annotated bookmark ever",
  "streamed lists refused",
  "watches cut every few seconds",
  "answers in protobuf",
  "protobuf that cannot be read",
  "second list that does not come for a while",
  "second list that contradicts the first",
  "dead connection",
  "all connections reset",
  "history compacted",
  "versions go back after a restore",
  "cluster emptied",
  "undecodable object",
  "disk fails",
  "disk hangs",
  "disk hangs at a start",
  "records left out",
  "ledger's writer ends",
  "message to the ledger's writer lost",
  "disk replaced by an empty one",
  "kernel refuses",
  "kernel takes only small batches",
  "batch that leaves changes for later",
  "step of large Services' rules",
  "Service above the bound",
  "drift by another program",
  "drift while no program listens",
  "drift that a commit hides",
  "monitor loses messages",
  "SIGKILL at a call",
  "end of the process",
  "power cut",
] as const;

export type Shape = keyof typeof OF_ANSWERS;
export type AnswerFault = (typeof OF_ANSWERS)[Shape][number];
export type Fault = AnswerFault | (typeof OTHERS)[number];

/** All faults. */
export const FAULTS: readonly Fault[] = [...new Set([...Object.values(OF_ANSWERS).flat(), ...OTHERS])];

/** A fault for an answer of `shape`; most often one that only such an answer can have. */
export function someFault(shape: Exclude<Shape, "any">, chance: Chance): AnswerFault {
  // A streamed list continues as a watch. Later pages are few.
  const own = shape === "stream" && chance.once(2) ? OF_ANSWERS.watch : OF_ANSWERS[shape];
  return chance.pick<AnswerFault>(chance.once(shape === "page" ? 6 : 3) ? OF_ANSWERS.any : own);
}

/** How often each fault has fired. */
export class FaultCounts {
  readonly #counts = new Map<Fault, number>(FAULTS.map((fault) => [fault, 0]));

  fired(fault: Fault): void {
    this.#counts.set(fault, this.#counts.get(fault)! + 1);
  }

  count(fault: Fault): number {
    return this.#counts.get(fault)!;
  }

  add(other: FaultCounts): void {
    for (const [fault, count] of other.#counts) this.#counts.set(fault, this.count(fault) + count);
  }

  /** The counts as lines, the rarest fault first. */
  text(): string {
    return [...this.#counts].sort(([, a], [, b]) => a - b).map(([fault, count]) =>
      `${String(count).padStart(7)} ${fault}`
    ).join("\n");
  }
}
