// The error of a name that is well formed and unknown.

/** What was asked for does not exist. The message has names that are near it. */
export class NothingFound extends Error {
  override readonly name = "NothingFound";
}
