// The ledger of `run` over the starts of its loop: how far back it reaches, and a damaged one on a disk that takes nothing.

import assert from "node:assert/strict";
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

Deno.test("a damaged ledger that cannot be set aside stays as it is until the disk takes it, and its state is served", () =>
  logged(async (folder, lines) => {
    const records = EVERY_KIND.filter(({ kind }) => kind !== "event");
    const known = [
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
      appears(service("shop/a 10.96.0.2 http:80/tcp")),
    ];
    using(open(folderStorage(folder, true)), (writer) => writer.append([...records, ...known]));
    const file = `${folder}/${segmentName(0)}`;
    const bytes = await Deno.readFile(file);
    bytes[bytes.indexOf(0x0a) + 10]! ^= 1;
    await Deno.writeFile(file, bytes);
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
