// What became of a segment: a crash leaves a prefix, anything else is named with its place.

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { EVERY_KIND, open, recordsIn, text, twoSegments, using } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";

Deno.test("every truncation of the last segment is recovered as a prefix, said so, and written on", () => {
  const whole = twoSegments();
  const last = whole.names().at(-1)!;
  const bytes = whole.files.get(last)!;
  for (let length = 0; length < bytes.length; length++) {
    const cut = memoryStorage(whole.files);
    cut.truncate(last, length);
    const before = recordsIn(cut);
    assert.deepEqual(before, EVERY_KIND.slice(0, before.length), `cut at ${length}`);
    const wholeLines = text(bytes.subarray(0, length)).split("\n").length - 1;
    const firstOfLast = Number(last.slice(0, 20));
    assert.equal(
      before.length,
      firstOfLast + Math.max(0, wholeLines - 1),
      `cut at ${length}: no whole record is lost`,
    );
    using(open(cut), (writer) => {
      assert.equal(writer.torn !== undefined, bytes[length - 1] !== 0x0a, `cut at ${length}`);
      writer.append(EVERY_KIND.slice(before.length));
    });
    assert.deepEqual(recordsIn(cut), EVERY_KIND, `cut at ${length}, then written on`);
    assert.deepEqual(verifyLedger(cut), []);
  }
});

Deno.test("every flipped byte is found: a prefix is read, and the place is named", () => {
  const whole = twoSegments();
  for (const name of whole.names()) {
    for (let at = 0; at < whole.size(name); at++) {
      const flipped = memoryStorage(whole.files);
      flipped.files.get(name)![at]! ^= 0x01;
      const read: LedgerRecord[] = [];
      try {
        for (const { record } of readLedger(flipped)) read.push(record);
      } catch (error) {
        assert.ok(isLedgerDamage(error), `${name} byte ${at}: ${error}`);
        assert.match(error.message, /^\d{20}\.ndjson:\d+ \(byte \d+\): /);
      }
      assert.deepEqual(read, EVERY_KIND.slice(0, read.length), `${name} byte ${at}`);
      assert.equal(verifyLedger(flipped).length, 1, `${name} byte ${at} is noticed`);
    }
  }
});

Deno.test("a record taken out, a segment taken out, and a segment of another ledger are noticed", () => {
  const without = twoSegments();
  const first = without.names()[0]!;
  const lines = text(without.read(first)).split("\n");
  without.files.set(first, new TextEncoder().encode([...lines.slice(0, 2), ...lines.slice(3)].join("\n")));
  assert.match(verifyLedger(without)[0]!, /hash chain/);

  const many = twoSegments([...EVERY_KIND, ...EVERY_KIND, ...EVERY_KIND]);
  many.files.delete(many.names()[1]!);
  assert.match(verifyLedger(many)[0]!, /records from \d+ on are missing/);

  const mixed = twoSegments();
  const foreign = memoryStorage();
  using(
    new LedgerWriter(foreign, { policy: "never", ledger: "f".repeat(16) }),
    (writer) => writer.append(EVERY_KIND),
  );
  mixed.files.set(mixed.names()[0]!, foreign.read(foreign.names()[0]!));
  assert.match(verifyLedger(mixed)[0]!, /belongs to ledger 0123456789abcdef, not ffffffffffffffff/);
});

Deno.test("one record changed, removed, reordered or cut anywhere is found, and its place named", () => {
  const whole = twoSegments();
  const resealed = (line: string) => {
    const covered = line.slice(0, line.indexOf(',"crc"')).replace('"kind":"', '"kind":"x');
    return `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
  };
  const tamperings: Record<string, (lines: string[], i: number) => string[]> = {
    changed: (lines, i) => lines.with(i, resealed(lines[i]!)),
    removed: (lines, i) => lines.toSpliced(i, 1),
    reordered: (lines, i) => lines.toSpliced(i, 2, lines[i + 1]!, lines[i]!),
    cut: (lines, i) => lines.with(i, lines[i]!.slice(0, 40)),
  };
  let tried = 0;
  for (const name of whole.names()) {
    const lines = text(whole.read(name)).trimEnd().split("\n");
    for (const [what, tamper] of Object.entries(tamperings)) {
      for (let i = 1; i < lines.length; i++) {
        const last = i === lines.length - 1;
        if (last && what === "reordered") continue;
        const storage = memoryStorage(new Map(whole.files));
        storage.files.set(name, new TextEncoder().encode(`${tamper(lines, i).join("\n")}\n`));
        const [problem] = verifyLedger(storage);
        // What is cut off the very end is a torn tail, or no longer there at all: then only the kernel's position tells.
        if (last && name === whole.names().at(-1)) {
          if (what === "cut") assert.match(problem!, /torn tail/);
          if (what !== "changed") continue;
        }
        assert.ok(problem !== undefined, `${name}: line ${i + 1} ${what}`);
        // A segment whose last record is gone or torn is named by the next one.
        const place = last && what !== "changed" ? /^\d{20}\.ndjson:1 / : new RegExp(`^${name}:${i + 1} `);
        assert.match(problem, place, what);
        tried++;
      }
    }
  }
  assert.ok(tried > 10, `${tried} places`);
});
