// Waiting for a condition, with a deadline.

import assert from "node:assert/strict";

/** What comes at all comes sooner, also on a busy machine. Where a test waits for what takes longer, it gives its own. */
const DEADLINE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 50;

/** Waits for `condition`; an assertion fails when it is not true in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = DEADLINE_MILLISECONDS,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!await condition()) {
    if (performance.now() > deadline) assert.fail(`waited ${milliseconds} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
