// A disk that is as fast on every machine, for tests in which the program must not be late because of its disk.

import { shell } from "./lab/lab.ts";

/** A file system in memory, mounted at `at`. Dispose of it to unmount it and to remove `folder`, which it is in. */
export class MemoryDisk implements Disposable {
  constructor(readonly folder: string, readonly at = folder) {
    shell(`mount -t tmpfs -o size=400m ledger ${at}`);
  }

  [Symbol.dispose](): void {
    shell(`umount --lazy ${this.at}`);
    Deno.removeSync(this.folder, { recursive: true });
  }
}
