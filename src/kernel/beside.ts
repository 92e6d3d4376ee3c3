// A call that another thread makes, as a loop of pieces sees it: nothing until it is done, and then its result.

/** Yields until `promise` is settled; returns its value, or throws what it was rejected with. */
export function* settled<T>(promise: Promise<T>): Generator<undefined, T, void> {
  let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  promise.then((value) => outcome = { value }, (error) => outcome = { error });
  const now = () => outcome;
  for (;;) {
    const found = now();
    if (found === undefined) yield undefined;
    else if ("error" in found) throw found.error;
    else return found.value;
  }
}
