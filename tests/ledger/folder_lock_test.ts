// The lock of a ledger on a disk that refuses writes.

import assert from "node:assert/strict";
import { diskFolder } from "../../src/ledger/disk_folder.ts";
import { type OpenAside, openAside } from "../../src/ledger/open_file.ts";
import { DiskStrand } from "../../src/node/disk_strand.ts";
import { messageOf } from "../../src/thrown.ts";

/** The lock of the folder at `path`, on a disk that refuses each write with the error `code`; the line in its file afterwards. */
async function lockedWithout(code: string, path: string, before: string, message = "refused") {
  const file = `${path}/writer.lock`;
  await Deno.writeTextFile(file, before, { mode: 0o600 });
  const refusing: OpenAside = async (path, how) => ({
    ...await openAside(path, how, undefined),
    write: () => Promise.reject(Object.assign(new Error(message), { code })),
  });
  const seen: unknown[] = [];
  using strand = new DiskStrand((error) => seen.push(messageOf(error)));
  strand.push((function* () {
    const lock = yield* (yield* diskFolder(path, true, refusing)).lock();
    if ("heldBy" in lock) return void seen.push(lock.heldBy);
    seen.push(yield* lock.held());
    const second = yield* (yield* diskFolder(path, true)).lock();
    seen.push("heldBy" in second);
    yield* lock.release();
  })());
  await strand.idle();
  return [...seen, await Deno.readTextFile(file)];
}

Deno.test("a disk without room gives the lock, and the line in its file stays whole", async () => {
  const folder = await Deno.makeTempDir();
  for (const before of ["", "process 1\n", "process 123456789\n"]) {
    for (const code of ["ENOSPC", "EDQUOT"]) {
      assert.deepEqual(await lockedWithout(code, folder, before), [true, true, before], code);
    }
    const quota = await lockedWithout("E122", folder, before, "Disk quota exceeded (os error 122)");
    assert.deepEqual(quota, [true, true, before], "as waitable_file.ts throws it");
  }
  assert.deepEqual(await lockedWithout("EIO", folder, "process 1\n"), ["refused", "process 1\n"]);
  await Deno.remove(folder, { recursive: true });
});
