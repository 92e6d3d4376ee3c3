// The program as a process, asked about the ledger of one Service's history.

import { folderStorage } from "../../src/ledger/storage.ts";
import { writeCommitted } from "./past.ts";
import { type Ended, runProgram } from "./run_program.ts";
import { WEB_BATCHES } from "./web_history.ts";

/** A folder with the ledger of some batches, or of {@link WEB_BATCHES}. Dispose of it to remove it. */
export class AskedLedger implements Disposable {
  readonly folder = Deno.makeTempDirSync();

  constructor(batches = WEB_BATCHES) {
    writeCommitted(folderStorage(this.folder, true), batches);
  }

  /** Runs the program with `args` and this ledger. */
  ask(...args: readonly string[]): Promise<Ended> {
    return runProgram("src/cli/main.ts", ["--allow-all"], ...args, "--ledger", this.folder);
  }

  /** The lines of `--json`, parsed. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>[]> {
    const { stdout } = await this.ask(...args, "--json");
    return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
