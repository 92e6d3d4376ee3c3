// The text that `status` prints: a sentence about the whole, then the findings, worst first.

import { countText } from "../count_text.ts";
import type { TimeText } from "./record_words.ts";
import type { Finding, NodeState } from "./status.ts";

const MARKS: Readonly<Record<Finding["severity"], string>> = {
  failing: "FAILING",
  warning: "warning",
  note: "note",
};

/** A time in the text of a finding, which programs read too. */
const RFC3339 = /\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g;

/**
 * The state as lines:
 *
 *     node node-b at @317, 03:14:02.113: in sync: the kernel has the rules of @316
 *     12 Services, 31 endpoints
 *     warning  endpoints: 1 Service without endpoints: shop/cart
 */
export function statusLines(state: NodeState, timeText: TimeText): string[] {
  const { at, time, node, committed, inSync, removed, services, endpoints, findings } = state;
  const rules = committed === null
    ? "nothing was committed"
    : removed !== null
    ? `REMOVED: the kernel had the rules of @${committed}`
    : inSync
    ? `in sync: the kernel has the rules of @${committed}`
    : `NOT in sync: the kernel has the rules of @${committed}`;
  return [
    `${node === "" ? "a node without a name" : `node ${node}`} at @${at}${
      time === "" ? "" : `, ${timeText(time)}`
    }: ${rules}`,
    `${countText(services, "Service")}, ${countText(endpoints, "endpoint")}`,
    ...findings.map(({ severity, topic, text }) =>
      `${MARKS[severity]}  ${topic}: ${text.replace(RFC3339, timeText)}`
    ),
    ...(findings.length === 0 ? ["nothing is wrong"] : []),
  ];
}

/** Whether a finding is more than a note. */
export function isProblem({ severity }: Finding): boolean {
  return severity !== "note";
}
