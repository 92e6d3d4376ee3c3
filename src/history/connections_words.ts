// The text that `connections` prints: a line for each endpoint with its connections, or a line for each connection.

import { countText } from "../count_text.ts";
import { type EndpointConnections, isOpen } from "./connections.ts";
import type { TimeText } from "./record_words.ts";
import { tableLines, tableOr } from "./table_words.ts";

/** A line for each endpoint, and one that sums them up. */
export function connectionsLines(rows: readonly EndpointConnections[], timeText: TimeText): string[] {
  const head = [
    "SERVICE",
    "ENDPOINT",
    "OPEN",
    "OVER",
    "CONDITION",
    "NODE",
    "POD",
    "OLDEST",
    "NO NEW ONES SINCE",
  ];
  const cells = rows.map((row) => [
    servedPort(row),
    row.endpoint,
    String(row.open),
    String(row.over),
    conditionText(row),
    row.node,
    row.pod,
    row.oldest === null ? "" : timeText(row.oldest),
    leftText(row, timeText),
  ]);
  return [...tableOr("there are no connections", head, cells), ...(rows.length === 0 ? [] : [sumLine(rows)])];
}

/** `shop/web:http`; `10.96.0.1:80/tcp` where no Service has that address. */
function servedPort({ service, port }: EndpointConnections): string {
  return service === "" ? port : `${service}:${port}`;
}

function conditionText({ service, condition, leaving }: EndpointConnections): string {
  if (service === "") return "no Service";
  return leaving && condition === "ready" ? "ready, not for this node" : condition;
}

function leftText({ left, leaving }: EndpointConnections, timeText: TimeText): string {
  if (left !== null) return `@${left.offset} ${timeText(left.time)} ${left.what}`;
  return leaving ? "not kept" : "";
}

function sumLine(rows: readonly EndpointConnections[]): string {
  const open = rows.reduce((sum, row) => sum + row.open, 0);
  const services = new Set(rows.filter(({ service }) => service !== "").map(({ service }) => service)).size;
  const leaving = rows.reduce((sum, row) => sum + (row.leaving ? row.open : 0), 0);
  return `${open} open, of ${
    countText(services, "Service")
  }; ${leaving} of them to endpoints that get no new ones`;
}

/** A line for each connection that is open. */
export function eachConnectionLines(
  rows: readonly EndpointConnections[],
  commitAt: (time: string) => number | undefined,
  timeText: TimeText,
): string[] {
  const cells = rows.flatMap((row) =>
    row.connections.filter(isOpen).map(({ client, target, state, began }) => [
      client,
      `${target}/${row.protocol}`,
      row.endpoint,
      servedPort(row),
      state,
      began === null ? "" : timeText(began),
      began === null ? "" : placedText(commitAt(began)),
    ])
  );
  if (cells.length === 0) return ["there are no open connections"];
  return tableLines([["CLIENT", "FRONTEND", "ENDPOINT", "SERVICE", "STATE", "BEGAN", "PLACED BY"], ...cells]);
}

function placedText(commit: number | undefined): string {
  return commit === undefined ? "not kept" : `@${commit}`;
}

/** `14 open: shop/web:http 10, shop/api:grpc 4`. */
export function drainLine(rows: readonly EndpointConnections[]): string {
  const counts = new Map<string, number>();
  for (const row of rows) {
    if (row.open > 0) counts.set(servedPort(row), (counts.get(servedPort(row)) ?? 0) + row.open);
  }
  const open = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([place, count]) => `${place} ${count}`);
  return open === 0 ? "no open connection is left" : `${open} open: ${parts.join(", ")}`;
}
