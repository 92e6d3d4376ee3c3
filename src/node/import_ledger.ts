// What `import` does with what it has read: makes a ledger of recordings, and adds the writers in audit logs to a ledger that is there.

import type { AuditedWrite } from "../ingest/audit_log.ts";
import { mergedEvents } from "../ingest/recorded_events.ts";
import type { FormedRecording } from "../ingest/recording_forms.ts";
import { segmentNames } from "../ledger/format.ts";
import type { LedgerView } from "../ledger/ledger_view.ts";
import { folderStorage } from "../ledger/storage.ts";
import { type LedgerWriter, writeNewLedger } from "../ledger/writer.ts";
import { writeWriters } from "../ledger/writers_file.ts";
import { settings } from "./config.ts";
import { joinedWriters } from "./import_audit.ts";
import { type Imported, importEvents } from "./import_recording.ts";
import { configRecord } from "./start.ts";
import { UsageError } from "./usage_error.ts";

/** A recording that was read from a file. */
export interface RecordingFile extends FormedRecording {
  readonly path: string;
}

/** A ledger that was made. */
export interface MadeLedger extends Imported {
  /** RFC 3339, of the first event and of the last. */
  readonly times: readonly [string, string];
}

/** Makes the ledger of `recordings` in `folder`, as the node called `node` would have written it. Throws UsageError, LedgerUnwritten. */
export function makeLedger(folder: string, recordings: readonly RecordingFile[], node: string): MadeLedger {
  const events = mergedEvents(recordings);
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) {
    throw new UsageError(
      `${recordings.map(({ path }) => path).join(", ")}: no event of a kind that decides rules`,
    );
  }
  const storage = folderStorage(folder, true);
  if (segmentNames(storage).length > 0) {
    throw new UsageError(`--ledger ${folder}: it has a ledger already; give a folder that is new or empty`);
  }
  const name = recordings.map(({ path, form, notes }) => [`${path} (${form})`, ...notes].join("; ")).join(
    ", ",
  );
  const config = configRecord(settings({ node }));
  const fill = (writer: LedgerWriter) => importEvents(writer, events, config, name);
  const made = writeNewLedger(storage, { policy: "interval" }, fill);
  return { ...made, times: [first.time, last.time] };
}

/** How many events a ledger has, and of how many the writer is known. */
export interface JoinedAudit {
  readonly events: number;
  readonly known: number;
}

/** Adds the writers in `writes` to the ledger `view` in `folder`, in a file of its own: what was recorded stays as it is. */
export function joinAudit(
  folder: string,
  view: LedgerView<unknown>,
  writes: Iterable<AuditedWrite>,
): JoinedAudit {
  const kept = [...view.writers()].filter(([offset]) => offset >= view.first());
  const writers = new Map([...kept, ...joinedWriters(view.records(), writes)]);
  if (writers.size > 0) writeWriters(folderStorage(folder, false), view.id(), writers);
  const events = [...view.records()].filter(({ record }) => record.kind === "event").length;
  return { events, known: writers.size };
}
