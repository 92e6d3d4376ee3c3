/// <reference lib="dom" />
// Receives what is written to the ledger while the page is open, from the program that serves it.

import type { ReportGrowth } from "../report_data.ts";
import { element } from "./dom.ts";
import type { Report } from "./report.ts";

/** Milliseconds until a connection that ended is tried again. */
const AGAIN = 2000;
/** After records were shown the page rests this many times as long as that took: it stays usable however fast they come. */
const REST = 4;

/** What the line about the connection says. */
const SAID = {
  live: "live: new commits appear by themselves",
  away: "the program that serves this page does not answer: the page shows what it received",
  other: "another program answers here now: open the address that it printed",
} as const;

/** A line about the connection. From now on new records are shown as they arrive. */
export function liveStatus(report: Report): HTMLElement {
  const status = element("p", { class: "quiet", role: "status" }, SAID.live);
  void follow(report, (said) => {
    status.textContent = SAID[said];
    status.classList.toggle("bad", said !== "live");
  });
  return status;
}

async function follow(report: Report, say: (said: keyof typeof SAID) => void): Promise<void> {
  for (;;) {
    try {
      say(await received(report, () => say("live")));
    } catch {
      // The reason is in the browser's console.
      say("away");
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

/** Shows records until the answer ends; returns what that means. */
async function received(report: Report, began: () => void): Promise<keyof typeof SAID> {
  const { first, records } = report.timeline;
  const answer = await fetch(`records?ledger=${report.data.ledger}&after=${first + records.length - 1}`);
  // The ledger does not have the records in between any more, or another one is in its folder.
  if (answer.status === 410) location.reload();
  if (answer.status === 404) return "other";
  if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
  began();
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = `${rest}${part.value}`.split("\n");
    rest = lines.pop()!;
    if (lines.length === 0) continue;
    // The program of the same version wrote them.
    const all: ReportGrowth[] = lines.map((line) => JSON.parse(line));
    const begin = performance.now();
    report.append({ records: all.flatMap((one) => one.records), outages: all.at(-1)!.outages });
    const rested = REST * (performance.now() - begin);
    // What is not read meanwhile waits in the program, which then sends it together.
    await new Promise((resolve) => setTimeout(resolve, rested));
  }
  return "away";
}
