// Shows long answers on a terminal through a pager, as git does: LEDGERPROXY_PAGER, PAGER, or less. Where that cannot be started, as in
// the image, an answer is printed at once. Why not write to the pager at once? Only a whole answer shows whether it fits the terminal and
// needs no pager, and until then messages on standard error would go over the pages.

/** What is printed while an answer is made; undefined where it is printed at once. */
let gathered: string[] | undefined;

/** Gathers what is printed from now on, where standard output is a terminal and the user wants a pager. */
export function startPaging(): void {
  if (Deno.stdout.isTerminal() && pagerCommand() !== "") gathered = [];
}

/** Keeps `text` for the pager; returns false where it must be printed at once. */
export function gather(text: string): boolean {
  gathered?.push(text);
  return gathered !== undefined;
}

/** Whether answers are gathered, so that the longest one can be read. */
export function isPaging(): boolean {
  return gathered !== undefined;
}

/** Ends gathering: of an answer that grows while it is read. Returns what is to be printed now. */
export function stopPaging(): readonly string[] {
  const texts = gathered ?? [];
  gathered = undefined;
  return texts;
}

/**
 * Shows `texts` in the pager, and waits until the user leaves it. Returns false where they must be printed: they fit a terminal of `rows`
 * (undefined: it does not say its size), or no pager starts.
 */
export async function showInPager(texts: readonly string[], rows = Infinity): Promise<boolean> {
  if (texts.length === 0 || linesOf(texts) < rows) return false;
  const pager = startPager();
  if (pager === undefined) return false;
  // As long as the pager runs, Ctrl-C is its own.
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    await writeTo(pager.stdin, `${texts.join("\n")}\n`);
    const { code } = await pager.status;
    return code !== NOT_FOUND;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

async function writeTo(pager: WritableStream<Uint8Array>, text: string): Promise<void> {
  try {
    const writer = pager.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    // The user left the pager before it had read all.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Exit code of a shell whose command does not exist (POSIX.1-2017, Shell Command Language 2.8.2). */
const NOT_FOUND = 127;

function startPager(): Deno.ChildProcess | undefined {
  // As git: less ends where all fits, keeps colours, and leaves the text on the screen.
  const env = { LESS: Deno.env.get("LESS") ?? "FRX", LV: Deno.env.get("LV") ?? "-c" };
  try {
    return new Deno.Command("sh", { args: ["-c", pagerCommand()], env, stdin: "piped" }).spawn();
  } catch {
    return undefined;
  }
}

/** The command of the pager; "" for none. */
function pagerCommand(): string {
  const command = Deno.env.get("LEDGERPROXY_PAGER") ?? Deno.env.get("PAGER") ?? "less";
  return command.trim() === "cat" || Deno.env.get("TERM") === "dumb" ? "" : command.trim();
}

function linesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.split("\n").length, 0);
}
