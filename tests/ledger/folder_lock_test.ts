// The lock of a ledger: on a disk that refuses writes, and while one process opens its ledger anew.

import assert from "node:assert/strict";
import { Counters } from "../../src/ledger/counters.ts";
import { diskFolder } from "../../src/ledger/disk_folder.ts";
import type { FromDisk, ToDisk } from "../../src/ledger/disk_messages.ts";
import { DiskSide } from "../../src/ledger/disk_side.ts";
import type { DiskWork } from "../../src/ledger/disk_work.ts";
import { KeptLock } from "../../src/ledger/folder_lock.ts";
import { type OpenAside, openAside } from "../../src/ledger/open_file.ts";
import { DiskStrand } from "../../src/node/disk_strand.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { recover } from "../../src/ledger/writer.ts";
import { messageOf } from "../../src/thrown.ts";
import { ID } from "../support/ledger_records.ts";

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

/** Does `work`; after each of its calls `look` is called. */
function lookedAt(work: DiskWork<void>, look: () => void): void {
  for (let step = work.next(); !step.done;) {
    let failed: { readonly error: unknown } | undefined;
    try {
      step.value.now();
    } catch (error) {
      failed = { error };
    }
    look();
    step = failed === undefined ? work.next() : work.throw(failed.error);
  }
}

/** A writer in the folder at `path`, and what it has sent. `look` is called after each of its calls. */
function writerIn(path: string, look: () => void) {
  const received: FromDisk[] = [];
  const locks = new KeptLock();
  const newSide = () =>
    new DiskSide({
      folder: (path) => diskFolder(path, true),
      locks,
      send: (message) => void received.push(message),
      snapshot: () => assert.fail("no snapshot is made"),
      beside: (work) => lookedAt(work, look),
      *besideDone() {},
    });
  let side = newSide();
  const send = (message: ToDisk) => lookedAt(side.handle(message), look);
  /** `opened` is called before the first segment is begun. */
  const open = (session: number, opened = () => {}) => {
    send({ kind: "open", session, path, options: { policy: "interval" } });
    opened();
    if (received.at(-1)?.kind === "refused") return;
    const { encoder, end } = recover(folderStorage(path, false), { ledger: ID });
    send({
      ...{ kind: "begin", session, ledger: ID, place: encoder.place },
      ...{ end, counters: new Counters() },
    });
  };
  const fail = () => {
    const failed = side;
    side = newSide();
    lookedAt(failed.abandon(), look);
  };
  return { received, send, open, fail };
}

/** What another process finds that wants to write the ledger at `path`; true where it could. */
function couldWrite(path: string): boolean {
  const lock = folderStorage(path, false).lock();
  if ("heldBy" in lock) return false;
  lock[Symbol.dispose]();
  return true;
}

/** What happens between two sessions of one process. */
const BETWEEN: Record<string, (writer: ReturnType<typeof writerIn>, path: string) => void> = {
  "the loop starts again": () => {},
  "the writer fails": (writer) => writer.fail(),
  "the lock file is removed": (writer, path) => {
    Deno.removeSync(`${path}/writer.lock`);
    writer.send({ kind: "sync", session: 1, next: 0 });
    assert.equal(writer.received.at(-1)?.kind, "lost");
  },
  "the lock file is replaced": (writer, path) => {
    Deno.removeSync(`${path}/writer.lock`);
    Deno.writeTextFileSync(`${path}/writer.lock`, "", { mode: 0o600 });
    writer.send({ kind: "sync", session: 1, next: 0 });
    assert.equal(writer.received.at(-1)?.kind, "lost");
  },
};

for (const [what, happen] of Object.entries(BETWEEN)) {
  Deno.test(`no other process can take the ledger at any call of a writer that opens it anew, after ${what}`, async () => {
    const path = await Deno.makeTempDir();
    let [looks, taken] = [0, 0];
    let opened = false;
    const writer = writerIn(path, () => {
      looks++;
      if (opened && couldWrite(path)) taken++;
    });
    writer.open(1);
    opened = true;
    happen(writer, path);
    writer.open(2);
    assert.notEqual(writer.received.at(-1)?.kind, "refused");
    writer.send({ kind: "sync", session: 2, next: 0 });
    assert.ok(looks > 10);
    assert.equal(taken, 0, "how often another one could have taken it");
    opened = false;
    writer.send({ kind: "close", session: 2 });
    assert.equal(couldWrite(path), true, "the end releases it");
    await Deno.remove(path, { recursive: true });
  });
}

for (
  const [when, find] of [["between two records", "sync"], ["before its first segment", "begin"]] as const
) {
  Deno.test(`a writer whose folder another process has replaced and holds, ${when}, does not write there, and says who holds it`, async () => {
    const path = `${await Deno.makeTempDir()}/ledger`;
    const writer = writerIn(path, () => {});
    const replace = () => {
      Deno.renameSync(path, `${path}.old`);
      return folderStorage(path, true).lock();
    };
    let lock: ReturnType<typeof replace> = { heldBy: "" };
    writer.open(1, () => {
      if (find === "begin") lock = replace();
    });
    if (find === "sync") {
      lock = replace();
      writer.send({ kind: "sync", session: 1, next: 0 });
    }
    const storage = folderStorage(path, false);
    assert.deepEqual(storage.names(), ["writer.lock"]);
    assert.equal(writer.received.at(-1)?.kind, "lost");
    writer.open(2);
    const { kind, reason } = writer.received.at(-1) as FromDisk & { readonly kind: "refused" };
    assert.equal(kind, "refused");
    assert.match(
      reason,
      /^ledger .*\/ledger is being written by process \d+: stop it, or use another folder/,
    );
    assert.deepEqual(storage.names(), ["writer.lock"]);
    assert.equal(couldWrite(`${path}.old`), true, "what is not ours any more is not held");
    if (Symbol.dispose in lock) lock[Symbol.dispose]();
    writer.open(3);
    assert.notEqual(writer.received.at(-1)?.kind, "refused");
    writer.send({ kind: "close", session: 3 });
    await Deno.remove(`${path}/..`, { recursive: true });
  });
}
