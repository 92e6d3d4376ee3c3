// Parses positions, packets and ledgers on the command line. A wrong one is wrong usage: exit code 2, and a message that says
// what to write instead.

import { type History, historyOf } from "../history/history.ts";
import { readPacket } from "../history/packet_words.ts";
import type { Past } from "../history/past.ts";
import { parsePosition, type PositionExpression } from "../history/position_expression.ts";
import type { Packet } from "../history/trace.ts";
import { isLedgerNotFound, openPast } from "../library/open_ledger.ts";
import { progress } from "../node/progress.ts";
import { UsageError } from "../node/usage_error.ts";

/** The parsed value. Where `read` is a reason instead, throws it as UsageError, with `flag` before it. */
export function accepted<T extends object | ((...args: never[]) => unknown)>(read: T | string, flag = ""): T {
  if (typeof read === "string") throw new UsageError(`${flag}${read}`);
  return read;
}

/** A position on the command line. Throws UsageError. */
export function positionArgument(text: string): PositionExpression {
  return accepted(parsePosition(text));
}

/** A packet on the command line, received by the interface `from`. Throws UsageError. */
export function packetArgument(source: string, target: string, from: string | undefined): Packet {
  return accepted(readPacket(source, target, from));
}

/** The ledger in folder `path`, for questions. Long questions report their progress on stderr. Throws UsageError. */
export function ledgerArgument(path: string): History {
  return historyOf(pastArgument(path));
}

/** As {@link ledgerArgument}, for questions that only commands ask. */
export function pastArgument(path: string): Past {
  try {
    return openPast(path, progress);
  } catch (error) {
    if (isLedgerNotFound(error)) throw new UsageError(`--ledger ${error.message}`);
    throw error;
  }
}
