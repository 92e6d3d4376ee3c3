// Writes and syncs of another thread, on a real file.

import assert from "node:assert/strict";
import type { Waitable } from "../../src/ledger/disk_work.ts";
import { WaitableFiles } from "../../src/node/waitable_file.ts";

const WAIT_MILLISECONDS = 10_000;

async function withPath(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await use(`${folder}/file`);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("what is written is in the file once it is waited for, in order, whatever its length", async () => {
  using files = new WaitableFiles();
  await withPath(async (path) => {
    const waitable = await files.open(path, {
      read: true,
      append: true,
      createNew: true,
      mode: 0o600,
      isWaited: true,
    });
    assert.ok(waitable !== undefined);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    const texts = ["x", "a line\n", "y".repeat(64), "z".repeat(65), "long ".repeat(100_000)];
    for (const text of texts) {
      const call: Waitable<number> = waited(waitable.write(new TextEncoder().encode(text)));
      call.wait(WAIT_MILLISECONDS);
      assert.equal(call.done, true);
      assert.equal(call.result(), text.length);
    }
    const sync = waited(waitable.syncData());
    sync.wait(WAIT_MILLISECONDS);
    assert.equal(sync.done, true);
    sync.result();
    assert.equal(Deno.readTextFileSync(path), texts.join(""));
    const bytes = new Uint8Array(100);
    assert.equal(await waitable.read(bytes, 1), bytes.length);
    assert.equal(new TextDecoder().decode(bytes), texts.join("").slice(1, 1 + bytes.length));
    await waitable.truncate(3);
    await waitable.sync();
    assert.equal(await waitable.read(bytes, 1), 2);
    const { dev, ino } = Deno.statSync(path);
    assert.deepEqual(await waitable.identity(), { dev, ino });
    await waitable.close();
  });
});

Deno.test("the system's error is thrown as the runtime throws it", async () => {
  using files = new WaitableFiles();
  using full = Deno.openSync("/dev/full", { append: true });
  const waitable = await files.open("/dev/full", { append: true, isWaited: true });
  const call = waited(waitable!.write(new Uint8Array(100)));
  call.wait(WAIT_MILLISECONDS);
  const expected = thrownBy(() => full.writeSync(new Uint8Array(100)));
  const thrown = thrownBy(() => call.result());
  assert.deepEqual([thrown.code, thrown.message], ["ENOSPC", "No space left on device (os error 28)"]);
  assert.equal(thrown.message, expected.message);
  await waitable!.close();
});

Deno.test("where a file cannot be cut, the error says why, and another file at its path stays whole", async () => {
  using files = new WaitableFiles();
  const refused = await files.open("/dev/full", { write: true });
  using full = Deno.openSync("/dev/full", { write: true });
  const { message } = thrownBy(() => full.truncateSync(3));
  assert.match(message, /os error/);
  await assert.rejects(refused!.truncate(3), { message });
  await refused!.close();
  await withPath(async (path) => {
    await Deno.writeTextFile(path, "one");
    const unwritable = await files.open(path, { read: true });
    await Deno.rename(path, `${path}.old`);
    await Deno.writeTextFile(path, "another");
    await assert.rejects(unwritable!.truncate(0), /^Error: ftruncate failed$/);
    assert.equal(await Deno.readTextFile(path), "another");
    await unwritable!.close();
  });
});

Deno.test("a file that cannot be opened is none, and a lock that another opening has is not taken", async () => {
  using files = new WaitableFiles();
  await withPath(async (path) => {
    assert.equal(await files.open(path, { read: true }), undefined);
    const first = await files.open(path, { write: true, createNew: true, mode: 0o600 });
    assert.equal(await files.open(path, { write: true, createNew: true, mode: 0o600 }), undefined);
    const second = await files.open(path, { write: true });
    assert.equal(await first!.tryLock(), true);
    assert.equal(await second!.tryLock(), false);
    await first!.close();
    assert.equal(await second!.tryLock(), true);
    await second!.close();
  });
});

/** As a call for which a thread can wait. */
function waited<Result>(call: Promise<Result> | Waitable<Result>): Waitable<Result> {
  assert.ok(!(call instanceof Promise));
  return call;
}

function thrownBy(make: () => unknown): Error & { readonly code?: unknown } {
  try {
    make();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
