// The files of a ledger that is being opened. A start reads them from memory; what is not there yet, the writer reads.

import { segmentFirst } from "../ledger/format.ts";
import { loadedFolder, withContents } from "../ledger/loaded_folder.ts";
import { snapshotNext } from "../ledger/snapshot.ts";
import { NotLoaded, type Storage } from "../ledger/storage.ts";
import type { LoadedFile } from "../ledger/disk_messages.ts";
import type { LedgerDisk } from "./ledger_disk.ts";

/** Grows as its readers need more. */
export class LedgerFiles {
  #files: readonly LoadedFile[];

  constructor(
    readonly folder: string,
    files: readonly LoadedFile[],
    readonly disk: Pick<LedgerDisk, "read">,
  ) {
    this.#files = files;
  }

  /** Whether there is neither a segment nor a snapshot. */
  get isEmpty(): boolean {
    return this.#files.every(({ name }) =>
      segmentFirst(name) === undefined && snapshotNext(name) === undefined
    );
  }

  /** The result of `read`. It is called again after each file that it missed, so it must begin anew each time. */
  async look<T>(read: (storage: Storage) => T): Promise<T> {
    for (;;) {
      try {
        return read(loadedFolder(this.folder, this.#files));
      } catch (error) {
        if (!(error instanceof NotLoaded)) throw error;
        this.#files = withContents(this.#files, await this.disk.read([error.file]));
      }
    }
  }

  /** The folder has `files` now. */
  replace(files: readonly LoadedFile[]): void {
    this.#files = files;
  }
}
