// The ledger of `run` over the starts of its loop: how far back it reaches, and a damaged one on a disk that takes nothing.

import assert from "node:assert/strict";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { snapshotNext } from "../../src/ledger/snapshot.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { MemoryLedger } from "../../src/ledger/memory_ledger.ts";
import { segmentName } from "../../src/ledger/format.ts";
import { log } from "../../src/node/log.ts";
import { RunLedger } from "../../src/node/run_ledger.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { EVERY_KIND, KEEP_ALL, open, using } from "../support/ledger_records.ts";
import { LEDGER_RETRY_MILLISECONDS } from "../../src/limits/ledger.ts";
import { folded } from "../support/folded.ts";
import { until } from "../support/until.ts";

const DAY = 24 * 3600 * 1000;
const NOTHING_OF_MUCH = { bytes: 0, milliseconds: Infinity };

/** Calls `test` with a folder, and with what is logged meanwhile. */
async function logged(test: (folder: string, lines: readonly string[]) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  const { warn, error, info } = log;
  const note = (text: string) => void lines.push(text);
  Object.assign(log, { warn: note, error: note, info: note });
  try {
    await test(folder, lines);
  } finally {
    Object.assign(log, { warn, error, info });
    await Deno.remove(folder, { recursive: true });
  }
}

const ledgerIn = (folder: string, days: number) =>
  new RunLedger({
    folder,
    policy: "interval",
    retention: { bytes: Infinity, milliseconds: days * DAY },
    required: false,
  });

/** A ledger with a segment for each of ten days, of which the first ones are removed. */
function writeDays(folder: string): void {
  using(open(folderStorage(folder, true)), (writer) => {
    for (let day = 0; day < 10; day++) {
      const time = new Date(Date.parse("2026-01-01T00:00:00Z") + day * DAY).toISOString();
      writer.append([{ ...EVERY_KIND[0]!, time }]);
      writeSnapshot(writer, snapshotLines(emptyState()), day < 9 ? KEEP_ALL : NOTHING_OF_MUCH);
    }
  });
}

Deno.test("a ledger that reaches back less than is asked for is warned of, once; one that reaches far enough is not", () =>
  logged(async (folder, lines) => {
    writeDays(folder);
    assert.equal(folderStorage(folder, false).names().includes(`${segmentName(0)}.zst`), false);
    for (const days of [30, 1]) {
      const ledger = ledgerIn(folder, days);
      for (const first of [true, false]) {
        await ledger.look(undefined);
        assert.equal((await ledger.begin(first)).ledger.failure, undefined);
        await until("it is known how far the ledger reaches back", () => ledger.kept?.isCut === true);
      }
      await ledger.close();
    }
    const said = lines.filter((line) => line.startsWith("the ledger reaches back"));
    assert.equal(said.length, 1, lines.join("\n"));
    assert.match(said[0]!, /^the ledger reaches back \d\.\d days, and --retain-days asks for 30\.0 days: /);
  }));

Deno.test("a ledger is new until there is a record, and not while another process has it", () =>
  logged(async (folder) => {
    const isNew = async (path: string) => {
      const ledger = ledgerIn(path, 30);
      await ledger.look(undefined);
      const found = ledger.isNew;
      await ledger.close();
      return found;
    };
    const path = `${folder}/ledger`;
    assert.equal(ledgerIn(path, 30).isNew, false, "it was not looked at");
    assert.deepEqual([await isNew(path), await isNew(path)], [true, true]);
    {
      using writer = open(folderStorage(path, true));
      assert.equal(await isNew(path), false, "it is locked");
      writer.append([EVERY_KIND[0]!]);
    }
    assert.equal(await isNew(path), false);
  }));

/** Writes a ledger of two Services into `folder`, and damages its first record. Returns its file and the bytes. */
async function writeDamaged(folder: string): Promise<readonly [string, Uint8Array]> {
  const records = EVERY_KIND.filter(({ kind }) => kind !== "event");
  const known = ["shop/web 10.96.0.1", "shop/a 10.96.0.2"].map((text) =>
    appears(service(`${text} http:80/tcp`))
  );
  using(open(folderStorage(folder, true)), (writer) => writer.append([...records, ...known]));
  const file = `${folder}/${segmentName(0)}`;
  const bytes = await Deno.readFile(file);
  bytes[bytes.indexOf(0x0a) + 10]! ^= 1;
  await Deno.writeFile(file, bytes);
  return [file, bytes];
}

Deno.test("a damaged ledger that cannot be set aside stays as it is until the disk takes it, and its state is served", () =>
  logged(async (folder, lines) => {
    const [file, bytes] = await writeDamaged(folder);
    const { mkdir } = Deno;
    Deno.mkdir = () => Promise.reject(Object.assign(new Error("read-only (os error 30)"), { code: "EROFS" }));
    const ledger = ledgerIn(folder, 30);
    try {
      await ledger.look(undefined);
      const begun = ledger.begin(true);
      await assert.doesNotReject(begun);
      const { ledger: without, engine } = await begun;
      assert.ok(without instanceof MemoryLedger, "rules are made without it");
      assert.match(
        without.failure?.reason ?? "",
        /^it is damaged \(.*:2 .*\), and cannot be set aside: read-only/,
      );
      assert.deepEqual([...engine.cluster.services.keys()].sort(), ["shop/a", "shop/web"]);
      assert.deepEqual(await Deno.readFile(file), bytes);
      assert.equal(lines.filter((line) => line.startsWith("the ledger cannot be opened")).length, 1);
    } finally {
      Deno.mkdir = mkdir;
    }
    await until("the loop is to start again", () => ledger.reopened.aborted);
    await ledger.look(undefined);
    const renewed = await ledger.begin(false);
    assert.equal(renewed.ledger.failure, undefined);
    assert.ok(renewed.ledger.next > 0 && !(renewed.ledger instanceof MemoryLedger));
    assert.deepEqual([...renewed.engine.cluster.services.keys()].sort(), ["shop/a", "shop/web"]);
    assert.equal(renewed.gap?.records, 0, "what the new ledger begins with is not missing");
    assert.equal(await ledger.close(), true);
    const aside = [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory);
    assert.deepEqual(await Deno.readFile(`${folder}/${aside[0]!.name}/${segmentName(0)}`), bytes);
  }));

/** Copies what a power cut leaves of the ledger in `folder` once it is said that the damaged one is set aside. */
function copyOnceAside(folder: string, copy: string): void {
  const { error } = log;
  const note = (text: string) => {
    error(text);
    if (!text.startsWith("it is set aside in")) return;
    Deno.mkdirSync(copy, { mode: 0o700 });
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (isFile) Deno.copyFileSync(`${folder}/${name}`, `${copy}/${name}`);
    }
  };
  Object.assign(log, { error: note });
}

Deno.test("what is known of a damaged ledger is in the new one from the moment on at which it takes its place", () =>
  logged(async (folder) => {
    const [path, copy] = [`${folder}/ledger`, `${folder}/copy`];
    await writeDamaged(path);
    copyOnceAside(path, copy);
    for (const at of [path, copy]) {
      const ledger = ledgerIn(at, 30);
      await ledger.look(undefined);
      const { engine, ledger: own } = await ledger.begin(true);
      assert.equal(own.failure, undefined);
      assert.deepEqual([...engine.cluster.services.keys()].sort(), ["shop/a", "shop/web"], at);
      assert.equal(await ledger.close(), true);
    }
  }));

Deno.test("where a disk is slow to set a damaged ledger aside, its state is served meanwhile", () =>
  logged(async (folder, lines) => {
    await writeDamaged(folder);
    const { mkdir } = Deno;
    const slow = Promise.withResolvers<void>();
    Deno.mkdir = async (path, options) => {
      await slow.promise;
      await mkdir(path, options);
    };
    const ledger = ledgerIn(folder, 30);
    try {
      await ledger.look(undefined);
      const { engine, ledger: without } = await ledger.begin(true);
      assert.ok(without instanceof MemoryLedger);
      assert.match(without.failure?.reason ?? "", /damaged.*; the disk does not answer within 5 s$/);
      assert.deepEqual([...engine.cluster.services.keys()].sort(), ["shop/a", "shop/web"]);
    } finally {
      Deno.mkdir = mkdir;
    }
    slow.resolve();
    await until("the loop is to start again", () => ledger.reopened.aborted);
    await ledger.look(undefined);
    const { engine, ledger: own, gap } = await ledger.begin(false);
    assert.equal(own.failure, undefined, lines.join("\n"));
    assert.deepEqual([...engine.cluster.services.keys()].sort(), ["shop/a", "shop/web"]);
    assert.equal(gap?.records, 0);
    assert.equal(await ledger.close(), true);
  }));

Deno.test("a run of the loop that begins before the ledger is tried again keeps its session, and is not started again", () =>
  logged(async (folder) => {
    const path = `${folder}/ledger`;
    // A file has its place.
    await Deno.writeTextFile(path, "");
    const { setTimeout, clearTimeout } = globalThis;
    const begun: unknown[] = [];
    const cleared = new Set<unknown>();
    let retry = () => {};
    Object.assign(globalThis, {
      setTimeout: (callback: () => void, milliseconds = 0) => {
        const id = setTimeout(callback, milliseconds);
        // The last one of so long before the second start is the pause before the next attempt.
        if (milliseconds === LEDGER_RETRY_MILLISECONDS && begun.push(id)) retry = callback;
        return id;
      },
      clearTimeout: (id: ReturnType<typeof setTimeout>) => {
        cleared.add(id);
        clearTimeout(id);
      },
    });
    const ledger = ledgerIn(path, 30);
    try {
      await ledger.look(undefined);
      assert.ok((await ledger.begin(true)).ledger instanceof MemoryLedger);
      const [id, again] = [begun.at(-1), retry];
      assert.equal(cleared.has(id), false);
      await Deno.remove(path);
      await ledger.look(undefined);
      const { ledger: own } = await ledger.begin(false);
      assert.equal(own.failure, undefined);
      if (!cleared.has(id)) again();
      own.append(EVERY_KIND);
      own.sync();
      await until("the records are durable", () => own.durable === EVERY_KIND.length);
      assert.equal(ledger.reopened.aborted, false);
    } finally {
      Object.assign(globalThis, { setTimeout, clearTimeout });
      assert.equal(await ledger.close(), true);
    }
  }));

Deno.test("where another process has taken the ledger that was lost, that is logged, and is why it fails", () =>
  logged(async (folder, lines) => {
    const path = `${folder}/ledger`;
    const ledger = ledgerIn(path, 30);
    await ledger.look(undefined);
    const { ledger: own } = await ledger.begin(true);
    await Deno.rename(path, `${path}.old`);
    const storage = folderStorage(path, true);
    const lock = storage.lock();
    own.append(EVERY_KIND);
    own.sync();
    const taken = /^ledger .* is being written by process \d+: stop it/;
    await until("it fails because of the other one", () => taken.test(own.failure?.reason ?? ""));
    assert.equal(
      lines.filter((line) => /^the ledger cannot be opened again: .* is being written by/.test(line)).length,
      1,
    );
    assert.deepEqual(storage.names(), ["writer.lock"]);
    if (Symbol.dispose in lock) lock[Symbol.dispose]();
    await until("the loop is to start again", () => ledger.reopened.aborted);
    assert.equal(await ledger.close(), true);
  }));

Deno.test("a snapshot with a wrong hash is not used, though each of its lines can be read: an older one is", () =>
  logged(async (folder) => {
    const storage = folderStorage(folder, true);
    using(open(storage), (writer) => {
      const records = ["a", "b"].map((name) => appears(service(`shop/${name} 10.96.0.1 http:80/tcp`)));
      records.forEach((record, i) => {
        writer.append([record]);
        writeSnapshot(writer, snapshotLines(folded(...records.slice(0, i + 1))), KEEP_ALL);
      });
    });
    const [, newest] = storage.names().filter((name) => snapshotNext(name) !== undefined);
    const text = new TextDecoder().decode(zstdDecompressSync(storage.read(newest!)));
    storage.write(newest!, zstdCompressSync(text.replace('"10.96.0.1"', '"10.96.0.9"')));
    const ledger = ledgerIn(folder, 30);
    await ledger.look(undefined);
    const { engine } = await ledger.begin(true);
    const addresses = [...engine.cluster.services.values()].map(({ spec }) => spec.clusterIP);
    assert.deepEqual(addresses, ["10.96.0.1", "10.96.0.1"]);
    assert.equal(await ledger.close(), true);
  }));
