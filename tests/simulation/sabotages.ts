// The program's checks of foreign input, each with a change of the source that removes it. The simulation must fail with each
// of these changes.

/** A check, and how to remove it. */
export interface Sabotage {
  readonly check: string;
  /** Path from the repository's root. */
  readonly file: string;
  /** Pairs of an old and a new text. Each old text must be in the file exactly once. */
  readonly changes: readonly (readonly [from: string, to: string])[];
}

const ANSWER = "src/ingest/answer.ts";
const LISTING = "src/ingest/listing.ts";
const REFLECTOR = "src/ingest/reflector.ts";
const FAILURE = "src/ingest/reflector_failure.ts";

export const SABOTAGES: readonly Sabotage[] = [
  {
    check: "a list has the kind and apiVersion that were asked for",
    file: ANSWER,
    changes: [['if (page["kind"] !== kind || page["apiVersion"] !== resource.apiVersion) {', "if (false) {"]],
  },
  {
    check: "the items of a list are an array",
    file: ANSWER,
    changes: [["const { items } = page;", "const items = Array.isArray(page.items) ? page.items : [];"]],
  },
  {
    check: "a list in protobuf has metadata",
    file: "src/ingest/protobuf_list.ts",
    changes: [['if (open.list["metadata"] === undefined) {', "if (false) {"]],
  },
  {
    check: "a Status is an error with its own message, whatever the HTTP code",
    file: ANSWER,
    changes: [["if (isStatus(value)) throw statusFailure(value);", ""]],
  },
  {
    check: "pages of one list belong together",
    file: REFLECTOR,
    changes: [["} else if (exchange.resourceVersion !== resourceVersion) {", "} else if (false) {"]],
  },
  {
    check: "a deletion inside a streamed list counts",
    file: LISTING,
    changes: [[
      "  delete(key: ObjectKey): void {",
      "  delete(key: ObjectKey): void {\n    if (this.#undelivered.some((object) => describeKey(objectKey(object)) === describeKey(key))) return;",
    ]],
  },
  {
    check: "a deletion inside a streamed list counts after its object was delivered in a part",
    file: LISTING,
    changes: [[
      "  delete(key: ObjectKey): void {",
      "  delete(key: ObjectKey): void {\n    if (!this.#undelivered.some((object) => describeKey(objectKey(object)) === describeKey(key))) return;",
    ]],
  },
  {
    check: "a change inside a streamed list counts",
    file: LISTING,
    changes: [[
      "    const name = describeKey(objectKey(decoded.object));\n",
      "    const name = describeKey(objectKey(decoded.object));\n    if (this.#objects.has(name)) return;\n",
    ]],
  },
  {
    check: "a streamed list is whole when the server says so, not when it ends",
    file: REFLECTOR,
    changes: [[
      '  if (exchange.ask === "stream") {\n    const empty',
      '  if (exchange.ask === "stream") {\n    return [deliverList(state, exchange, "", now), ...begin(state, now)];\n    const empty',
    ]],
  },
  {
    check: "an empty version is one that is not known: a list follows",
    file: FAILURE,
    changes: [['if (ask === "watch" && !versioned) state.version = undefined;', ""]],
  },
  {
    check: "a line of a watch has an object",
    file: ANSWER,
    changes: [["  if (!isJsonObject(object)) throw invalid(", "  if (false) throw invalid("]],
  },
  {
    check: "an event DELETED needs only the name",
    file: ANSWER,
    changes: [[
      '    case "DELETED":\n',
      '    case "DELETED":\n      if (object.spec === undefined && object.endpoints === undefined) return { kind: "bookmark", resourceVersion, endsList: false };\n',
    ]],
  },
  {
    check: "a list that removes much is confirmed",
    file: "src/engine/batch.ts",
    changes: [["const taken = removal === undefined || confirmed;", "const taken = true;"]],
  },
  {
    check: "a list that confirms another does not contradict it",
    file: "src/engine/batch.ts",
    changes: [["largeRemoval(before.listed, list) === undefined;", "true;"]],
  },
  {
    check: "after an expired continue token the list is asked for without a limit",
    file: FAILURE,
    changes: [['within && exchange.limit > 0 ? "whole" : "stream"', '"stream"']],
  },
  {
    check: "a streamed list that does not end is given up after 10 s",
    file: REFLECTOR,
    changes: [['if (ask === "stream") return Math.min(due, phase.grownAt + times.markMilliseconds);', ""]],
  },
  {
    check: "Retry-After is obeyed",
    file: FAILURE,
    changes: [["Math.min(failure.retryAfter, RETRY_AFTER_MILLISECONDS_MAX)", "0"]],
  },
  {
    check: "a dead connection is noticed",
    file: "src/ingest/liveness.ts",
    changes: [["  if (open === 0) return undefined;", "  return undefined;"]],
  },
  {
    check: "failures in a row wait longer and longer",
    file: "src/ingest/backoff.ts",
    changes: [["return longest / 2 + draw(draws) * longest / 2;", "return 0;"]],
  },
  {
    check: "pages without end are given up",
    file: REFLECTOR,
    changes: [[
      "if (token === exchange.token || exchange.idlePages > LIST_IDLE_PAGES_MAX) {",
      "if (false) {",
    ]],
  },
  {
    check: "an object that cannot be read stays as it was",
    file: LISTING,
    changes: [["    this.#unread.set(name, key);", ""]],
  },
  {
    check: "a version that the server has forgotten, or does not have yet, leads to a list",
    file: FAILURE,
    changes: [['if (failure.reason === "expired") {', "if (false) {"]],
  },
  {
    check: "a refused commit is tried again",
    file: "src/engine/healer.ts",
    changes: [[
      "    state.retryAt = now + Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS * 2 ** state.refusals);",
      "",
    ]],
  },
  {
    check: "a commit that advances makes a step of large Services' rules",
    file: "src/fold/fold.ts",
    changes: [["if (advances) advance(folding);", ""]],
  },
  {
    check: "a Service above the bound is set aside",
    file: "src/fold/settle.ts",
    changes: [[
      "if (size !== undefined && size.elements > most)",
      "if (size !== undefined && size.elements < 0)",
    ]],
  },
  {
    check: "what a part of a batch leaves is committed later",
    file: "src/engine/commit.ts",
    changes: [["if (left === 0) return touched.clear();", "touched.clear();\n  if (left >= 0) return;"]],
  },
  {
    check: "what the monitor lost is looked for",
    file: "src/engine/healer.ts",
    changes: [['  return lost ? [{ kind: "compare" }] : [];', "  return [];"]],
  },
  {
    check: "a start that took the generation as proof compares after 5 s",
    file: "src/engine/healer.ts",
    changes: [["(listed ? AUDIT_MILLISECONDS : FIRST_AUDIT_MILLISECONDS)", "AUDIT_MILLISECONDS"]],
  },
  {
    check: "rules wait until the ledger's writer has written the records that they follow",
    file: "src/engine/executor.ts",
    changes: [["  ledger.awaitWritten();\n", ""]],
  },
  {
    check: "a message to the ledger's writer that was lost is noticed",
    file: "src/ledger/disk_side.ts",
    changes: [["if (next !== disk.end.next) throw", "if (false) throw"]],
  },
];

/** Applies `sabotage` to `text`. Throws where an old text is not there exactly once. */
export function sabotaged(text: string, { check, changes }: Sabotage): string {
  return changes.reduce((changed, [from, to]) => {
    const times = changed.split(from).length - 1;
    if (times !== 1) throw new Error(`${check}: found ${times} times: ${from}`);
    return changed.replace(from, () => to);
  }, text);
}
