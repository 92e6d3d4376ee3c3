// Restarts in place: the first at once, the next ones after pauses that double; `stop` ends them.

import assert from "node:assert/strict";
import { NO_RESTARTS, restartedAt, restarting, restartPause } from "../../src/node/restarts.ts";

Deno.test("the pauses double up to half a minute, and begin again after ten quiet minutes", () => {
  let restarts = NO_RESTARTS;
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    restarts = restartedAt(restarts, i);
    pauses.push(restartPause(restarts));
  }
  assert.deepEqual(pauses, [0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(restartPause(restartedAt(restarts, 8 + 10 * 60_000)), 0);
});

Deno.test("a loop that throws starts again, unless it may not restart or is stopped", async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const fates: (() => number)[] = [
    () => {
      throw new Error("first");
    },
    () => 7,
  ];
  const run = (mayRestart = true) =>
    restarting(() => Promise.resolve().then(fates.shift()!), {
      stop: stop.signal,
      mayRestart: () => mayRestart,
      restarts: (error, pause) => seen.push(`${(error as Error).message} ${pause}`),
    });
  assert.equal(await run(), 7);
  assert.deepEqual(seen, ["first 0"]);
  const fail = () => {
    throw new Error("again");
  };
  fates.push(fail);
  await assert.rejects(run(false), /again/);
  // The second pause is a second long; a stop ends it.
  fates.push(fail, () => {
    stop.abort();
    throw new Error("stopped");
  });
  await assert.rejects(run(), /stopped/);
});
