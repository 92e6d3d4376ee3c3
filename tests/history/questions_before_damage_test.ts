// A ledger of which one record is damaged: what is asked about the time before it is answered as if nothing were wrong.

import assert from "node:assert/strict";
import { type SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { type History, historyOf } from "../../src/history/history.ts";
import { lastBefore, logOf } from "../../src/history/log_question.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import type { Past } from "../../src/history/past.ts";
import { parsePosition, type PositionExpression } from "../../src/history/position_expression.ts";
import { windowOf } from "../../src/history/window.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { inOneOrder } from "../support/damaged_files.ts";
import { committedPast, timeAt } from "../support/past.ts";

const PACKET = readPacket("10.0.0.1", "10.96.0.1:80/tcp");
const WEB = slice("shop/web-a http:8080/tcp 10.244.0.1");

/** A ledger in three segments, none of them compressed, without anything that was worked out beside them. */
function liveLedger(): MemoryStorage {
  const past = committedPast([
    [appears(service("shop/web 10.96.0.1 http:80/tcp"))],
    [appears(WEB)],
    [vanishes(WEB)],
    ...Array.from({ length: 5 }, (_, i) => [appears(slice(`shop/web-a http:8080/tcp 10.244.0.${i + 2}`))]),
  ]);
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never", ledger: "0123456789abcdef" });
  for (const { offset, record } of past.records()) {
    if (offset === 6 || offset === 11) atOnce(writer.disk.endSegment());
    writer.append([record]);
  }
  return storage;
}

const WHOLE = liveLedger();
/** A copy, so that no journal is kept for the next question. */
const viewOf = ({ files }: MemoryStorage) => ledgerView<SnapshotLine>(memoryStorage(files), snapshotMisfit);
const LAST = historyOf(viewOf(WHOLE)).offsetOf();
const at = (text: string) => parsePosition(text) as PositionExpression;

/** What can be asked about a position. */
const QUESTIONS: Readonly<Record<string, (history: History, position: string, past: Past) => unknown>> = {
  blame: (history, position) => [...history.blame("shop/web", position)],
  changes: (history, until) => [...history.changes("shop/web", { until })],
  diff: (history, position) => history.diff("@1", position),
  endpoints: (history, position) => history.endpoints("shop/web", position),
  flips: (history, position) =>
    typeof PACKET === "string"
      ? PACKET
      : [...history.flips("@1", position, { packet: PACKET, expected: { kind: "same" } })],
  latency: (history, until) => history.latency({ until }),
  log: (_, until, past) => [...logOf(past, LAST, { subjects: [], until: at(until) }).records(LAST)],
  outages: (history, until) => [history.outages({ until }), history.outages({ until }, "shop/web")],
  replay: (history, position) => history.replay(position),
  report: (_, until, past) => windowOf(past, { until: at(until), records: 9, bytes: Infinity })?.records,
  services: (history, position) => history.services(undefined, position),
  show: (history, position) => history.show(position),
  status: (history, position) => history.status(position),
  top: (history, until) => history.top({ until }),
  why: (history, position) => typeof PACKET === "string" ? PACKET : history.why(PACKET, position),
};

/** The answers to all questions about `position`, as JSON. */
function answers(storage: MemoryStorage, position: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(QUESTIONS).map(([name, ask]) => {
      const past = viewOf(storage);
      try {
        return [name, JSON.stringify(ask(historyOf(past), position, past), inOneOrder)];
      } catch (error) {
        if (!isLedgerDamage(error)) throw error;
        return [name, error.message];
      }
    }),
  );
}

/** The ledger with a flipped bit in line `line` of segment `name`. */
function damaged(name: string, line: number): MemoryStorage {
  const storage = memoryStorage(WHOLE.files);
  const bytes = storage.files.get(name)!;
  let at = 0;
  for (let i = 0; i < line; i++) at = bytes.indexOf(0x0a, at) + 1;
  bytes[at + 30]! ^= 1;
  return storage;
}

/** Each line of each segment but the last line of the last, which counts as a torn tail, with the offset of its record. */
function* damages(): Generator<
  { readonly storage: MemoryStorage; readonly offset: number; readonly isHeader: boolean }
> {
  for (const [name, bytes] of WHOLE.files) {
    const lines = new TextDecoder().decode(bytes).split("\n").length - 1;
    const first = Number.parseInt(name);
    for (let line = 0; line < lines; line++) {
      const offset = first + Math.max(0, line - 1);
      if (offset > 3 && offset < LAST) {
        yield { storage: damaged(name, line), offset, isHeader: line === 0 };
      }
    }
  }
}

Deno.test("what is asked about a position before the damage is answered, and the damage is named behind it", () => {
  for (const { storage, offset } of damages()) {
    // Each batch is an event and its commit. What is printed of an event has its commit.
    const before = `@${offset - (offset % 2 === 1 ? 2 : 1)}`;
    assert.deepEqual(answers(storage, before), answers(WHOLE, before), `damage of @${offset}`);
    for (const [name, answer] of Object.entries(answers(storage, `@${offset}`))) {
      assert.match(answer, /^\d{20}\.ndjson:\d+ \(byte/, `${name} at the damage, @${offset}`);
    }
  }
});

Deno.test("of an event whose commit is damaged, all but the commit is answered, and the damage is named", () => {
  // Each batch is an event and its commit.
  for (const { storage, offset, isHeader } of damages()) {
    if (offset % 2 === 0 || isHeader) continue;
    const event = `@${offset - 1}`;
    const [found, right] = [answers(storage, event), answers(WHOLE, event)];
    for (const question of ["diff", "why"]) {
      assert.equal(found[question], right[question], `${question}, damage of @${offset}`);
    }
    const damage = /^\d{20}\.ndjson:\d+ \(byte/;
    const { damage: unread, ...shown } = JSON.parse(found.show!);
    assert.match(unread, damage);
    assert.deepEqual(shown, { ...JSON.parse(right.show!), commit: null, events: [] });
    const blamed: { readonly cause: { readonly offset: number } | null; readonly damage?: string }[] = JSON
      .parse(
        found.blame!,
      );
    const unreadElements = blamed.filter(({ damage }) => damage !== undefined);
    assert.ok(unreadElements.length > 0 || right.blame === found.blame, `blame, damage of @${offset}`);
    for (const { cause, damage: named } of unreadElements) {
      assert.equal(cause?.offset, offset - 1);
      assert.match(named!, damage);
    }
    const others = JSON.parse(right.blame!).filter((_: unknown, i: number) =>
      blamed[i]!.damage === undefined
    );
    assert.deepEqual(blamed.filter(({ damage }) => damage === undefined), others);
  }
});

Deno.test("a time before the damage is found where a commit before the damage is later", () => {
  for (const { storage, offset } of damages()) {
    const history = historyOf(viewOf(WHOLE));
    // The commits of the batches are a second apart, and the one of second 3 is @5.
    for (let second = 2; second <= 9; second++) {
      const [time, next] = [timeAt(second), timeAt(second + 1)];
      const isLater = history.offsetOf(next) > history.offsetOf(time) && history.offsetOf(next) + 1 < offset;
      if (!isLater) continue;
      // A log by time compares the times of all records; the command goes on before the damage (lastBefore, below).
      const { log: _, ...answered } = answers(storage, time);
      const { log: __, ...right } = answers(WHOLE, time);
      assert.deepEqual(answered, right, `damage of @${offset}, asked at ${time}`);
    }
  }
});

Deno.test("a time that may be behind the damage is not answered from what is before it", () => {
  for (const { storage, offset } of damages()) {
    for (let second = 2; second <= 9; second++) {
      const right = historyOf(viewOf(WHOLE)).offsetOf(timeAt(second));
      let found: number | undefined;
      const damage = viewOf(storage).damageIn(() =>
        found = historyOf(viewOf(storage)).offsetOf(timeAt(second))
      );
      assert.ok(damage !== undefined || found === right, `damage of @${offset}, second ${second}: ${found}`);
    }
  }
});

Deno.test("a log up to a time goes on before the damage, where the record before the damage is later", () => {
  const storage = damaged("00000000000000000011.ndjson", 2);
  const past = viewOf(storage);
  const damage = past.damageIn(() => void [...historyOf(past).changes()])!;
  assert.equal(damage.offset, 12);
  assert.equal(lastBefore(past, damage, at(timeAt(4))), 11);
  assert.equal(lastBefore(past, damage, at("@11")), 11);
  for (const until of [at("@12"), at("HEAD~1"), at(timeAt(30)), undefined]) {
    assert.equal(lastBefore(past, damage, until), undefined);
  }
});
