// The exit codes of all commands. Scripts rely on them, so a command that finds nothing never ends as one that answers.

/** As src/OPERATING.md has them. */
export const EXIT = {
  /** The command did what it was asked for, or printed an answer. */
  done: 0,
  /** It found a difference, a problem of what it checks, or nothing that matches. */
  found: 1,
  /** Wrong usage: the message says what to write instead. */
  usage: 2,
  /** It could not do what it was asked for. */
  failure: 3,
} as const;
