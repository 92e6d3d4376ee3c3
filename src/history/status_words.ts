// The text that `status` prints: a sentence about the whole, then the findings, worst first.

import type { TimeText } from "./record_words.ts";
import type { Finding, NodeState } from "./status.ts";

const MARKS: Readonly<Record<Finding["severity"], string>> = {
  failing: "FAILING",
  warning: "warning",
  note: "note",
};

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
    `${services} Services, ${endpoints} endpoints`,
    ...findings.map(({ severity, topic, text }) => `${MARKS[severity]}  ${topic}: ${text}`),
    ...(findings.length === 0 ? ["nothing is wrong"] : []),
  ];
}

/** Whether a finding is more than a note. */
export function isProblem({ severity }: Finding): boolean {
  return severity !== "note";
}
