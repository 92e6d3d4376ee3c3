// Why tests are skipped. `deno test --quiet` prints nothing of what a file says while it is loaded, so the reasons go to the program
// that runs the files, which prints each once, beside its counts.

/** The file that {@link reportSkip} appends to. */
export const SKIPPED_VARIABLE = "LEDGERPROXY_SKIPPED";

/** Says why tests of this file are skipped: one line. */
export function reportSkip(reason: string): void {
  const path = Deno.env.get(SKIPPED_VARIABLE);
  if (path === undefined) console.log(`skipped: ${reason}`);
  else Deno.writeTextFileSync(path, `skipped: ${reason}\n`, { append: true });
}
