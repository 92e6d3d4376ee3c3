// `ledgerproxy diff A B`: the elements that change from one position to another, or to what the kernel holds.

import { printList } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { list } from "../../engine/run_loop.ts";
import { NetlinkKernel } from "../../kernel/netlink_kernel.ts";
import type { Storage } from "../../ledger/storage.ts";
import { separated } from "../../nft/objects.ts";
import type { Element, ElementKey, Elements, SetPath } from "../../nft/ruleset.ts";
import { elementText } from "../../nft/text.ts";
import { diff, type ElementChange } from "../../plan/delta.ts";
import { POSITION_PATH } from "../../plan/position.ts";
import { beliefAt, type Cause, causeOf, existingLedger, offsetAt } from "../ledger_history.ts";
import { parsePosition } from "../position_argument.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `diff`. */
export interface DiffOptions {
  readonly ledger: string;
  /** Ledger that B is in; the same unless given. */
  readonly other?: string;
  readonly json?: boolean;
}

interface Side {
  readonly elements: Elements;
  cause(set: SetPath, key: ElementKey): Cause | undefined;
}

/** Prints the changes; returns 1 when there are any. */
export function diffCommand(a: string, b: string, { ledger, other, json }: DiffOptions): number {
  const storage = existingLedger(ledger);
  const [before, after] = [
    sideAt(storage, a),
    sideAt(other === undefined ? storage : existingLedger(other), b),
  ];
  const changes = diff(before.elements, after.elements).filter(({ set }) => set !== POSITION_PATH);
  if (json) { for (const change of changes) print(change, before, after); }
  else printList(changes.flatMap((change) => lines(change, before, after)));
  return changes.length === 0 ? 0 : 1;
}

function sideAt(storage: Storage, position: string): Side {
  if (position !== "kernel") {
    const belief = beliefAt(storage, offsetAt(storage, parsePosition(position)));
    return { elements: belief.state.desired, cause: (set, key) => causeOf(belief, set, key) };
  }
  using kernel = new NetlinkKernel();
  const listed = list(kernel);
  if (listed.kind !== "listed") {
    throw new UsageError("kernel: our tables hold what this program never writes");
  }
  return { elements: separated(listed.ruleset).elements, cause: () => undefined };
}

function print({ set, key, before: old, after: now }: ElementChange, before: Side, after: Side): void {
  const cause = causeOfChange(before, after, set, key) ?? null;
  printJson("diff/1", { set, key, before: plain(old), after: plain(now), cause });
}

function lines({ set, key, before: old, after: now }: ElementChange, before: Side, after: Side): string[] {
  const cause = causeOfChange(before, after, set, key);
  const by = cause === undefined ? "" : `   @${cause.offset} ${cause.what}`;
  return [
    ...(old === undefined ? [] : [`- ${set} { ${elementText(old)} }${now === undefined ? by : ""}`]),
    ...(now === undefined ? [] : [`+ ${set} { ${elementText(now)} }${by}`]),
  ];
}

/** What put it there is known of the new side; what took it away, of the side that still has it. */
function causeOfChange(before: Side, after: Side, set: SetPath, key: ElementKey): Cause | undefined {
  return after.cause(set, key) ?? before.cause(set, key);
}

/** Chains and sets have more, for the kernel. */
function plain(element: Element | undefined) {
  return element === undefined ? null : { key: element.key, value: element.value, comment: element.comment };
}
