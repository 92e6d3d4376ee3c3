// Programmer errors. These checks stay on in production: a proxy that continues from a broken invariant
// writes wrong rules, one that stops leaves the last good rules in place.

/** Thrown when the program contradicts itself; never for bad input from outside. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws {@link InvariantError} with `message` unless `condition` holds. On hot paths the message is a function. */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === "string" ? message : message());
}

/** Ends an exhaustive `switch`: the compiler rejects it while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
