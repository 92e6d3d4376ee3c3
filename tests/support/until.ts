// Waiting for a condition, with a deadline.

const DEADLINE_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 50;

/** Waits for `condition`; throws when it does not come true in time. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MILLISECONDS;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MILLISECONDS} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
