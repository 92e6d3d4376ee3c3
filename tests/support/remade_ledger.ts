// A ledger that this version makes of the records of fixtures/ledgers/0.6.0: the same events and configurations, at the same times,
// committed where the older version committed. Answers about rules need it: the older one did not record where its rules led.

import { commitBatch } from "../../src/engine/executor.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { EngineProcess } from "./engine_process.ts";

const FIXTURE = new URL("../../fixtures/ledgers/0.6.0", import.meta.url).pathname;

/** Makes the ledger in a new folder, which the caller removes; returns the folder. */
export function remadeLedger(): string {
  const folder = Deno.makeTempDirSync();
  let time = "";
  using kernel = new FakeKernel();
  using process = new EngineProcess(kernel, folderStorage(folder, true), { complete: true, now: () => time });
  for (const { record } of readLedger(folderStorage(FIXTURE, false))) {
    time = record.time;
    if (record.kind === "commit") commitBatch(process.engine, process.ports);
    else process.append([record]);
  }
  return folder;
}
