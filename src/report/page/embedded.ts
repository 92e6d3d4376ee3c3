/// <reference lib="dom" />
// Reads the data that `report` wrote into the page.

import { DATA_ID } from "../html.ts";
import type { ReportData } from "../report_data.ts";

/** The data of the page. Throws where the page is not complete. */
export async function embedded(): Promise<ReportData> {
  const base64 = document.getElementById(DATA_ID)?.textContent ?? "";
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  // The program of the same version wrote it, into this page: it is not checked again.
  const data: ReportData = await new Response(text).json();
  return data;
}
