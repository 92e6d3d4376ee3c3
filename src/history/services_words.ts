// The text that `services` and `endpoints` print: a line for each Service, or one Service with its frontends and endpoints.

import { countText } from "../count_text.ts";
import type { CountedConnections } from "./counted_connections.ts";
import type { EndpointState, ServiceState } from "./services.ts";
import type { ListedEndpoint } from "./services_about.ts";
import type { JournalCause } from "./outages.ts";
import type { TimeText } from "./record_words.ts";
import { tableLines, tableOr } from "./table_words.ts";

/** A line for each Service. `wide` adds all frontends and the settings that are not the default. */
export function servicesLines(
  services: readonly ServiceState[],
  wide: boolean,
  timeText: TimeText,
): string[] {
  const isCounted = services.some(({ connections }) => connections !== undefined);
  const counted = isCounted ? ["CONNECTIONS"] : [];
  const head = ["SERVICE", "TYPE", "FRONTEND", "READY", ...counted, "STATE", "LAST CHANGE"];
  const rows = services.map((one) => [
    one.service,
    one.type,
    frontendCell(one, wide),
    `${one.ready}/${one.total}`,
    ...(isCounted ? [countedText(one.connections)] : []),
    stateText(one),
    changeText(one.changed, timeText),
    ...(wide ? [one.policies.join(", ")] : []),
  ]);
  return tableOr("there are no Services", wide ? [...head, "POLICIES"] : head, rows);
}

function frontendCell({ frontends }: ServiceState, wide: boolean): string {
  const texts = frontends.map(({ text }) => text);
  if (wide || texts.length <= 1) return texts.join(",") || "none";
  return `${texts[0]} +${texts.length - 1}`;
}

/** `12`, `12, 3 refused`. */
function countedText({ served, refused }: CountedConnections = { served: 0, refused: 0 }): string {
  return refused === 0 ? String(served) : `${served}, ${refused} refused`;
}

/** `12 connections, 3 refused`. */
function connectionsText({ served, refused }: CountedConnections): string {
  return `${countText(served, "connection")}${refused === 0 ? "" : `, ${refused} refused`}`;
}

/** `ok`, or what is wrong with it. */
export function stateText({ aside, lacking, frontends, type }: ServiceState): string {
  if (aside !== "") return "set aside";
  if (type === "ExternalName" || type === "headless") return "not balanced";
  if (lacking.length > 0) return `no endpoints: ${lacking.join(", ")}`;
  const held = frontends.find(({ leads }) => leads === "held");
  if (held !== undefined) return `${held.text} is held by ${held.holder}`;
  return "ok";
}

function changeText(changed: JournalCause | null, timeText: TimeText): string {
  return changed === null ? "not kept" : `@${changed.offset} ${timeText(changed.time)} ${changed.what}`;
}

/** One Service with its frontends and endpoints. */
export function serviceLines(one: ServiceState, timeText: TimeText): string[] {
  const { service, type, ready, total, policies, frontends, endpoints, changed, aside } = one;
  return [
    [`${service}  ${type}  ${ready}/${total} ready  ${stateText(one)}`, ...policies].join("  "),
    ...(aside === "" ? [] : [`  set aside: ${aside}`]),
    ...indented(tableLines(frontends.map(({ text, port, kind, leads, holder, connections }) => [
      text,
      port,
      kind,
      leads === "held" ? `held by ${holder}` : `to ${leads}`,
      ...(connections === undefined ? [] : [connectionsText(connections)]),
    ]))),
    ...indented(tableLines(endpoints.map((one) => [...endpointCells(one), sinceText(one, timeText)]))),
    `  last change: ${changeText(changed, timeText)}`,
  ];
}

function endpointCells(
  { endpoint, port, condition, traffic, weight, connections, node, zone, pod }: EndpointState,
): string[] {
  const share = weight === 1 ? "" : `, weight ${weight}`;
  const count = connections === undefined ? "" : `, ${countText(connections, "connection")}`;
  return [endpoint, port, condition, `${TRAFFIC[traffic]}${share}${count}`, node, zone, pod];
}

const TRAFFIC: Readonly<Record<EndpointState["traffic"], string>> = {
  all: "traffic",
  local: "local traffic",
  none: "no traffic",
};

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function sinceText({ since }: EndpointState, timeText: TimeText): string {
  return since === null ? "" : `@${since.offset} ${timeText(since.time)}`;
}

/** A line for each endpoint. `wide` adds its slice and what began to send traffic to it. */
export function endpointsLines(
  endpoints: readonly ListedEndpoint[],
  wide: boolean,
  timeText: TimeText,
): string[] {
  const head = ["SERVICE", "ENDPOINT", "PORT", "CONDITION", "GETS", "NODE", "ZONE", "POD", "SINCE"];
  const rows = endpoints.map((one) => [
    one.service,
    ...endpointCells(one),
    sinceText(one, timeText),
    ...(wide ? [one.since?.what ?? "", one.slice] : []),
  ]);
  return tableOr("there are no endpoints", wide ? [...head, "BY", "SLICE"] : head, rows);
}
