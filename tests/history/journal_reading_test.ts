// The journal of a ledger in one segment and in many, worked out and kept.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { journalEntries, type JournalEntry } from "../../src/history/journal.ts";
import { journalBackward, journalFrom, stateToRead } from "../../src/history/journal_reading.ts";
import { type Past, stateAt } from "../../src/history/past.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { appears, lines, service } from "../support/cluster_notation.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { webPast } from "../support/web_history.ts";

const KEEP = { bytes: Infinity, milliseconds: Infinity };

/** The ledger of the web Service with a snapshot, and so a new segment, after every third record. */
function inSegments(): Past {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (const { offset, record } of webPast().records()) {
    writer.append([record]);
    foldRecord(state, offset, record);
    if (offset % 3 === 2) writeSnapshot(writer, snapshotLines(state), KEEP);
  }
  return ledgerView(storage, snapshotMisfit);
}

/** The entries as one fold of all records makes them. */
function expected(): JournalEntry[] {
  const state = emptyState();
  return [...webPast().records()].flatMap(({ offset, record }) => journalEntries(state, offset, record));
}

const plain = (entries: Iterable<JournalEntry>) => JSON.parse(JSON.stringify([...entries]));

Deno.test("forward and backward, in any range, the journal is that of one fold of all records", () => {
  const whole = expected();
  for (const past of [webPast(), inSegments()]) {
    for (const round of ["worked out", "kept"]) {
      for (const [from, through] of [[0, 13], [3, 9], [8, 8], [5, 99]] as const) {
        const wanted = whole.filter(({ offset }) => offset >= from && offset <= through);
        assert.deepEqual(
          plain(journalFrom(past, from, through)),
          plain(wanted),
          `${round} @${from} to @${through}`,
        );
      }
      assert.deepEqual(
        plain(journalBackward(past, 9)),
        plain(whole.filter(({ offset }) => offset <= 9).reverse()),
      );
    }
  }
});

Deno.test("closed segments are folded once: afterwards their journal is kept beside them", () => {
  const past = inSegments();
  const [, second, third] = past.segments();
  assert.equal(past.journal(second!, third!), undefined);
  const first = plain(journalFrom(past, 0, 13));
  let read = 0;
  const counting: Past = { ...past, recordsToFold: (from) => (read++, past.recordsToFold(from)) };
  assert.deepEqual(
    plain(journalFrom(counting, 0, 11)),
    first.filter(({ offset }: JournalEntry) => offset <= 11),
  );
  assert.equal(read, 0, "no record was read");
  past.keepJournal(second!, third!, "of a newer version\n[]");
  assert.deepEqual(plain(journalFrom(past, 0, 13)), first, "a journal that cannot be read is made again");
});

Deno.test("of one Service only its entries and the commits are read", () => {
  const own = expected().filter(({ service, commit }) => service === "shop/cart" || commit !== undefined);
  for (const past of [webPast(), inSegments(), inSegments()]) {
    assert.deepEqual(plain(journalFrom(past, 0, 13, { service: "shop/cart", details: true })), plain(own));
    assert.deepEqual(
      plain(journalBackward(past, 13, { service: "shop/cart", details: true })),
      plain(own.toReversed()),
    );
  }
});

Deno.test("a segment that grows is continued, and the state to read is that of the records", () => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const past: Past = ledgerView(storage, snapshotMisfit);
  const seen: unknown[] = [];
  for (const { offset, record } of webPast().records()) {
    writer.append([record]);
    seen.push(...plain(journalFrom(past, offset, offset)));
    assert.deepEqual(lines(stateToRead(past, offset).desired), lines(stateAt(past, offset).state.desired));
    assert.equal(stateToRead(past, Math.floor(offset / 2)).folded, Math.floor(offset / 2));
  }
  assert.deepEqual(seen, plain(expected()));
});

Deno.test("a segment that ends while it is read has no records of the next one in its journal", () => {
  const [whole, base] = [expected(), inSegments()];
  const all = base.segments();
  // The folder was listed before the last segment began, and read after that.
  let listed = all.slice(0, -1);
  const past: Past = { ...base, segments: () => listed };
  plain(journalBackward(past, 13));
  listed = all;
  const through = all.at(-1)! - 1;
  const wanted = whole.filter(({ offset }) => offset <= through).reverse();
  assert.deepEqual(plain(journalBackward(past, through)), plain(wanted));
  assert.deepEqual(plain(journalFrom({ ...base }, 0, 13)), plain(whole), "as it is kept");
});

Deno.test("backward, nothing before the first record that is asked for is read", () => {
  const past = inSegments();
  const [, , third] = past.segments();
  const found = plain(journalBackward(past, 13, undefined, third!));
  assert.deepEqual(found, plain(expected().filter(({ offset }) => offset >= third!).reverse()));
  assert.equal(past.journal(past.segments()[1]!, third!), undefined, "the segment before is not folded");
});

Deno.test("where another ledger comes to a folder that is followed, the journal of the one before it is not used", () => {
  /** A ledger of two segments. `appended` is called after each record. */
  const written = (storage: MemoryStorage, names: readonly string[], appended: (offset: number) => void) => {
    using writer = new LedgerWriter(storage, { policy: "never" });
    const state = emptyState();
    names.forEach((name, i) => {
      const record = appears(service(`shop/${name} 10.96.0.1 http:80/tcp`));
      foldRecord(state, writer.append([record]), record);
      appended(i);
      if (i === 1) writeSnapshot(writer, snapshotLines(state), KEEP);
    });
    return storage.files;
  };
  const storage = memoryStorage();
  const past: Past = ledgerView(storage, snapshotMisfit);
  written(storage, ["a", "b", "c"], (offset) => plain(journalFrom(past, offset, offset)));
  const other = written(memoryStorage(), ["d", "e", "f"], () => {});
  storage.files.clear();
  for (const [name, bytes] of other) storage.files.set(name, bytes);
  const services = [...journalFrom(past, 0, 2)].map(({ service }) => service);
  assert.deepEqual(services, ["shop/d", "shop/e", "shop/f"]);
});

Deno.test("a segment that retention removes between the listing and the reading has no journal without its records", () => {
  const base = inSegments();
  const [, second, third] = base.segments();
  const past: Past = { ...base, recordsToFold: (from) => base.recordsToFold(from === second ? third : from) };
  assert.throws(() => plain(journalFrom(past, second!, 13)), { name: "SegmentGone" });
  const partly: Past = {
    ...base,
    recordsToFold: (from) => base.recordsToFold(from === second ? second! + 1 : from),
  };
  assert.throws(() => plain(journalBackward(partly, third! - 1)), { name: "SegmentGone" });
  assert.equal(base.journal(second!, third!), undefined, "none is kept either");
});
