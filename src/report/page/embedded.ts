/// <reference lib="dom" />
// What the program put into the page.

import { DATA_ID } from "../html.ts";
import type { ReportData } from "../report_data.ts";

/** Reads it. Throws where the page is not whole. */
export async function embedded(): Promise<ReportData> {
  const base64 = document.getElementById(DATA_ID)?.textContent ?? "";
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(text).json() as ReportData;
}
