/// <reference lib="dom" />
// Receives what is written to the ledger while the page is open, from the program that serves it.

import type { ReportGrowth } from "../report_data.ts";
import { element } from "./dom.ts";
import type { Report } from "./report.ts";

/** Milliseconds until a connection that ended is tried again. */
const AGAIN = 2000;

/** A line about the connection. From now on new records are shown as they arrive. */
export function liveStatus(report: Report): HTMLElement {
  const status = element("p", { class: "quiet", role: "status" }, "live: new commits appear by themselves");
  void follow(report, (text) => status.textContent = text);
  return status;
}

async function follow(report: Report, say: (text: string) => void): Promise<void> {
  for (;;) {
    try {
      await receive(report, () => say("live: new commits appear by themselves"));
      say("the program that serves this page ended its answer");
    } catch {
      // The reason is in the browser's console.
      say("the program that serves this page does not answer: the page shows what it received");
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

/** Adds records until the answer ends. */
async function receive(report: Report, began: () => void): Promise<void> {
  const { first, records } = report.timeline;
  const answer = await fetch(`records?after=${first + records.length - 1}`);
  if (!answer.ok || answer.body === null) throw new Error(`status ${answer.status}`);
  began();
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = `${rest}${part.value}`.split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      // The program of the same version wrote it.
      const growth: ReportGrowth = JSON.parse(line);
      report.append(growth);
    }
  }
}
