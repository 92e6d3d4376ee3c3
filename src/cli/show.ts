// `ledgerproxy show POSITION`: what was folded and committed there, and the rules at that moment, as text that nft loads.

import { readLedger } from "../ledger/reader.ts";
import type { CommitRecord } from "../ledger/record.ts";
import { assembled } from "../nft/objects.ts";
import { rulesetText } from "../nft/text.ts";
import { beliefAt, describeRecord, existingLedger, offsetAt, type Placed } from "./ledger_history.ts";
import { changeLine, localTime } from "./history_text.ts";
import type { PositionArgument } from "./position_argument.ts";
import { printable } from "./printable.ts";

/** Flags of `show`. */
export interface ShowOptions {
  readonly ledger: string;
  readonly json?: boolean;
}

/** Prints the moment; returns the exit code. Throws UsageError. */
export function show(at: PositionArgument, { ledger, json }: ShowOptions): number {
  const storage = existingLedger(ledger);
  const offset = offsetAt(storage, at);
  const { state } = beliefAt(storage, offset);
  const { here, commit, events } = around([...readLedger(storage)], offset);
  const rules = rulesetText(assembled({ tables: state.tables, elements: state.desired }));
  if (json) {
    console.log(JSON.stringify({ offset, record: here.record, events, commit: commit ?? null, rules }));
    return 0;
  }
  const comments = [
    `@${offset}  ${localTime(here.record.time)}  ${describeRecord(here.record)}`,
    ...(commit === undefined ? ["not committed yet"] : commitLines(commit)),
    ...events.map(({ offset, record }) =>
      `  @${offset}  ${localTime(record.time)}  ${describeRecord(record)}`
    ),
    ...(commit?.record.changes ?? []).map((change) => `  ${changeLine(change)}`),
  ];
  console.log([...comments.map((line) => `# ${printable(line)}`), "", rules].join("\n"));
  return 0;
}

function commitLines({ offset, record }: PlacedCommit): string[] {
  const { from, through, outcome, operations, microseconds, generation, error } = record;
  const what = outcome === "committed"
    ? `committed with ${operations} operations in ${microseconds} us, kernel generation ${generation}`
    : `rejected: ${error}`;
  return [`@${offset}  ${localTime(record.time)}  @${from} to @${through} ${what}`];
}

interface PlacedCommit {
  readonly offset: number;
  readonly record: CommitRecord;
}

/** The record at `offset`, the commit that folded it, and all that was folded into that. */
function around(records: readonly Placed[], offset: number) {
  const isCommit = (placed: Placed): placed is Placed & { record: CommitRecord } =>
    placed.record.kind === "commit";
  const here = records.find((placed) => placed.offset === offset)!;
  const commit = isCommit(here)
    ? here
    : records.filter(isCommit).find(({ record }) => record.from <= offset && offset <= record.through);
  const events = commit === undefined
    ? []
    : records.filter(({ offset, record }) =>
      offset >= commit.record.from && offset <= commit.record.through && record.kind !== "commit"
    );
  return { here, commit, events };
}
