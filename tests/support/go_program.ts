// Programs that `.ci/go-program` builds for tests.

import { reportSkip } from "./skipped.ts";

/** The path that a variable has, of a program that `.ci/run` builds; says what is skipped without it. */
export function goProgram(variable: string): string | undefined {
  const path = Deno.env.get(variable);
  if (path === undefined) {
    reportSkip(
      `${variable} names no program; .ci/go-program, as .ci/run calls it, makes one (3 minutes, once)`,
    );
  }
  return path;
}
