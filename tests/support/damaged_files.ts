// Every file of a ledger, with one bit flipped or its end cut off, against every question: `verify` finds it, or every question
// answers as before. No question answers wrongly: it answers as before, or fails.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { zstdDecompressSync } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { historyOf } from "../../src/history/history.ts";
import { isNotRecorded, isWrongPosition, type Past } from "../../src/history/past.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { windowOf } from "../../src/history/window.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { COMPRESSED, segmentNames } from "../../src/ledger/format.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice } from "./cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "./memory_storage.ts";
import { committedPast } from "./past.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };
const PACKET = readPacket("10.0.0.1", "10.96.0.1:80/tcp");

/** A ledger of a few commits that was stopped: closed segments, compressed or not, with snapshots and terms. */
export function stoppedLedger(): MemoryStorage {
  const past = committedPast([
    [appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    ...Array.from({ length: 7 }, (_, i) => [appears(slice(`shop/web-a http:8080/tcp 10.244.0.${i + 1}`))]),
    [appears(service("blog/db 10.96.0.7 sql:5432/tcp"))],
  ]);
  const storage = memoryStorage();
  const state = emptyState();
  {
    using writer = new LedgerWriter(storage, { policy: "never", ledger: "0123456789abcdef" });
    for (const { offset, record } of past.records()) {
      if (offset === 5) writeSnapshot(writer, snapshotLines(state), KEEP);
      // A segment that is not compressed yet.
      if (offset === 9) atOnce(writer.disk.endSegment());
      writer.append([record]);
      foldRecord(state, offset, record);
    }
    writeSnapshot(writer, snapshotLines(state), KEEP);
  }
  const [, second] = segmentNames(storage) as [string, string];
  // One is not compressed, as a crash leaves it.
  storage.files.set(
    second.slice(0, -COMPRESSED.length),
    new Uint8Array(zstdDecompressSync(storage.read(second))),
  );
  storage.remove(second);
  assert.deepEqual([...historyOf(viewOf(storage)).log({ service: "shop/none" })], [], "its terms are made");
  historyOf(viewOf(storage)).outages();
  const journals = [...storage.files.keys()].filter((name) => name.includes(".journal"));
  assert.equal(journals.length, segmentNames(storage).length - 1, "closed segments have a journal");
  return storage;
}

/** The questions; each answer is JSON. */
const QUESTIONS: Readonly<Record<string, (past: Past) => unknown>> = {
  "log": (past) => [...historyOf(past).log()],
  "log of a Service": (past) => [...historyOf(past).log({ service: "shop/web" })],
  "log of a namespace": (past) => [...historyOf(past).log({ namespace: "blog" })],
  "log of an address": (past) => [...historyOf(past).log({ address: "10.244.0.3" })],
  "log of a kind": (past) => [...historyOf(past).log({ kind: "commit" })],
  "log of a time": (past) => [...historyOf(past).log({ since: Date.parse("2026-11-23T03:12:05Z") })],
  "show": (past) => ["@2", "@6", "@11", "HEAD"].map((at) => historyOf(past).show(at)),
  "blame": (past) => ["@4", "@10", "HEAD"].map((at) => [...historyOf(past).blame("shop/web", at)]),
  "diff": (past) => [historyOf(past).diff("@3", "HEAD"), historyOf(past).diff("@7", "@9")],
  "why": (past) =>
    typeof PACKET === "string" ? PACKET : [historyOf(past).why(PACKET, "@8"), historyOf(past).why(PACKET)],
  "time": (past) =>
    ["03", "06", "09"].map((second) => historyOf(past).offsetOf(`2026-11-23T03:12:${second}Z`)),
  "HEAD~2": (past) => historyOf(past).offsetOf("HEAD~2"),
  "report": (past) => {
    const { state, ...window } = windowOf(past, { records: 7, bytes: Infinity })!;
    return { ...window, state: state && [...snapshotLines(state)] };
  },
  "changes": (
    past,
  ) => [[...historyOf(past).changes()], [...historyOf(past).changes("shop/web", { until: "@8" })]],
  "outages": (past) => historyOf(past).outages(),
  "latency": (past) => historyOf(past).latency(),
  "top": (past) => historyOf(past).top(),
  "services": (past) => [historyOf(past).services(), historyOf(past).services("shop/web", "@8")],
  "status": (past) => historyOf(past).status(),
  "replay": (past) => historyOf(past).replay(),
};

function viewOf(storage: MemoryStorage): Past {
  return ledgerView<SnapshotLine>(storage, snapshotMisfit);
}

/** The answer of each question, as JSON; undefined where it failed, which a user sees. Throws what is a fault of the program. */
function answers(storage: MemoryStorage): Map<string, string | undefined> {
  return new Map(
    Object.entries(QUESTIONS).map(([name, ask]) => {
      try {
        const answer = ask(viewOf(storage));
        return [name, JSON.stringify(answer, inOneOrder)];
      } catch (error) {
        if (isLedgerDamage(error) || isNotRecorded(error) || isWrongPosition(error)) return [name, undefined];
        throw error;
      }
    }),
  );
}

/** For JSON.stringify: fields by their name, so that their order is not compared. */
export function inOneOrder(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Whether an answer says that it failed, or what it lacks. */
const failed = (name: string, answer: string | undefined) =>
  answer === undefined ||
  (name === "status" && /records cannot be read/.test(answer)) ||
  // A cause or a commit that is damaged is named in its place.
  /a record that cannot be read: \d{20}\.|"damage":"\d{20}\./.test(answer) ||
  (name === "replay" && !(/"difference":null/.test(answer) && /"problem":null/.test(answer)));

/** How a damage came out. */
export interface Outcome {
  readonly found: boolean;
  /** Questions that failed. */
  readonly failed: number;
  /** Names of questions that answered otherwise than before, as if nothing were wrong. */
  readonly wrong: readonly string[];
}

/** Asks everything of the ledger whose file `name` has the content `bytes`. */
export function outcomeOf(whole: MemoryStorage, name: string, bytes: Uint8Array): Outcome {
  const damaged = () => {
    const storage = memoryStorage(whole.files);
    storage.files.set(name, bytes);
    return storage;
  };
  const before = beforeOf(whole);
  const now = answers(damaged());
  const broken = [...now].filter(([name, answer]) => failed(name, answer)).length;
  const wrong = [...now].filter(([name, answer]) => !failed(name, answer) && answer !== before.get(name));
  const { problems } = verifyPast(viewOf(damaged())).verdict;
  return { found: problems.length > 0, failed: broken, wrong: wrong.map(([name]) => name) };
}

const BEFORE = new WeakMap<MemoryStorage, Map<string, string | undefined>>();

function beforeOf(whole: MemoryStorage): Map<string, string | undefined> {
  const known = BEFORE.get(whole) ?? answers(memoryStorage(whole.files));
  BEFORE.set(whole, known);
  return known;
}

/** Whether an outcome keeps the promise in the head of this file. */
export function keepsPromise({ found, failed, wrong }: Outcome): boolean {
  return wrong.length === 0 && (found || failed === 0);
}

/** `bytes` with one bit flipped. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}
