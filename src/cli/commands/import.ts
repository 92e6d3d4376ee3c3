// `ledgerproxy import RECORDING...`: makes a ledger of what was recorded elsewhere, with the clock of then, so that it can be asked
// about that time.

import { countText } from "../../count_text.ts";
import { parseTime } from "../../history/time_expression.ts";
import { FileIsPipe, FileTooLong, readFault, readTextUpTo } from "../../ingest/bounded_file.ts";
import { auditedWrites } from "../../ingest/audit_log.ts";
import {
  type FormedRecording,
  FORMS,
  readRecording,
  UnknownRecording,
} from "../../ingest/recording_forms.ts";
import { IMPORT_PROBLEMS_MAX, MANIFEST_BYTES_MAX } from "../../limits/input.ts";
import { EXIT } from "../../node/exit_code.ts";
import { joinAudit, makeLedger, type RecordingFile } from "../../node/import_ledger.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pastArgument } from "../arguments.ts";
import type { Command, Done } from "../command_line.ts";
import { localClock } from "../local_time.ts";
import { printLines } from "../terminal.ts";

/** Flags of `import`. */
export interface ImportOptions {
  readonly ledger: string;
  readonly node: string;
  /** In milliseconds. */
  readonly began?: number;
  readonly audit?: readonly string[];
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
  ledgerproxy services --ledger ./monday --at 09:30
  ledgerproxy import --audit audit.log --ledger /var/lib/ledgerproxy/ledger`;

/** Adds `import` to the program. */
export function addImport(program: Command, done: Done): void {
  program.command("import")
    .description("make a ledger of recordings of other programs, with the times of the recordings")
    .argument("[recordings...]", "files of watches, of kubectl, of KWOK, or audit logs")
    .requiredOption("--ledger <dir>", "folder of the new ledger; with --audit alone, of one that is there")
    .option("--audit <files...>", "audit logs: who wrote the events of the ledger, for audit, blame and why")
    .option("--node <name>", "name of the node whose rules are worked out", "")
    .option(
      "--began <time>",
      "for a recording without times of day: when it began, such as 2026-11-23T09:30:00Z",
      timeArgument,
    )
    .addHelpText("after", EXAMPLE)
    .action((recordings: readonly string[], options: ImportOptions) =>
      done(importCommand(recordings, options))
    );
}

/** Returns 1 where lines could not be read, or no event has a writer. Throws UsageError. */
function importCommand(recordings: readonly string[], options: ImportOptions): number {
  const { ledger, node, began, audit = [] } = options;
  if (recordings.length === 0) requireAudit(options);
  // A pipe can be read once.
  const texts = recordings.map((path) => textOf(path));
  const read = recordings.map((path, i) => readReported(path, texts[i]!, began));
  if (read.length > 0) {
    if (began !== undefined && read.every(({ form }) => form !== FORMS.kwok)) {
      throw new UsageError("--began: these recordings have times of their own; leave it out");
    }
    const { events, commits, times: [first, last] } = makeLedger(ledger, read, node);
    printLines([
      `${ledger}: ${countText(events, "event")}, ${countText(commits, "commit")}, ${first} to ${last}`,
    ]);
  }
  // An audit log that the events come from has their writers too; what is wrong with its lines was reported.
  const reported = texts.filter((_, i) => read[i]!.form === FORMS.audit).map((text) => ({ text }));
  const logs = [...audit.map((path) => ({ path, text: textOf(path, "--audit ") })), ...reported];
  const code = logs.length === 0 ? EXIT.done : joinCommand(ledger, logs);
  return read.some(({ problems }) => problems.length > 0) ? EXIT.found : code;
}

/** Without recordings no ledger is made. Throws UsageError. */
function requireAudit({ audit = [], node, began }: ImportOptions): void {
  if (audit.length === 0) {
    throw new UsageError("give recordings, or --audit with the audit logs of a ledger that is there");
  }
  const [flag] = [...node === "" ? [] : [`--node ${node}`], ...began === undefined ? [] : ["--began"]];
  if (flag === undefined) return;
  throw new UsageError(`${flag}: it is about a ledger that is made; give recordings too, or leave it out`);
}

/** An audit log. Without a path its problems were reported. */
interface AuditLog {
  readonly path?: string;
  readonly text: string;
}

/** Adds the writers in audit `logs` to the ledger in `folder`. */
function joinCommand(folder: string, logs: readonly AuditLog[]): number {
  const past = pastArgument(folder);
  const problems: string[] = [];
  const writes = logs.flatMap(({ path, text }) => {
    const report = (line: number, problem: string) => {
      if (path !== undefined) problems.push(`${path}: line ${line}: ${problem}`);
    };
    return [...auditedWrites(text, report)];
  });
  logProblems(problems);
  const { events, known } = joinAudit(folder, past, writes);
  printLines([`${folder}: of ${countText(events, "event")} the writers of ${known} are known`]);
  return problems.length === 0 && known > 0 ? EXIT.done : EXIT.found;
}

function logProblems(problems: readonly string[]): void {
  for (const problem of problems.slice(0, IMPORT_PROBLEMS_MAX)) log.warn(problem);
  if (problems.length <= IMPORT_PROBLEMS_MAX) return;
  log.warn(`and ${countText(problems.length - IMPORT_PROBLEMS_MAX, "more line")} that could not be read`);
}

/** The recording `text`. What could not be read of it is logged. Throws UsageError. */
function readReported(path: string, text: string, began: number | undefined): RecordingFile {
  const recording = { path, ...readFormed(path, text, began) };
  const { problems, notes } = recording;
  logProblems(problems.map((problem) => `${path}: ${problem}`));
  for (const note of notes) log.info(`${path}: ${note}`);
  return recording;
}

function readFormed(path: string, text: string, began: number | undefined): FormedRecording {
  try {
    return readRecording(text, began);
  } catch (error) {
    if (error instanceof UnknownRecording) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

/** The content of a file; `flag` names it, where one does. Throws UsageError. */
function textOf(path: string, flag = ""): string {
  try {
    return readTextUpTo(path, MANIFEST_BYTES_MAX);
  } catch (error) {
    if (error instanceof FileTooLong) {
      throw new UsageError(
        `${flag}${error.message}: split it at a line, as with split -C 200M, and give all parts`,
      );
    }
    if (error instanceof FileIsPipe) {
      throw new UsageError(`${flag}${error.message}: give /dev/stdin, or a file`);
    }
    throw new UsageError(`${flag}${path}: ${readFault(error)}`);
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
