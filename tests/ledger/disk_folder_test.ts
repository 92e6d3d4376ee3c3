// A real folder whose calls are made at once, and by other threads: the same files, results and errors.

import assert from "node:assert/strict";
import { type DiskFolder, diskFolder } from "../../src/ledger/disk_folder.ts";
import type { OpenAside } from "../../src/ledger/open_file.ts";
import { atOnce, type DiskWork } from "../../src/ledger/disk_work.ts";
import { DiskStrand } from "../../src/node/disk_strand.ts";
import { WaitableFiles } from "../../src/node/waitable_file.ts";
import { messageOf } from "../../src/thrown.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The first segment of a ledger that takes the place of another one. */
const NEW = { name: "00000000000000000000.ndjson", bytes: bytes("new") };

/** Does what a ledger does in its folder, and returns what it sees. */
function* everyCall(path: string, aside?: OpenAside): DiskWork<readonly unknown[]> {
  const folder = yield* diskFolder(`${path}/made/ledger`, true, aside);
  const seen: unknown[] = [];
  const lock = yield* folder.lock();
  seen.push("heldBy" in lock ? lock.heldBy : yield* lock.held());
  const second = yield* folder.lock();
  seen.push("heldBy" in second && second.heldBy === `process ${Deno.pid}`);
  const file = yield* folder.append("a.ndjson", true);
  yield* file.write(bytes("first line\n"));
  yield* file.write(bytes("second line\n".repeat(100)));
  yield* file.sync();
  seen.push(yield* file.inPlace(), (yield* file.content(10_000)).length);
  seen.push(yield* folder.size("a.ndjson"), new TextDecoder().decode(yield* folder.read("a.ndjson", 6, 4)));
  yield* folder.truncate("a.ndjson", 11);
  yield* folder.write("b.zst", bytes("b"));
  yield* folder.rename("b.zst", "c.zst");
  yield* folder.syncFolder();
  seen.push(yield* folder.names(), (yield* folder.read("a.ndjson")).length);
  yield* folder.remove("a.ndjson");
  seen.push(yield* file.inPlace(), (yield* file.content(11)).length);
  yield* file.close();
  seen.push(yield* messages(folder));
  yield* folder.setAside("aside", NEW);
  seen.push(yield* folder.names());
  Deno.removeSync(`${path}/made/ledger/writer.lock`);
  if ("held" in lock) {
    seen.push(yield* lock.held());
    yield* lock.release();
  }
  return seen;
}

function* messages(folder: DiskFolder): DiskWork<string[]> {
  const found: string[] = [];
  const { path } = folder;
  const works = [
    folder.read("absent"),
    folder.append("c.zst", true),
    folder.remove("absent"),
    folder.size("no/thing"),
  ];
  for (const work of works) {
    try {
      yield* work;
      found.push("no error");
    } catch (error) {
      found.push(messageOf(error).replaceAll(path, ""));
    }
  }
  return found;
}

Deno.test("where a disk refuses to move one of the files, all keep their places", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["a.ndjson", "b.ndjson", "c.ndjson"]) {
    await Deno.writeTextFile(`${folder}/${name}`, name);
  }
  const { renameSync } = Deno;
  Deno.renameSync = (from, to) => {
    if (String(to).endsWith("aside.moving/b.ndjson")) {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    }
    renameSync(from, to);
  };
  try {
    assert.throws(() => atOnce(atOnce(diskFolder(folder, true)).setAside("aside", NEW)), /^Error: full$/);
  } finally {
    Deno.renameSync = renameSync;
  }
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["a.ndjson", "b.ndjson", "c.ndjson"]);
  await Deno.remove(folder, { recursive: true });
});

/** The files in `folder`, and in the folders in it. */
const filesIn = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}/${name}`).map((file) => `${name}/${file}`) : [name]
  ).sort();

/** Makes so many calls of `work`, and leaves it there, as a crash does. Returns whether it was done. */
function crashed(work: DiskWork<void>, calls: number): boolean {
  let step = work.next();
  for (; !step.done && calls > 0; calls--) {
    step.value.now();
    step = work.next();
  }
  return step.done === true;
}

// A crash leaves files open.
const CRASHES = { sanitizeResources: false };

/** A ledger whose first records were removed, or not. */
const LEDGERS = [
  ["00000000000000000000.ndjson", "b.ndjson", "c.key"],
  ["00000000000000000007.ndjson", "00000000000000000007.snapshot.zst", "c.key"],
];

for (const names of LEDGERS) {
  Deno.test(
    `after a crash at any call of setting ${
      names[0]
    } aside, the next writer finds all files in their places, or a new ledger in theirs`,
    CRASHES,
    async () => {
      let [done, backs, renewals] = [false, 0, 0];
      for (let calls = 0; !done; calls++) {
        const folder = await Deno.makeTempDir();
        for (const name of [...names, "writer.lock"]) await Deno.writeTextFile(`${folder}/${name}`, name);
        const disk = atOnce(diskFolder(folder, true));
        done = crashed(disk.setAside("damaged", NEW), calls);
        // It may itself be interrupted, and begins again.
        for (let ended = false, again = 0; !ended; again++) ended = crashed(disk.endAside(), again);
        const left = filesIn(folder).filter((file) => file !== "writer.lock" && !file.endsWith(".part"));
        const isBack = left[0] === names[0] && left[1] === names[1];
        if (isBack) backs++;
        else renewals++;
        const expected = isBack ? names : [NEW.name, ...names.map((name) => `damaged/${name}`)];
        assert.deepEqual(left, expected, `after ${calls} calls`);
        const first = await Deno.readTextFile(`${folder}/${left[0]}`);
        assert.equal(first, isBack ? names[0] : "new", `after ${calls} calls`);
        await Deno.remove(folder, { recursive: true });
      }
      assert.ok(backs > names.length && renewals > 1, `${backs} times back, ${renewals} times new`);
    },
  );
}

Deno.test("files that were half set aside stay there, where a new ledger has begun in their place", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["a.ndjson", "b.ndjson"]) await Deno.writeTextFile(`${folder}/${name}`, name);
  const disk = atOnce(diskFolder(folder, true));
  crashed(disk.setAside("damaged", NEW), 3);
  await Deno.writeTextFile(`${folder}/a.ndjson`, "new");
  atOnce(disk.endAside());
  assert.deepEqual(filesIn(folder), ["a.ndjson", "b.ndjson", "damaged/a.ndjson"]);
  assert.equal(await Deno.readTextFile(`${folder}/a.ndjson`), "new");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("calls of other threads do what calls at once do", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["at-once", "later", "waitable"]) await Deno.mkdir(`${folder}/${name}`);
  const expected = atOnce(everyCall(`${folder}/at-once`));
  assert.equal(expected.length, 13);
  assert.deepEqual(expected.slice(0, 2), [true, true]);
  assert.deepEqual(expected.at(-1), false, "the lock's file was removed");
  using files = new WaitableFiles();
  const calls: OpenAside = (path, options) => files.open(path, options);
  for (const [name, aside] of [["later", undefined], ["waitable", calls]] as const) {
    const faults: unknown[] = [];
    using strand = new DiskStrand((error) => faults.push(error));
    let seen: readonly unknown[] = [];
    strand.push((function* () {
      seen = yield* everyCall(`${folder}/${name}`, aside);
    })());
    await strand.idle();
    assert.deepEqual(faults, []);
    assert.deepEqual(seen, expected, name);
    assert.equal(await Deno.readTextFile(`${folder}/${name}/made/ledger/aside/c.zst`), "b");
  }
  await Deno.remove(folder, { recursive: true });
});
