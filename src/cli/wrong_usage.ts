// From what the library says is wrong to wrong usage: exit code 2, and a message that says what to write instead.

import { readPacket } from "../history/packet_words.ts";
import { parsePosition, type PositionExpression } from "../history/position_expression.ts";
import type { Packet } from "../history/trace.ts";
import type { History } from "../history/history.ts";
import { isLedgerNotFound, openLedger } from "../library/open_ledger.ts";
import { progress } from "../node/progress.ts";
import { UsageError } from "../node/usage_error.ts";

/** What was read, where it is not the reason why it cannot be. `flag` goes before the reason. Throws UsageError. */
export function accepted<T extends object | ((...args: never[]) => unknown)>(read: T | string, flag = ""): T {
  if (typeof read === "string") throw new UsageError(`${flag}${read}`);
  return read;
}

/** A position on the command line. Throws UsageError. */
export function positionArgument(text: string): PositionExpression {
  return accepted(parsePosition(text));
}

/** A packet on the command line, which comes in by the interface `from`. Throws UsageError. */
export function packetArgument(source: string, target: string, from: string | undefined): Packet {
  return accepted(readPacket(source, target, from));
}

/** The ledger in folder `path`; long questions report their progress on stderr. Throws UsageError. */
export function askedLedger(path: string): History {
  try {
    return openLedger(path, progress);
  } catch (error) {
    if (isLedgerNotFound(error)) throw new UsageError(`--ledger ${error.message}`);
    throw error;
  }
}
