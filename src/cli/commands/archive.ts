// `ledgerproxy archive DIR` and `archive --exec COMMAND`: add the closed segments of a ledger to an archive of many nodes, each once.

import { countText } from "../../count_text.ts";
import { shipSegments } from "../../ledger/archive.ts";
import { folderStorage } from "../../ledger/storage.ts";
import { nodeOfPast } from "../../history/past.ts";
import { EXIT } from "../../node/exit_code.ts";
import { log } from "../../node/log.ts";
import { shipByCommand } from "../../node/ship_by_command.ts";
import { UsageError } from "../../node/usage_error.ts";
import { pastArgument } from "../arguments.ts";
import { type Command, type Done, LEDGER_FLAG } from "../command_line.ts";
import { printLines } from "../terminal.ts";

/** Flags of `archive`. */
export interface ArchiveOptions {
  readonly ledger?: string;
  readonly cluster: string;
  readonly node?: string;
  readonly exec?: string;
  readonly state?: string;
}

const EXAMPLE = `
Example:
  ledgerproxy archive /mnt/ledgers --cluster eu-1     # every hour, say; then
  ledgerproxy verify /mnt/ledgers/cluster=eu-1/node=worker-7/ledger=*
  ledgerproxy archive --cluster eu-1 \\
      --exec 'aws s3 cp - "s3://ledgers/$LEDGERPROXY_PATH"'

The command gets a file on standard input, its path in LEDGERPROXY_PATH
(cluster=eu-1/node=worker-7/ledger=ID/day=DAY/N.ndjson.zst), and the segment's
last checkpoint in LEDGERPROXY_CHECKPOINT. A segment counts as archived when the
command ended with exit code 0; until then each run begins with it again.`;

/** Adds `archive` to the program. */
export function addArchive(program: Command, done: Done): void {
  program.command("archive")
    .description("add the closed segments of a ledger to a folder for many nodes, each once and whole")
    .argument("[dir]", "folder of the archive")
    .option(...LEDGER_FLAG)
    .option("--cluster <name>", "name of the cluster in the archive", "default")
    .option("--node <name>", "name of the node in the archive (that of the ledger)")
    .option("--exec <command>", "in place of a folder: a command of the shell that is run for each file")
    .option("--state <file>", "with --exec: what was archived (shipped.json in the ledger's folder)")
    .addHelpText("after", EXAMPLE)
    .action(async (dir: string | undefined, options: ArchiveOptions) =>
      done(await archiveCommand(dir, options))
    );
}

/** Returns 1 where records are missing in the archive. Throws UsageError, LedgerDamage. */
async function archiveCommand(dir: string | undefined, options: ArchiveOptions): Promise<number> {
  const { ledger, cluster, node, exec, state } = options;
  if ((dir === undefined) === (exec === undefined)) {
    throw new UsageError("give either the folder of the archive or --exec COMMAND");
  }
  const past = pastArgument(ledger);
  const named = node ?? nodeOfPast(past);
  if (named === undefined) throw new UsageError("the ledger does not name its node: give --node NAME");
  const name = part("--node", named);
  const path = `cluster=${part("--cluster", cluster)}/node=${name}/ledger=${past.id()}`;
  const storage = folderStorage(past.path, false);
  const { added, kept, problems } = exec === undefined
    ? shipSegments(storage, `${dir}/${path}`)
    : await shipByCommand(storage, { path, command: exec, state: state ?? `${past.path}/shipped.json` });
  const where = dir === undefined ? path : `${dir}/${path}`;
  printLines([`${where}: added ${countText(added.length, "segment")}, ${kept} there before`]);
  for (const problem of problems) log.error(problem);
  return problems.length === 0 ? EXIT.done : EXIT.found;
}

/** A name as a part of a path. Throws UsageError. */
function part(flag: string, name: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name)) return name;
  throw new UsageError(`${flag} ${name}: a name of letters, digits, dots and dashes is expected`);
}
