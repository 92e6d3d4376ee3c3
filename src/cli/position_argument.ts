// A position of a ledger as people write it: an offset (`@1234`), a time, `HEAD`, or commits before it (`HEAD~3`).

import { segmentFirst } from "../ledger/format.ts";
import { readBackward, readLedger } from "../ledger/reader.ts";
import { segmentNames } from "../ledger/segment.ts";
import type { Storage } from "../ledger/storage.ts";
import { UsageError } from "../node/usage_error.ts";

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
 * The offset that `position` means in the ledger in `storage`. A commit stands for the records folded into it. Throws
 * {@link UsageError} where the ledger does not reach there.
 */
export function resolvePosition(position: PositionArgument, storage: Storage): number {
  switch (position.kind) {
    case "offset":
      return offsetWithin(storage, position.offset);
    case "time":
      return offsetAtTime(storage, position.milliseconds);
    case "head":
      return position.back === 0 ? lastOffset(storage) : offsetOfCommit(storage, position.back);
  }
}

function lastOffset(storage: Storage): number {
  const { value } = readBackward(storage).next();
  if (value === undefined) throw new UsageError("the ledger has no records");
  return value.offset;
}

function offsetWithin(storage: Storage, offset: number): number {
  const [first, last] = [segmentFirst(segmentNames(storage)[0]!)!, lastOffset(storage)];
  if (offset > last) throw new UsageError(`@${offset}: the ledger ends at @${last}`);
  if (offset >= first) return offset;
  throw new UsageError(`@${offset}: the ledger begins at @${first}; what was before is not kept`);
}

/** Time goes on with the offsets, unless the node's clock was set back: then the answer is one of several. */
function offsetAtTime(storage: Storage, milliseconds: number): number {
  const firsts = segmentNames(storage).map((name) => segmentFirst(name)!);
  const begins = (i: number) => {
    const [first] = readLedger(storage, firsts[i]!);
    return Date.parse(first?.record.time ?? "");
  };
  let [low, high] = [0, firsts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (begins(middle) <= milliseconds) low = middle;
    else high = middle;
  }
  let found = -1;
  for (const { offset, record } of readLedger(storage, firsts[low]!)) {
    if (offset === firsts[high]) break;
    if (Date.parse(record.time) <= milliseconds) found = offset;
  }
  if (found >= 0) return found;
  const [first] = readLedger(storage);
  throw new UsageError(`the ledger begins at ${first?.record.time}, later than the time asked for`);
}

function offsetOfCommit(storage: Storage, back: number): number {
  let commits = 0;
  for (const { record } of readBackward(storage)) {
    if (record.kind !== "commit" || record.outcome !== "committed") continue;
    if (commits++ === back) return record.through;
  }
  throw new UsageError(`HEAD~${back}: the ledger has ${commits} commits`);
}
