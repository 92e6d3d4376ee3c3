// `ledgerproxy import RECORDING...`: makes a ledger of what was recorded elsewhere, with the clock of then, so that it can be asked
// about that time.

import { parseTime } from "../../history/time_expression.ts";
import { readTextUpTo } from "../../ingest/bounded_file.ts";
import { type FormedRecording, readRecording, UnknownRecording } from "../../ingest/recording_forms.ts";
import { mergedEvents } from "../../ingest/recorded_events.ts";
import { segmentNames } from "../../ledger/format.ts";
import { folderStorage } from "../../ledger/storage.ts";
import { LedgerWriter } from "../../ledger/writer.ts";
import { IMPORT_PROBLEMS_MAX, MANIFEST_BYTES_MAX } from "../../limits.ts";
import { settings } from "../../node/config.ts";
import { EXIT } from "../../node/exit_code.ts";
import { importEvents } from "../../node/import_recording.ts";
import { log } from "../../node/log.ts";
import { configRecord } from "../../node/start.ts";
import { UsageError } from "../../node/usage_error.ts";
import type { Command, Done } from "../command_line.ts";
import { localClock } from "../local_time.ts";
import { printLines } from "../terminal.ts";

/** Flags of `import`. */
export interface ImportOptions {
  readonly ledger: string;
  readonly node: string;
  /** In milliseconds. */
  readonly began?: number;
}

const EXAMPLE = `
A recording is one of these, which its content shows:
  lines of {"time": RFC 3339, "kind", "type": "LIST", "items": [...]}, or with
    "type": ADDED, MODIFIED or DELETED, and "object"
  what kubectl get --watch -o json printed, a file for each kind: best with
    --output-watch-events --show-managed-fields, or with a time in each event
  an audit log of the API server, with level RequestResponse
  a recording of KWOK (kwokctl snapshot export --record); it needs --began

Examples:
  kubectl get endpointslices -A --watch --output-watch-events -o json |
      jq --unbuffered -c '{time: (now | todate)} + .' > slices.json
  ledgerproxy import services.json slices.json --ledger ./monday
  ledgerproxy services --ledger ./monday --at 09:30`;

/** Adds `import` to the program. */
export function addImport(program: Command, done: Done): void {
  program.command("import")
    .description("make a ledger of recordings of other programs, with the times of the recordings")
    .argument("<recordings...>", "files of watches, of kubectl, of KWOK, or audit logs")
    .requiredOption("--ledger <dir>", "folder of the new ledger, which has none yet")
    .option("--node <name>", "name of the node whose rules are worked out", "")
    .option(
      "--began <time>",
      "when a recording began that has no times of day: 2026-11-23T09:30:00Z",
      timeArgument,
    )
    .addHelpText("after", EXAMPLE)
    .action((recordings: readonly string[], options: ImportOptions) =>
      done(importCommand(recordings, options))
    );
}

/** Returns 1 where lines could not be read. Throws UsageError. */
function importCommand(
  recordings: readonly string[],
  { ledger: folder, node, began }: ImportOptions,
): number {
  const read = recordings.map((path) => readFile(path, began));
  const events = mergedEvents(read);
  if (events.length === 0) {
    throw new UsageError(`${recordings.join(", ")}: no event of a kind that decides rules`);
  }
  const storage = folderStorage(folder, true);
  if (segmentNames(storage).length > 0) throw new UsageError(`--ledger ${folder}: it has a ledger already`);
  using writer = new LedgerWriter(storage, { policy: "interval" });
  const name = read.map(({ form, notes }, i) => [`${recordings[i]} (${form})`, ...notes].join("; ")).join(
    ", ",
  );
  const { commits } = importEvents(writer, events, configRecord(settings({ node })), name);
  writer.sync();
  const [first, last] = [events[0]!.time, events.at(-1)!.time];
  printLines([`${folder}: ${events.length} events, ${commits} commits, ${first} to ${last}`]);
  return read.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.found;
}

/** The recording at `path`. What could not be read of it is logged. Throws UsageError. */
function readFile(path: string, began: number | undefined): FormedRecording {
  const recording = readFormed(path, began);
  const { problems, notes } = recording;
  for (const problem of problems.slice(0, IMPORT_PROBLEMS_MAX)) log.warn(`${path}: ${problem}`);
  if (problems.length > IMPORT_PROBLEMS_MAX) {
    log.warn(`${path}: and ${problems.length - IMPORT_PROBLEMS_MAX} more lines that could not be read`);
  }
  for (const note of notes) log.info(`${path}: ${note}`);
  return recording;
}

function readFormed(path: string, began: number | undefined): FormedRecording {
  try {
    return readRecording(readTextUpTo(path, MANIFEST_BYTES_MAX), began);
  } catch (error) {
    if (error instanceof UnknownRecording) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

/** A moment in milliseconds. Throws UsageError. */
function timeArgument(text: string): number {
  const moment = parseTime(text, localClock());
  if (moment === undefined) {
    throw new UsageError(`--began ${text}: a time is expected, such as 2026-11-23T09:30:00Z`);
  }
  return moment;
}
