// The text that `diff` prints: a line with "-" for the element of the first side, a line with "+" for that of the second.

import { elementText } from "../nft/text.ts";
import type { ElementDifference } from "./diff.ts";

/** The lines of one difference; the last line names its cause. */
export function differenceLines({ set, before, after, cause }: ElementDifference): string[] {
  const by = cause === null ? "" : `   @${cause.offset} ${cause.what}`;
  const removed = before === null ? [] : [`- ${set} { ${elementText(before)} }`];
  const added = after === null ? [] : [`+ ${set} { ${elementText(after)} }`];
  const lines = [...removed, ...added];
  return lines.map((line, i) => i === lines.length - 1 ? `${line}${by}` : line);
}
