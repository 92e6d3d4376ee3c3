// Appends records to the ledger in the folder given until it is killed, and says the offset of each when it has it.

import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";

const MANY = 1_000_000;
const TIME = "2026-11-23T09:26:10.000Z";
using writer = new LedgerWriter(folderStorage(Deno.args[0]!, true), { policy: "interval" });
for (let i = 0; i < MANY; i++) {
  const offset = writer.append([{ kind: "config", time: TIME, version: "0", nodeName: `node-${i}` }]);
  Deno.stdout.writeSync(new TextEncoder().encode(`${offset}\n`));
}
