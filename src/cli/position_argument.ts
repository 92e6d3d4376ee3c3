// A position of a ledger as people write it: an offset (`@1234`), a time, `HEAD`, or commits before it (`HEAD~3`).

import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { UsageError } from "./usage_error.ts";

/** A position that is not yet looked up in a ledger. */
export type PositionArgument =
  | { readonly kind: "offset"; readonly offset: number }
  /** Milliseconds since 1970: the last record that was written no later. */
  | { readonly kind: "time"; readonly milliseconds: number }
  | { readonly kind: "head"; readonly back: number };

/** Reads a position. Throws {@link UsageError}. */
export function parsePosition(text: string): PositionArgument {
  const offset = /^@(\d+)$/.exec(text);
  if (offset) return { kind: "offset", offset: Number(offset[1]) };
  const head = /^HEAD(?:~(\d+))?$/.exec(text);
  if (head) return { kind: "head", back: Number(head[1] ?? 0) };
  const milliseconds = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(milliseconds)) return { kind: "time", milliseconds };
  throw new UsageError(
    `${text}: a position is an offset (@1234), a time (2026-11-23T03:12:00Z), HEAD, or commits before it (HEAD~3)`,
  );
}

/**
 * The offset that `position` means in a ledger with `records`. A commit stands for the records folded into it. Throws
 * {@link UsageError} where the ledger does not reach there.
 */
export function resolvePosition(
  position: PositionArgument,
  records: Iterable<{ readonly offset: Offset; readonly record: LedgerRecord }>,
): number {
  let last = -1;
  let found = -1;
  let first = "";
  const commits: number[] = [];
  for (const { offset, record } of records) {
    last = offset;
    first ||= record.time;
    if (position.kind === "time" && Date.parse(record.time) <= position.milliseconds) found = offset;
    if (record.kind === "commit" && record.outcome === "committed") commits.push(record.through);
  }
  switch (position.kind) {
    case "offset":
      if (position.offset <= last) return position.offset;
      throw new UsageError(`@${position.offset}: the ledger ends at @${last}`);
    case "time":
      if (found >= 0) return found;
      throw new UsageError(`the ledger begins at ${first}, later than the time asked for`);
    case "head": {
      if (position.back === 0) return last;
      const through = commits.at(-1 - position.back);
      if (through !== undefined) return through;
      throw new UsageError(`HEAD~${position.back}: the ledger has ${commits.length} commits`);
    }
  }
}
