// `ledgerproxy archive DIR`: adds the closed segments of a ledger to an archive of many nodes, each once.

import { shipSegments } from "../../ledger/archive.ts";
import { folderStorage } from "../../ledger/storage.ts";
import type { Past } from "../../history/past.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pastArgument } from "../arguments.ts";
import { type Command, type Done, LEDGER_FLAG } from "../command_line.ts";
import { printLines } from "../terminal.ts";

/** Flags of `archive`. */
export interface ArchiveOptions {
  readonly ledger?: string;
  readonly cluster: string;
  readonly node?: string;
}

const EXAMPLE = `
Example:
  ledgerproxy archive /mnt/ledgers --cluster eu-1     # every hour, say; then
  ledgerproxy verify /mnt/ledgers/cluster=eu-1/node=worker-7/ledger=*`;

/** Adds `archive` to the program. */
export function addArchive(program: Command, done: Done): void {
  program.command("archive")
    .description("add the closed segments of a ledger to a folder for many nodes, each once and whole")
    .argument("<dir>", "folder of the archive")
    .option(...LEDGER_FLAG)
    .option("--cluster <name>", "name of the cluster in the archive", "default")
    .option("--node <name>", "name of the node in the archive (that of the ledger)")
    .addHelpText("after", EXAMPLE)
    .action((dir: string, options: ArchiveOptions) => done(archiveCommand(dir, options)));
}

/** Returns 1 where records are missing in the archive. Throws UsageError, LedgerDamage. */
function archiveCommand(dir: string, { ledger, cluster, node }: ArchiveOptions): number {
  const past = pastArgument(ledger);
  const name = node ?? nodeOf(past);
  const folder = `${dir}/cluster=${part("--cluster", cluster)}/node=${
    part("--node", name)
  }/ledger=${past.id()}`;
  const { added, kept, problems } = shipSegments(folderStorage(past.path, false), folder);
  printLines([`${folder}: added ${added.length} segments, ${kept} were there`]);
  for (const problem of problems) log.error(problem);
  return problems.length === 0 ? EXIT.done : EXIT.found;
}

/** The name of the node in the newest configuration of the ledger. */
function nodeOf(past: Past): string {
  for (const { record } of past.newestFirst({ kind: "config" })) {
    if (record.kind === "config" && record.nodeName !== "") return record.nodeName;
  }
  throw new UsageError("the ledger does not name its node: give --node NAME");
}

/** A name as a part of a path. Throws UsageError. */
function part(flag: string, name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name)) return name;
  throw new UsageError(`${flag} ${name}: a name of letters, digits, dots and dashes is expected`);
}
