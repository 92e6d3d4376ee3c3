// Recorded events become records and commits with the times of the recording.

import assert from "node:assert/strict";
import { readLedger } from "../../src/ledger/reader.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { importEvents } from "../../src/node/import_recording.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { timeAt } from "../support/past.ts";

Deno.test("events of about the same time are one commit, which has their time", () => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const events = [
    { ...appears(service("shop/web 10.96.0.1 http:80/tcp")), time: timeAt(1) },
    { ...appears(slice("shop/web-a http:8080/tcp 10.244.0.1")), time: timeAt(1.004) },
    { ...appears(slice("shop/web-a http:8080/tcp 10.244.0.2")), time: timeAt(3) },
  ];
  const config = { kind: "config", time: timeAt(100), version: "1", nodeName: "" } as const;
  assert.deepEqual(importEvents(writer, events, config, "monday"), { events: 3, commits: 2 });
  writer.sync();
  assert.deepEqual([...readLedger(storage)].map(({ record: { kind, time } }) => `${kind} ${time}`), [
    `gap ${timeAt(1)}`,
    `config ${timeAt(1)}`,
    `event ${timeAt(1)}`,
    `event ${timeAt(1.004)}`,
    `commit ${timeAt(1.004)}`,
    `event ${timeAt(3)}`,
    `commit ${timeAt(3)}`,
  ]);
});
