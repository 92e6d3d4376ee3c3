// Writes and syncs of another thread, on a real file.

import assert from "node:assert/strict";
import { WaitableFiles } from "../../src/node/waitable_file.ts";

const WAIT_MILLISECONDS = 10_000;

async function withFile(use: (path: string, file: Deno.FsFile) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  using file = await Deno.open(`${folder}/file`, { append: true, createNew: true });
  await use(`${folder}/file`, file);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("what is written is in the file once it is waited for, in order, whatever its length", async () => {
  using files = new WaitableFiles();
  await withFile(async (path, file) => {
    const waitable = await files.open(path, file);
    assert.ok(waitable !== undefined);
    const texts = ["x", "a line\n", "y".repeat(64), "z".repeat(65), "long ".repeat(100_000)];
    for (const text of texts) {
      const call = waitable.write(new TextEncoder().encode(text));
      call.wait(WAIT_MILLISECONDS);
      assert.equal(call.done, true);
      assert.equal(call.result(), text.length);
    }
    const sync = waitable.syncData();
    sync.wait(WAIT_MILLISECONDS);
    assert.equal(sync.done, true);
    sync.result();
    assert.equal(Deno.readTextFileSync(path), texts.join(""));
    await waitable.close();
  });
});

Deno.test("the system's error is thrown as the runtime throws it", async () => {
  using files = new WaitableFiles();
  using full = Deno.openSync("/dev/full", { append: true });
  const waitable = await files.open("/dev/full", full);
  const call = waitable!.write(new Uint8Array(100));
  call.wait(WAIT_MILLISECONDS);
  const expected = thrownBy(() => full.writeSync(new Uint8Array(100)));
  const thrown = thrownBy(() => call.result());
  assert.deepEqual([thrown.code, thrown.message], ["ENOSPC", "No space left on device (os error 28)"]);
  assert.equal(thrown.message, expected.message);
  await waitable!.close();
});

Deno.test("a path that leads to another file now, or nowhere, is not opened", async () => {
  using files = new WaitableFiles();
  await withFile(async (path, file) => {
    await Deno.rename(path, `${path}.moved`);
    assert.equal(await files.open(path, file), undefined);
    await Deno.writeTextFile(path, "another one");
    assert.equal(await files.open(path, file), undefined);
    assert.equal(await Deno.readTextFile(path), "another one");
  });
});

function thrownBy(make: () => unknown): Error & { readonly code?: unknown } {
  try {
    make();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was thrown");
}
