// Random worlds, each by a seed. More of them: deno task simulate 1000. A seed that fails is a test case.

import { simulate } from "./world.ts";

const SEEDS = Number(Deno.env.get("SEEDS") ?? 100);
const FIRST = Number(Deno.env.get("FIRST_SEED") ?? 1);

Deno.test(`${SEEDS} worlds that misbehave end in agreement`, () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      simulate(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
