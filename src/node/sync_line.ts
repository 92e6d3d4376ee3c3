// The log line of a sync.

import type { SyncReport } from "../engine/sync_report.ts";

/** How many ServicePorts a line names. */
const SERVICES_SHOWN = 3;
/** Between thousands. */
const THOUSANDS = /\B(?=(?:\d{3})+$)/g;

/** `@142  12 records  8 operations  214 us  shop/web:http`. */
export function syncLine(report: SyncReport): string {
  const { position, records, operations, microseconds, services, rebuilt } = report;
  const shown = services.slice(0, SERVICES_SHOWN).join(", ");
  const more = services.length > SERVICES_SHOWN ? ` and ${services.length - SERVICES_SHOWN} more` : "";
  return [
    `@${position}`,
    counted(records, "record"),
    counted(operations, "operation"),
    `${numberText(microseconds)} us`,
    `${rebuilt ? "skeleton written, " : ""}${shown}${more}`,
  ].join("  ");
}

/** `1 record`, `12 records`. */
function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1,234`. Why not Intl.NumberFormat? Making the first one takes 6 ms of each start. */
function numberText(value: number): string {
  return Math.round(value).toString().replace(THOUSANDS, ",");
}
