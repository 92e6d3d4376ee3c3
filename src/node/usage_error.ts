// The user asked for something that cannot be: exit code 2, and a message that says what to write instead.

/** Wrong usage, explained. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
