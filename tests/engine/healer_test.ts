// The healer decides from its inputs and their times alone. The tests compare its effects and its next deadline.

import assert from "node:assert/strict";
import {
  type HealerEffect,
  type HealerInput,
  type HealerState,
  healerWakesAt,
  newHealer,
  openDrift,
  stepHealer,
  unhealedChange,
} from "../../src/engine/healer.ts";

const QUIET: HealerInput = { kind: "polled", received: { foreign: [], lost: false } };
const LOST: HealerInput = { kind: "polled", received: { foreign: [], lost: true } };
const TAKEN: HealerInput = { kind: "tried", rejected: false };
const HEALED: HealerInput = { kind: "healed" };
const REJECTED: HealerInput = { kind: "tried", rejected: true };
const WOKEN: HealerInput = { kind: "woken" };

const change = (process: string, ...changes: string[]) => ({ process, pid: 7, changes });
const stolen = (process: string, ...changes: string[]): HealerInput => ({
  kind: "polled",
  received: { foreign: [change(process, ...changes)], lost: false },
});
const kinds = (effects: readonly HealerEffect[]) => effects.map(({ kind }) => kind);
const responses = (effects: readonly HealerEffect[]) =>
  effects.flatMap((effect) => effect.kind === "drift" ? [effect.response] : []);

/** A healer that another program has changed rules of six times since `from`, once a second: the sixth change waits. */
function atWar(from: number): HealerState {
  const state = newHealer(true, true, from);
  for (let i = 0; i < 6; i++) {
    const effects = stepHealer(state, stolen("thief", "delete element"), from + i * 1000);
    if (kinds(effects).includes("heal")) stepHealer(state, HEALED, from + i * 1000);
  }
  return state;
}

Deno.test("it polls the monitor ten times a second, and compares every 15 minutes", () => {
  const state = newHealer(true, true, 500);
  const polls: number[] = [];
  const audits: number[] = [];
  while (audits.length < 2) {
    const now = healerWakesAt(state);
    for (const { kind } of stepHealer(state, WOKEN, now)) {
      if (kind === "poll") polls.push(now);
      if (kind === "compare") audits.push(now);
      assert.deepEqual(
        stepHealer(state, kind === "poll" ? QUIET : { kind: "compared", equal: true }, now),
        [],
      );
    }
  }
  assert.deepEqual(polls.slice(0, 3), [600, 700, 800]);
  assert.deepEqual(audits, [900_500, 1_800_500]);
});

Deno.test("where the monitor announces changes it polls at whole seconds, and as often as ever while one is not resolved", () => {
  const state = newHealer(true, true, 250);
  const watched = (...foreign: Parameters<typeof change>[]): HealerInput => ({
    kind: "polled",
    received: { foreign: foreign.map((one) => change(...one)), lost: false, watched: true },
  });
  const pollsAt = (now: number, received: HealerInput) => {
    assert.ok(kinds(stepHealer(state, WOKEN, now)).includes("poll"));
    stepHealer(state, received, now);
    return healerWakesAt(state);
  };
  assert.equal(pollsAt(350, watched()), 1000);
  stepHealer(state, { kind: "noticed" }, 400);
  assert.equal(healerWakesAt(state), 450);
  assert.equal(pollsAt(450, watched(["nft", "delete element"])), 550);
  assert.equal(pollsAt(550, watched()), 650, "rules are being put back");
  stepHealer(state, HEALED, 600);
  assert.equal(pollsAt(650, watched()), 2000);
  assert.equal(pollsAt(2000, QUIET), 2100, "it announces nothing any more");
});

Deno.test("an announcement brings the poll forward, but not to less than 100 ms after the one before", () => {
  const state = newHealer(true, true, 0);
  const noticedAt = (now: number) => {
    assert.deepEqual(stepHealer(state, { kind: "noticed" }, now), []);
    return healerWakesAt(state);
  };
  const quiet: HealerInput = { kind: "polled", received: { foreign: [], lost: false, watched: true } };
  stepHealer(state, WOKEN, 100);
  stepHealer(state, quiet, 100);
  assert.equal(noticedAt(150), 200);
  assert.equal(noticedAt(190), 200);
  stepHealer(state, WOKEN, 200);
  stepHealer(state, quiet, 200);
  assert.equal(healerWakesAt(state), 1000);
  assert.equal(noticedAt(700), 700, "at once");
});

Deno.test("a start that has not listed our tables compares them after five seconds", () => {
  const state = newHealer(true, false, 0);
  assert.deepEqual(kinds(stepHealer(state, WOKEN, 4999)), ["poll"]);
  assert.deepEqual(kinds(stepHealer(state, WOKEN, 5000)), ["compare"]);
});

Deno.test("woken early it does nothing, woken late it does each thing once", () => {
  const state = newHealer(true, true, 0);
  assert.deepEqual(stepHealer(state, WOKEN, 99), []);
  assert.deepEqual(kinds(stepHealer(state, WOKEN, 10_000)), ["poll"]);
  assert.equal(healerWakesAt(state), 10_100);
});

Deno.test("without a monitor it has no deadline until a commit is rejected", () => {
  const state = newHealer(false, true, 0);
  assert.equal(healerWakesAt(state), Infinity);
  stepHealer(state, REJECTED, 0);
  assert.equal(healerWakesAt(state), 1000);
});

Deno.test("changes that come together are all recorded, and put back once", () => {
  const state = newHealer(true, true, 0);
  const foreign = [change("nft", "delete table ip"), change("other", "add rule ip")];
  const effects = stepHealer(state, { kind: "polled", received: { foreign, lost: true } }, 100);
  assert.deepEqual(kinds(effects), ["drift", "drift", "heal"]);
  assert.deepEqual(responses(effects), ["rules are put back", "rules are put back"]);
});

Deno.test("dropped notifications lead to a comparison, and a change that it finds is put back", () => {
  const state = newHealer(true, true, 0);
  assert.deepEqual(kinds(stepHealer(state, LOST, 100)), ["compare"]);
  assert.deepEqual(stepHealer(state, { kind: "compared", equal: true }, 100), []);
  const effects = stepHealer(state, { kind: "compared", equal: false }, 100);
  assert.deepEqual(kinds(effects), ["drift", "heal"]);
  assert.deepEqual(effects[0], {
    kind: "drift",
    process: "",
    pid: 0,
    changes: ["found by comparison"],
    response: "rules are put back",
  });
});

Deno.test("the response to a sixth change within a minute says how long it waits; to the next ones, that they wait", () => {
  const state = atWar(0);
  assert.equal(state.healAt, 60_000);
  const effects = stepHealer(state, stolen("thief", "delete element"), 6000);
  assert.deepEqual(responses(effects), ["rules wait to be put back"]);
  assert.deepEqual(kinds(effects), ["drift"]);
  assert.ok(!kinds(stepHealer(state, WOKEN, 59_999)).includes("heal"));
  assert.ok(kinds(stepHealer(state, WOKEN, 60_000)).includes("heal"));
});

Deno.test("a drift that waits is open, with program, changes, beginning and end", () => {
  const state = newHealer(true, true, 0);
  for (let i = 0; i < 5; i++) {
    stepHealer(state, stolen("thief", "delete element"), i * 1000);
    stepHealer(state, HEALED, i * 1000);
    assert.equal(openDrift(state), undefined, "put back at once");
  }
  stepHealer(state, stolen("thief", "delete element"), 5000);
  stepHealer(state, stolen("thief", "delete table ip", "delete element"), 7000);
  assert.deepEqual(openDrift(state), {
    process: "thief",
    pid: 7,
    changes: ["delete element", "delete table ip"],
    since: 5000,
    putBackAt: 60_000,
  });
  stepHealer(state, TAKEN, 8000);
  assert.equal(openDrift(state)?.putBackAt, 60_000, "a batch of the source is no put-back");
});

Deno.test("a change is unhealed until the rules are back, whether or not they had to wait", () => {
  const state = newHealer(true, true, 0);
  const unhealed = () => unhealedChange(state)?.process;
  stepHealer(state, stolen("thief", "delete element"), 0);
  assert.equal(unhealed(), "thief", "they are being put back");
  stepHealer(state, HEALED, 300);
  assert.equal(unhealed(), undefined);
  const war = atWar(0);
  assert.equal(unhealedChange(war)?.process, "thief", "they wait");
  stepHealer(war, WOKEN, 60_000);
  assert.equal(unhealedChange(war)?.process, "thief", "they are being put back");
  stepHealer(war, HEALED, 60_000);
  assert.equal(unhealedChange(war), undefined, "they are back, and a next change would have to wait");
  stepHealer(state, stolen("thief", "delete element"), 70_000);
  stepHealer(state, REJECTED, 70_100);
  stepHealer(state, HEALED, 70_200);
  assert.equal(unhealed(), "thief", "the kernel rejected them");
});

Deno.test("a drift is resolved once the rules are back and the next change would be put back at once", () => {
  const state = atWar(0);
  stepHealer(state, WOKEN, 60_000);
  stepHealer(state, HEALED, 60_000);
  assert.deepEqual(openDrift(state)?.since, 5000);
  assert.equal(openDrift(state)?.putBackAt, undefined, "they are back");
  stepHealer(state, WOKEN, 60_900);
  assert.notEqual(openDrift(state), undefined, "the second put-back is not a minute ago");
  stepHealer(state, WOKEN, 61_000);
  assert.equal(openDrift(state), undefined);
});

Deno.test("a program that goes on is named all the time, also after a comparison that does not know it", () => {
  const state = atWar(0);
  let named = 0;
  for (let now = 6000; now < 600_000; now += 100) {
    for (const { kind } of stepHealer(state, WOKEN, now)) if (kind === "heal") stepHealer(state, HEALED, now);
    if (now % 1000 === 0) {
      const input = now % 3000 === 0
        ? { kind: "compared", equal: false } as const
        : stolen("thief", "delete");
      for (const { kind } of stepHealer(state, input, now)) {
        if (kind === "heal") stepHealer(state, HEALED, now);
      }
    }
    const drift = openDrift(state);
    assert.equal(drift?.process, "thief", `at ${now}`);
    assert.equal(drift?.since, 5000);
    named++;
  }
  assert.equal(named, 5940);
});

Deno.test("a drift is open while putting back is rejected, and is retried after 1, 2, 4 ... 30 s", () => {
  const state = newHealer(true, true, 0);
  assert.deepEqual(kinds(stepHealer(state, stolen("nft", "delete table ip"), 0)), ["drift", "heal"]);
  const waits: number[] = [];
  let now = 0;
  for (let i = 0; i < 7; i++) {
    stepHealer(state, REJECTED, now);
    stepHealer(state, HEALED, now);
    assert.equal(openDrift(state)?.putBackAt, state.retryAt);
    waits.push(state.retryAt! - now);
    now = state.retryAt!;
    assert.ok(kinds(stepHealer(state, WOKEN, now)).includes("commit"));
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  stepHealer(state, TAKEN, now);
  assert.equal(state.retryAt, undefined);
  assert.equal(openDrift(state), undefined);
  stepHealer(state, REJECTED, now);
  assert.equal(state.retryAt! - now, 1000, "a success begins anew");
});

Deno.test("while rules are put back their drift is not resolved, and it is open from the next poll on", () => {
  const state = newHealer(true, true, 0);
  assert.deepEqual(kinds(stepHealer(state, stolen("nft", "delete element"), 100)), ["drift", "heal"]);
  stepHealer(state, TAKEN, 150);
  assert.equal(openDrift(state), undefined);
  stepHealer(state, WOKEN, 200);
  stepHealer(state, TAKEN, 250);
  const { process, since } = openDrift(state)!;
  assert.deepEqual({ process, since }, { process: "nft", since: 100 });
  stepHealer(state, HEALED, 300);
  assert.equal(openDrift(state), undefined);
});
