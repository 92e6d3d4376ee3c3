// `ledgerproxy import RECORDING`: makes a ledger of a recorded watch, with the clock of then, so that it can be asked about that time.

import { readTextUpTo } from "../../ingest/bounded_file.ts";
import { readWatchRecording } from "../../ingest/watch_recording.ts";
import { segmentNames } from "../../ledger/format.ts";
import { folderStorage } from "../../ledger/storage.ts";
import { LedgerWriter } from "../../ledger/writer.ts";
import { MANIFEST_BYTES_MAX } from "../../limits.ts";
import { settings } from "../../node/config.ts";
import { EXIT } from "../../node/exit_code.ts";
import { importEvents } from "../../node/import_recording.ts";
import { log } from "../../node/log.ts";
import { configRecord } from "../../node/start.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { printLines } from "../terminal.ts";

/** Flags of `import`. */
export interface ImportOptions {
  readonly ledger: string;
  readonly node: string;
}

const EXAMPLE = `
Example:
  ledgerproxy import monday.ndjson --ledger ./monday
  ledgerproxy services --ledger ./monday --at 09:30

Each line of a recording is an object with time (RFC 3339), kind, and either
type LIST with items, or type ADDED, MODIFIED or DELETED with object.`;

/** Adds `import` to the program. */
export function addImport(program: Command, done: Done): void {
  program.command("import")
    .description("make a ledger of a recorded watch, with the times of the recording")
    .argument("<recording>", "file with a line of JSON for each event of the watch")
    .requiredOption("--ledger <dir>", "folder of the new ledger, which has none yet")
    .option("--node <name>", "name of the node whose rules are worked out", "")
    .addHelpText("after", EXAMPLE)
    .action((recording: string, options: ImportOptions) => done(importCommand(recording, options)));
}

/** Returns 1 where lines could not be read. Throws UsageError. */
function importCommand(recording: string, { ledger: folder, node }: ImportOptions): number {
  const { events, problems } = readWatchRecording(readTextUpTo(recording, MANIFEST_BYTES_MAX));
  for (const problem of problems) log.warn(`${recording}: ${problem}`);
  if (events.length === 0) throw new UsageError(`${recording}: it has no event of a recorded watch`);
  const storage = folderStorage(folder, true);
  if (segmentNames(storage).length > 0) throw new UsageError(`--ledger ${folder}: it has a ledger already`);
  const config = configRecord(settings({ node }));
  using writer = new LedgerWriter(storage, { policy: "interval" });
  const ordered = events.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const { commits } = importEvents(writer, ordered, config, recording);
  writer.sync();
  printLines([
    `${folder}: ${events.length} events, ${commits} commits, ${ordered[0]!.time} to ${ordered.at(-1)!.time}`,
  ]);
  return problems.length === 0 ? EXIT.done : EXIT.found;
}
