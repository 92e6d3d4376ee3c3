// Programmer errors. These checks stay on in production: a proxy that continues from a broken invariant writes wrong
// rules. A proxy that stops leaves the last good rules in the kernel.

/** An invariant does not hold. Thrown for a mistake in this program, never for bad input. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Throws {@link InvariantError} with `message` unless `condition` holds. On hot paths the message is a
 * function, so that its text is made only for a failure.
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === "string" ? message : message());
}

/** Ends an exhaustive `switch`: the compiler rejects it while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
