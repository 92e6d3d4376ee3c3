// The text that `top` prints: three tables, and a fourth where connections are counted.

import { foldedText, type TimeText } from "./record_words.ts";
import { lengthText, rangeText, tableOr } from "./table_words.ts";
import type { Top } from "./top.ts";

/** The tables of the busiest Services, the flapping endpoints, the slowest commits and, where they are counted, connections. */
export function topLines(
  { from, through, services, endpoints, commits, connections }: Top,
  timeText: TimeText,
): string[] {
  return [
    rangeText(from, through),
    "",
    ...tableOr(
      "no Service changed",
      ["CHANGES", "ENDPOINTS", "SERVICE", "LAST"],
      services.map(({ service, changes, endpoints, last }) => [
        String(changes),
        String(endpoints),
        service,
        `@${last}`,
      ]),
    ),
    "",
    ...tableOr(
      "no endpoint came back",
      ["CAME BACK", "ENDPOINT", "SERVICE", "LAST"],
      endpoints.map(({ endpoint, service, flaps, last }) => [String(flaps), endpoint, service, `@${last}`]),
    ),
    "",
    ...tableOr(
      "nothing was committed",
      ["IN THE KERNEL", "OPERATIONS", "COMMIT", "TIME", "RECORDS"],
      commits.map((one) => [
        lengthText(one.microseconds / 1000),
        String(one.operations),
        `@${one.offset}`,
        timeText(one.time),
        foldedText(one),
      ]),
    ),
    ...(connections === undefined ? [] : [
      "",
      "counted by the kernel until now, whatever the range is:",
      ...tableOr(
        "the kernel has counted no connection",
        ["CONNECTIONS", "REFUSED", "SERVICE"],
        connections.map(({ served, refused, service }) => [String(served), String(refused), service]),
      ),
    ]),
  ];
}
