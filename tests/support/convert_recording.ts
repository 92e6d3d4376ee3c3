// Converts a recorded watch (lines of JSON) into a ledger that `--source` can play:
//   deno run -A tests/support/convert_recording.ts fixtures/api/evening.ndjson FOLDER
// The ledger's id is fixed, so the same input gives the same bytes.

import { readWatchRecording } from "../../src/ingest/watch_recording.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";

/** Id of every converted ledger. */
const LEDGER_ID = "00000000eeeeeeee";

/** Writes the events of the watch recording `text` as a new ledger into `folder`; returns the problems. */
export function convertRecording(text: string, folder: string): string[] {
  const { events, problems } = readWatchRecording(text);
  using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval", ledger: LEDGER_ID });
  writer.append(events.map((event) => ({ kind: "event", ...event })));
  return problems;
}

if (import.meta.main) {
  const [from, to] = Deno.args;
  for (const problem of convertRecording(Deno.readTextFileSync(from!), to!)) console.error(problem);
}
