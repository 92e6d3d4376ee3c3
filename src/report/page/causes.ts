/// <reference lib="dom" />
// How the page names a record: its offset as a link to that moment, the object, the time.

import { describeKey, type KubeObject, TRIGGER } from "../../kube/objects.ts";
import type { LedgerRecord } from "../../ledger/record.ts";
import { type Child, element } from "./dom.ts";
import type { Report } from "./report.ts";
import { duration, moment, timeOfDay } from "./words.ts";

/** `@313 EndpointSlice shop/web-a 09:28:06.085`; `before this window` where the offset is not known. */
export function causeLine(report: Report, offset: number | undefined): HTMLElement {
  const made = element("span", { class: "cause" });
  if (offset === undefined) {
    made.append("before this window");
    return made;
  }
  const record = report.data.records[offset - report.data.first];
  const earlier = report.earlierCause(offset);
  const what = record === undefined ? earlier?.what ?? "before this window" : describe(record);
  const time = Date.parse(record?.time ?? earlier?.time ?? "");
  const when = Number.isNaN(time) ? "" : ` ${timeOfDay(time, report.zone)}`;
  made.append(
    position(report, offset),
    element("span", {}, ` ${what}`),
    element("span", { class: "quiet" }, when),
  );
  return made;
}

/** `@313`, as a link where the window has that record. */
export function position({ data }: Report, offset: number): HTMLElement {
  const within = offset >= data.first && offset < data.first + data.records.length;
  const text = `@${offset}`;
  return within
    ? element("a", { href: `#${text}`, class: "offset" }, text)
    : element("span", { class: "offset" }, text);
}

/** `EndpointSlice shop/web-a (deleted)`, `config`. */
export function describe(record: LedgerRecord): string {
  if (record.kind !== "event") return record.kind;
  return `${describeKey(record.key)}${record.value === null ? " (deleted)" : ""}`;
}

/** Version and arrival of a record, and the time since its trigger, where that differs from the one of `before`. */
export function provenance({ zone }: Report, record: LedgerRecord, before?: KubeObject): Child[] {
  const arrived = `arrived ${moment(Date.parse(record.time), zone)}`;
  if (record.kind !== "event") return [arrived];
  const text = record.value?.metadata.annotations?.[TRIGGER] ?? "";
  const trigger = text === before?.metadata.annotations?.[TRIGGER] ? NaN : Date.parse(text);
  const late = Number.isNaN(trigger)
    ? ""
    : `, triggered ${duration(Date.parse(record.time) - trigger)} before`;
  const version = record.resourceVersion === "" ? "" : `resourceVersion ${record.resourceVersion}, `;
  return [`${version}${arrived}${late}`];
}
