// `ledgerproxy blame WHAT`: which event put each element there, when it came, and which commit brought it to the kernel.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { elementText } from "../../nft/text.ts";
import { localTime } from "../history_text.ts";
import {
  beliefAt,
  type Cause,
  causeOf,
  causeText,
  commitOf,
  existingLedger,
  offsetAt,
  type PlacedCommit,
} from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import type { PositionArgument } from "../position_argument.ts";

/** Flags of `blame`. */
export interface BlameOptions {
  readonly ledger: string;
  readonly at?: PositionArgument;
  readonly json?: boolean;
}

/** Prints one block an element; returns 1 when nothing matches. `what`: a Service, an address, or a whole key. */
export function blame(what: string, { ledger, at, json }: BlameOptions): number {
  const storage = existingLedger(ledger);
  const belief = beliefAt(storage, offsetAt(storage, at));
  const { state, record } = belief;
  let found = 0;
  for (const [set, elements] of state.desired) {
    for (const element of elements.values()) {
      const text = elementText(element);
      const names = element.comment === what || element.comment?.startsWith(`${what}:`);
      if (!names && element.key !== what && !` ${text} `.includes(` ${what} `)) continue;
      found++;
      const cause = causeOf(belief, set, element.key);
      const commit = cause && commitOf(record, cause.offset);
      if (json) {
        {
          const { key, value, comment } = element;
          printJson("blame/1", {
            set,
            key,
            value,
            comment,
            cause: cause ?? null,
            commit: commitJson(commit),
          });
        }
      } else printLines([`${set} { ${text} }`, ...causeLines(cause, commit).map((line) => `    ${line}`)]);
    }
  }
  if (found === 0) log.info(`${what}: no element at @${state.folded} is about it`);
  return found === 0 ? 1 : 0;
}

function commitJson(commit: PlacedCommit | undefined) {
  if (commit === undefined) return null;
  const { offset, record: { time, generation } } = commit;
  return { offset, time, generation };
}

function causeLines(cause: Cause | undefined, commit: PlacedCommit | undefined): string[] {
  if (cause === undefined) return ["by the skeleton"];
  return [
    causeText(cause),
    commit === undefined
      ? "not committed"
      : `committed @${commit.offset} ${
        localTime(commit.record.time)
      }, kernel generation ${commit.record.generation}`,
  ];
}
