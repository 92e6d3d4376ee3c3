// Workers that replay parts of a ledger: both sides of their messages, with workers that the test plays.

import assert from "node:assert/strict";
import { replayParts, serveReplay } from "../../src/cli/replay_workers.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { writeCommitted } from "../support/past.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { WEB_BATCHES } from "../support/web_history.ts";

const PARTS = [0, 5, 9].map((from) => ({ from, through: from + 3, bounded: true }));

/** A worker that the test plays. */
class PlayedWorker {
  static readonly all: PlayedWorker[] = [];
  onmessage: ((event: { readonly data: unknown }) => void) | undefined;
  readonly received: unknown[] = [];
  ended = false;

  constructor() {
    PlayedWorker.all.push(this);
  }

  postMessage(message: unknown): void {
    this.received.push(message);
  }

  terminate(): void {
    this.ended = true;
  }
}

/** Runs `act` with globals in place of the runtime's. */
async function withGlobals(globals: Record<string, unknown>, act: () => unknown): Promise<void> {
  const before = Object.keys(globals).map((name) => [name, Reflect.get(globalThis, name)] as const);
  Object.assign(globalThis, globals);
  try {
    await act();
  } finally {
    for (const [name, value] of before) Reflect.set(globalThis, name, value);
  }
}

/** Replays {@link PARTS} in played workers, of which the second sends `message`; returns what that ends with. */
async function failing(message: unknown): Promise<Error> {
  PlayedWorker.all.length = 0;
  let failure: unknown;
  await withGlobals({ Worker: PlayedWorker }, async () => {
    const replayed = replayParts("ledger", PARTS);
    PlayedWorker.all[1]!.onmessage!({ data: message });
    failure = await replayed.then(() => undefined, (error) => error);
  });
  assert.ok(failure instanceof Error, String(failure));
  return failure;
}

Deno.test("when one worker fails, all have ended before the failure is known", async () => {
  for (const message of [{ kind: "error", error: "Error: a fault\n    at there" }, { kind: "gone" }]) {
    await failing(message);
    assert.deepEqual(PlayedWorker.all.map(({ ended }) => ended), [true, true, true]);
  }
});

Deno.test("a worker that is ready gets its part, and its failure is that of the replay", async () => {
  assert.match((await failing({ kind: "error", error: "Error: a fault\n    at there" })).message, /at there/);
  const place = { file: "0.ndjson", line: 2, byte: 70, reason: "a wrong checksum" };
  const damage = await failing({ kind: "damage", place });
  assert.ok(isLedgerDamage(damage));
  assert.equal(damage.message, "0.ndjson:2 (byte 70): a wrong checksum");
  assert.match((await failing({ kind: "unknown" }).catch((error) => error)).message, /unreachable/);
});

/** What the side in a worker sends for a part of the ledger in `folder`. */
async function served(folder: string): Promise<Record<string, unknown>> {
  const sent: Record<string, unknown>[] = [];
  const postMessage = (message: Record<string, unknown>) => void sent.push(message);
  await withGlobals({ postMessage, onmessage: null }, () => {
    serveReplay();
    const part = { from: 0, through: Infinity, bounded: false };
    (globalThis as unknown as PlayedWorker).onmessage!({ data: { path: folder, part } });
  });
  assert.deepEqual(sent[0], { kind: "ready" });
  return sent[1]!;
}

Deno.test("a worker sends its result, the place of a damage, or a fault with its stack", async () => {
  const folder = Deno.makeTempDirSync();
  writeCommitted(folderStorage(folder, true), WEB_BATCHES);
  const { kind, result } = await served(folder);
  assert.equal(kind, "result");
  assert.equal((result as { commits: number }).commits, 6);

  const [name] = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
    name.endsWith("ndjson")
  );
  const lines = Deno.readTextFileSync(`${folder}/${name}`).split("\n");
  Deno.writeTextFileSync(`${folder}/${name}`, lines.with(3, "{}").join("\n"));
  const damaged = await served(folder);
  assert.equal(damaged.kind, "damage", JSON.stringify(damaged));
  assert.equal((damaged.place as { line: number }).line, 4);
  Deno.removeSync(folder, { recursive: true });

  const fault = await served(`${folder}/nowhere`);
  assert.equal(fault.kind, "error");
  assert.match(String(fault.error), /\n {4}at /);
});
