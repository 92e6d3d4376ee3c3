// How moments and changes are written for people.

import type { CommittedChange } from "../ledger/record.ts";

/** `2026-11-23 03:12:00.123 +01:00`: the zone of this machine, with its offset. */
export function localTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "unknown time";
  const minutes = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + minutes * 60_000).toISOString().replace("T", " ").replace("Z", "");
  const two = (number: number) => String(number).padStart(2, "0");
  const zone = `${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${
    two(Math.abs(minutes) % 60)
  }`;
  return `${local} ${zone}`;
}

/** `+ ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . 0 : 10.244.0.1 . 8080 }  shop/web:http  by @12`. */
export function changeLine({ verb, set, key, value, comment, cause }: CommittedChange): string {
  const data = value === undefined ? "" : ` : ${value}`;
  const name = comment === undefined ? "" : `  ${comment}`;
  return `${verb === "add" ? "+" : "-"} ${set} { ${key}${data} }${name}  by @${cause}`;
}
