// Waits with a bound: for a time, or for a promise. A signal ends both early. Milliseconds are below 2^31. A signal or promise keeps
// nothing of what is over: a long loop would gather thousands of listeners and reactions.

/** The longest time of a timer. */
export const FOREVER_MILLISECONDS = 2 ** 31 - 1;

/** What to call once a promise settles. Why not Promise.race? Each call adds a reaction that stays until then (nodejs/node#17469). */
const WAITERS = new WeakMap<Promise<unknown>, Set<() => void>>();

/** The value of `promise`; undefined after `milliseconds`, or once `signal` has aborted. A rejection that comes later is ignored. */
export async function within<Value>(
  promise: Promise<Value>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<Value | undefined> {
  const waiters = waitersOf(promise);
  if (signal?.aborted) return undefined;
  const result = Promise.withResolvers<Value | undefined>();
  const end = () => result.resolve(undefined);
  const settled = () => result.resolve(promise);
  const timer = setTimeout(end, milliseconds);
  signal?.addEventListener("abort", end);
  waiters.add(settled);
  try {
    return await result.promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    waiters.delete(settled);
  }
}

/** The waiters of `promise`, to which one reaction is added for all. */
function waitersOf(promise: Promise<unknown>): Set<() => void> {
  const known = WAITERS.get(promise);
  if (known !== undefined) return known;
  const waiters = new Set<() => void>();
  WAITERS.set(promise, waiters);
  const settle = () => {
    WAITERS.delete(promise);
    for (const settled of waiters) settled();
  };
  promise.then(settle, settle);
  return waiters;
}

/** Resolves after `milliseconds`, or once `signal` has aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await within(new Promise<never>(() => {}), milliseconds, signal);
}

/** Resolves once the event loop has turned: what waits for a timer or the kernel goes on first. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
