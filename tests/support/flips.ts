// `deno task flips [N]`: flips N bits (2,000), spread over every file of a ledger, cuts every file at many places, and prints for
// each file how each came out. Ends with 1 where a question answered wrongly, or where `verify` missed what changed an answer.

import { flipped, keepsPromise, type Outcome, outcomeOf, stoppedLedger } from "./damaged_files.ts";

/** Flips to try. */
const FLIPS = Number(Deno.args[0] ?? 2000);
/** Every file is cut at about so many places. */
const CUTS_MAX = 60;

const whole = stoppedLedger();
const total = [...whole.files.values()].reduce((sum, { length }) => sum + length, 0);

interface Count {
  tried: number;
  found: number;
  same: number;
  failed: number;
  broken: number;
}

function add(count: Count, outcome: Outcome): void {
  count.tried++;
  if (outcome.found) count.found++;
  else if (outcome.failed === 0 && outcome.wrong.length === 0) count.same++;
  if (outcome.failed > 0) count.failed++;
  if (!keepsPromise(outcome)) count.broken++;
}

function line(name: string, kind: string, { tried, found, same, failed, broken }: Count): string {
  const cells = [tried, found, same, failed, broken].map((cell) => String(cell).padStart(8));
  return `${name.padEnd(36)}${kind.padEnd(6)}${cells.join("")}`;
}

console.log(`${"file".padEnd(36)}${"".padEnd(6)}   tried   found    same  failed   wrong`);
let broken = 0;
for (const [name, bytes] of whole.files) {
  const flips: Count = { tried: 0, found: 0, same: 0, failed: 0, broken: 0 };
  const cuts: Count = { tried: 0, found: 0, same: 0, failed: 0, broken: 0 };
  const bits = 8 * bytes.length;
  const wanted = Math.ceil(FLIPS * bytes.length / total);
  // An odd step reaches every bit of a byte.
  for (let n = 0, bit = 3; n < wanted; n++, bit = (bit + (Math.floor(bits / wanted) | 1)) % bits) {
    add(flips, outcomeOf(whole, name, flipped(bytes, bit)));
  }
  const step = Math.max(1, Math.floor(bytes.length / CUTS_MAX));
  for (let length = 0; length < bytes.length; length += step) {
    add(cuts, outcomeOf(whole, name, bytes.slice(0, length)));
  }
  console.log(line(name, "flips", flips));
  console.log(line("", "cuts", cuts));
  broken += flips.broken + cuts.broken;
}
console.log(
  "found: verify reports it; same: verify reports nothing and every answer is as before; failed: questions failed, as a user sees",
);
Deno.exitCode = broken === 0 ? 0 : 1;
