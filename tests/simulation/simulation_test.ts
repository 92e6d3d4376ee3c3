// Random worlds, each from a seed. `deno task simulate 1000` runs more of them. A seed that fails is a test case.

import assert from "node:assert/strict";
import { FaultCounts, FAULTS } from "./faults.ts";
import { simulate } from "./world.ts";

const SEEDS = Number(Deno.env.get("SEEDS") ?? 100);
const FIRST = Number(Deno.env.get("FIRST_SEED") ?? 1);
/** With so many seeds each fault fires at least this often. */
const [ENOUGH, FIRED_MIN] = [1000, 50];
/** Of so many the counts are printed: parts of a long run can be added up. */
const PRINTED = 250;

Deno.test(`${SEEDS} worlds that misbehave end in agreement`, () => {
  const counts = new FaultCounts();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      simulate(seed, counts);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
  if (SEEDS >= PRINTED) console.log(counts.text());
  if (SEEDS < ENOUGH) return;
  for (const fault of FAULTS) assert.ok(counts.count(fault) >= FIRED_MIN, `${fault} fired too rarely`);
});
