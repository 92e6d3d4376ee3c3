// `ledgerproxy show POSITION`: what was folded and committed there, and the rules at that moment, as text that nft loads.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import { assembled } from "../../nft/objects.ts";
import { rulesetText } from "../../nft/text.ts";
import {
  type Belief,
  beliefAt,
  commitOf,
  describeRecord,
  existingLedger,
  offsetAt,
  type PlacedCommit,
} from "../ledger_history.ts";
import { changeLine, localTime } from "../history_text.ts";
import type { PositionArgument } from "../position_argument.ts";

/** Flags of `show`. */
export interface ShowOptions {
  readonly ledger: string;
  readonly json?: boolean;
}

/** Events and changes of a commit that are shown as text. */
const SHOWN_MAX = 100;

/** Prints the moment; returns the exit code. Throws UsageError. */
export function show(at: PositionArgument, { ledger, json }: ShowOptions): number {
  const storage = existingLedger(ledger);
  const offset = offsetAt(storage, at);
  const belief = beliefAt(storage, offset);
  const { state } = belief;
  const { here, commit, events } = around(belief, offset);
  const rules = rulesetText(assembled({ tables: state.tables, elements: state.desired }));
  if (json) {
    printJson("show/1", { offset, record: here.record, events, commit: commit ?? null, rules });
    return 0;
  }
  const comments = [
    `@${offset}  ${localTime(here.record.time)}  ${describeRecord(here.record)}`,
    ...(commit === undefined ? ["not committed yet"] : commitLines(commit)),
    ...cut(
      events.map(({ offset, record }) =>
        `  @${offset}  ${localTime(record.time)}  ${describeRecord(record)}`
      ),
    ),
    ...cut((commit?.record.changes ?? []).map((change) => `  ${changeLine(change)}`)),
  ];
  printLines([...comments.map((line) => `# ${line}`), "", ...rules.split("\n")]);
  return 0;
}

function commitLines({ offset, record }: PlacedCommit): string[] {
  const { from, through, outcome, operations, microseconds, generation, error } = record;
  const what = outcome === "committed"
    ? `committed with ${operations} operations in ${microseconds} us, kernel generation ${generation}`
    : `rejected: ${error}`;
  return [`@${offset}  ${localTime(record.time)}  @${from} to @${through} ${what}`];
}

/** The record at `offset`, the commit that folded it, and all that was folded into that. */
function around({ record }: Belief, offset: number) {
  const here = { offset, record: record(offset)! };
  const commit = here.record.kind === "commit" ? here as PlacedCommit : commitOf(record, offset);
  const events: { readonly offset: number; readonly record: LedgerRecord }[] = [];
  for (let at = commit?.record.from ?? offset; commit !== undefined && at <= commit.record.through; at++) {
    const one = record(at);
    if (one !== undefined && one.kind !== "commit") events.push({ offset: at, record: one });
  }
  return { here, commit, events };
}

/** The first of many lines, and how many there are beside them. */
function cut(lines: readonly string[]): string[] {
  const more = lines.length - SHOWN_MAX;
  return more <= 0 ? [...lines] : [...lines.slice(0, SHOWN_MAX), `  and ${more} more: --json has them all`];
}
