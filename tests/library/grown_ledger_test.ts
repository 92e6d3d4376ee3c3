// A ledger that grows while it is read.

import assert from "node:assert/strict";
import { grownLedger } from "../../src/library/grown_ledger.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { timeAt } from "../support/past.ts";

const record = (second: number) =>
  ({ kind: "config", time: timeAt(second), version: "1", nodeName: "" }) as const;

Deno.test("each growth is noticed, also in a new segment, until the signal is aborted", async () => {
  const folder = await Deno.makeTempDir();
  const stop = new AbortController();
  {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "never", segmentBytes: 400 });
    writer.append([record(0)]);
    const seen: number[] = [];
    for await (const { last, quiet } of grownLedger(openPast(folder), stop.signal)) {
      if (quiet) continue;
      seen.push(last);
      if (last >= 9) stop.abort();
      else for (let i = 0; i < 1 + last % 3; i++) writer.append([record(last + i + 1)]);
    }
    assert.deepEqual(
      seen,
      [0, 1, 3, 4, 6, 7, 9],
      "offset 0 is followed by one record, 1 by two, 3 by one and so on",
    );
  }
  assert.ok([...Deno.readDirSync(folder)].length > 3, "there are several segments");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a ledger that does not grow is quiet once", async () => {
  const folder = await Deno.makeTempDir();
  const stop = new AbortController();
  {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
    writer.append([record(0)]);
    const seen: boolean[] = [];
    for await (const { last, quiet } of grownLedger(openPast(folder), stop.signal)) {
      seen.push(quiet);
      if (quiet && last === 0) writer.append([record(1)]);
      else if (quiet) stop.abort();
    }
    assert.deepEqual(seen, [false, true, false, true]);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("another ledger is noticed, also where it has as many records as the one that the caller read", async () => {
  const folder = await Deno.makeTempDir();
  const stop = new AbortController();
  const storage = folderStorage(folder, true);
  const anotherLedger = () => {
    for (const name of storage.names()) storage.remove(name);
    using writer = new LedgerWriter(storage, { policy: "never" });
    writer.append([record(0)]);
  };
  anotherLedger();
  const past = openPast(folder);
  const read = past.id();
  anotherLedger();
  const seen: [last: number, anew: boolean][] = [];
  for await (const { last, anew, quiet } of grownLedger(past, stop.signal, read)) {
    if (quiet) continue;
    seen.push([last, anew]);
    if (seen.length < 2) anotherLedger();
    else stop.abort();
  }
  assert.deepEqual(seen, [[0, true], [0, true]], "before the first look, and between two");
  await Deno.remove(folder, { recursive: true });
});
