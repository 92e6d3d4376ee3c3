// Pauses, and bounds for what is awaited, that a signal ends. The signal keeps no listener of what is over: a long loop would gather
// thousands of them.

/** The value of `promise`; undefined after `milliseconds`, or once `signal` has aborted. */
export async function within<Value>(
  promise: Promise<Value>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Value | undefined> {
  const late = Promise.withResolvers<undefined>();
  const end = () => late.resolve(undefined);
  const timer = setTimeout(end, milliseconds);
  signal.addEventListener("abort", end);
  try {
    return signal.aborted ? undefined : await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** Resolves after `milliseconds`, or once `signal` has aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await within(new Promise<never>(() => {}), milliseconds, signal);
}
