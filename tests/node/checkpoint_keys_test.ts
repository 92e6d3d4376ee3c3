// The keys of checkpoints in a folder: private, evolving, and erased once they have signed.

import assert from "node:assert/strict";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { privateText } from "../../src/ledger/signed_note.ts";
import { isStorageFailure } from "../../src/ledger/storage.ts";
import { WaitableFiles } from "../../src/node/waitable_file.ts";
import { failureText } from "../../src/serve/problems.ts";
import { messageOf } from "../../src/thrown.ts";

const ID = "0123456789abcdef";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await test(folder);
  await Deno.remove(folder, { recursive: true });
}

const files = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("the first key is made once, with mode 0600, and is found again", () =>
  inFolder(async (folder) => {
    const first = await new CheckpointKeys(folder, ID).open();
    assert.deepEqual([first.isNew, first.key.number, files(folder)], [true, 0, ["00000000000000000000.key"]]);
    assert.equal(Deno.statSync(`${folder}/${files(folder)[0]}`).mode! & 0o777, 0o600);
    const again = await new CheckpointKeys(folder, ID).open();
    assert.deepEqual([again.isNew, again.key.signer.verifier], [false, first.key.signer.verifier]);
  }));

Deno.test("once a checkpoint is durable, the next key signs, and the one before is nowhere in the folder", () =>
  inFolder(async (folder) => {
    const keys = new CheckpointKeys(folder, ID);
    const { key } = await keys.open();
    const next = await keys.prepare(key);
    assert.equal((await keys.prepared(key))?.signer.verifier, next.signer.verifier);
    // An open file of the erased key has zeros, whatever becomes of its name.
    using held = Deno.openSync(`${folder}/00000000000000000000.key`);
    await keys.advance(41, next);
    assert.deepEqual(files(folder), ["00000000000000000042.key"]);
    const bytes = new Uint8Array(500);
    assert.ok(held.readSync(bytes)! > 100 && bytes.every((byte) => byte === 0));
    assert.ok(!Deno.readTextFileSync(`${folder}/00000000000000000042.key`).includes(privateText(key.signer)));
    const opened = await new CheckpointKeys(folder, ID).open();
    assert.deepEqual([opened.key.number, opened.key.signer.verifier], [1, next.signer.verifier]);
  }));

Deno.test("where the disk failed after the next key got its name, or while it was written, the step can be made again", () =>
  inFolder(async (folder) => {
    const keys = new CheckpointKeys(folder, ID);
    const next = await keys.prepare((await keys.open()).key);
    const file = `${folder}/00000000000000000042.key`;
    await keys.advance(41, next);
    const text = Deno.readTextFileSync(file);
    await assert.doesNotReject(keys.advance(41, next));
    assert.equal(Deno.readTextFileSync(file), text, "it is the same one");
    for (const part of ["", text.slice(0, 50)]) {
      Deno.writeTextFileSync(file, part);
      await keys.advance(41, next);
      assert.deepEqual(files(folder), ["00000000000000000042.key"]);
      const { key } = await new CheckpointKeys(folder, ID).open();
      assert.deepEqual([key.number, key.signer.verifier], [1, next.signer.verifier]);
    }
  }));

Deno.test("a key that was changed, or is of another ledger, is replaced by the first of a new chain", () =>
  inFolder(async (folder) => {
    const { key } = await new CheckpointKeys(folder, ID).open();
    const other = await new CheckpointKeys(folder, "f".repeat(16)).open();
    assert.deepEqual([other.isNew, files(folder)], [true, ["00000000000000000000.key"]]);
    Deno.writeTextFileSync(`${folder}/00000000000000000000.key`, "{");
    const again = await new CheckpointKeys(folder, ID).open();
    assert.ok(again.isNew && again.key.signer.verifier !== key.signer.verifier);
  }));

Deno.test("a disk that takes a part of a key fails as one without room, and the key is made again once it has some", () =>
  inFolder(async (folder) => {
    const keys = new CheckpointKeys(folder, ID);
    const { open } = WaitableFiles.prototype;
    const inPart = async (work: () => Promise<unknown>) => {
      WaitableFiles.prototype.open = async function (path, how) {
        const file = await open.call(this, path, how);
        return file && {
          write: (bytes) => file.write(bytes.subarray(0, 50)),
          ...{ identity: () => file.identity(), read: (bytes, at) => file.read(bytes, at) },
          ...{ truncate: (length) => file.truncate(length), tryLock: () => file.tryLock() },
          ...{ sync: () => file.sync(), syncData: () => file.syncData(), close: () => file.close() },
        };
      };
      try {
        await assert.rejects(work(), (error) => {
          assert.ok(isStorageFailure(error), messageOf(error));
          assert.match(
            failureText({ reason: messageOf(error) }),
            /: 50 of \d+ bytes, .*\.key': free room on its disk/,
          );
          return true;
        });
      } finally {
        WaitableFiles.prototype.open = open;
      }
    };
    await inPart(() => keys.open());
    const { key, isNew } = await keys.open();
    assert.deepEqual([isNew, key.number], [true, 0]);
    await inPart(() => keys.prepare(key));
    const next = await keys.prepare(key);
    // The erasure of the old key.
    await inPart(() => keys.advance(41, next));
    await keys.advance(41, next);
    assert.deepEqual(files(folder), ["00000000000000000042.key"]);
    assert.equal((await keys.open()).key.signer.verifier, next.signer.verifier);
  }));
