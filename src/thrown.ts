// What was thrown: any value may be, and nothing has checked it.

/** The message of what was thrown. Most code throws an Error, but JavaScript allows any value. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The code of a system error (`ENOENT`) or of an error of Node's modules; undefined where there is none. */
export function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}
