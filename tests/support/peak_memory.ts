// Verifies a ledger; prints what is wrong with it, and the most memory that this process has had.

import { verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";

const faults = verifyLedger(folderStorage(Deno.args[0]!, false));
const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
console.log(JSON.stringify({ faults, kilobytes }));
