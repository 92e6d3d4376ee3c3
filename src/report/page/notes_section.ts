/// <reference lib="dom" />
// The end of the page: how its figures are measured, and what a ledger does not contain.

import { element, section } from "./dom.ts";

/** Each figure, and what it is. */
const NOTES = [
  [
    "Trigger",
    "when the EndpointSlice controller says that a change began. Counted once for each new value, without changes from before the first event of the window. The time is from the clock of another machine.",
  ],
  ["Arrival", "when this node received the event, to the millisecond."],
  [
    "Append",
    "is not recorded. A record is appended between its arrival and its commit; --fsync decides whether it is durable before the commit.",
  ],
  [
    "Commit",
    "when the kernel had acknowledged the batch. Time in the kernel is the duration of the system call that commits.",
  ],
  [
    "Not known",
    "the delay between API server and node apart from the trigger; entries of connection tracking; whether a packet was really sent.",
  ],
] as const;

/** The section. */
export function notesSection(): HTMLElement {
  return section(
    "notes",
    "How to read this",
    element(
      "dl",
      { class: "notes" },
      ...NOTES.flatMap(([term, text]) => [
        element("dt", {}, term),
        element("dd", {}, text),
      ]),
    ),
  );
}
