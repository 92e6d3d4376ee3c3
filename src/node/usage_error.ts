// Wrong usage: the program ends with exit code 2, and the message says what to write instead.

/** The user asked for something that is not possible. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
