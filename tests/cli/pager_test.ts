// Long answers on a terminal. `script` (util-linux) gives the program one.

import assert from "node:assert/strict";
import { showInPager } from "../../src/cli/pager.ts";

const ROOT = new URL("../../", import.meta.url);
const COMMAND = `${Deno.execPath()} run -A --no-check --quiet src/cli/main.ts`;

/** What a terminal of `rows` rows shows of a command. */
async function shown(rows: number, args: string, env: Record<string, string>): Promise<string> {
  const command = `stty rows ${rows} cols 80; ${COMMAND} ${args}`;
  const { stdout } = await new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", command, "/dev/null"],
    cwd: ROOT,
    env: { NO_COLOR: "1", TERM: "xterm", ...env },
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).replaceAll("\r", "");
}

Deno.test("a long answer on a terminal goes through the pager, one that fits or that is asked for at once does not", async () => {
  const command = "version";
  const pager = { PAGER: "sed s/^/paged:/" };
  const [long, fitting, atOnce, none, missing] = await Promise.all([
    shown(4, command, pager),
    shown(100, command, pager),
    shown(4, `--no-pager ${command}`, pager),
    shown(4, command, { PAGER: "cat" }),
    shown(4, command, { LEDGERPROXY_PAGER: "no-such-pager", ...pager }),
  ]);
  const lines = fitting.trimEnd().split("\n");
  assert.ok(lines.length > 5);
  assert.equal(long.trimEnd(), lines.map((line) => `paged:${line}`).join("\n"));
  assert.deepEqual([atOnce, none], [fitting, fitting]);
  assert.ok(missing.endsWith(fitting), "without the pager the answer is printed");
});

/** A pager whose input fails with `failure`. */
class FailingPager {
  static failure: Error;
  readonly status = Promise.resolve({ code: 0 });
  readonly stdin = {
    getWriter: () => ({ write: () => Promise.reject(FailingPager.failure), close: () => Promise.resolve() }),
  };

  spawn() {
    return this;
  }
}

/** Shows two lines in a {@link FailingPager} on a terminal of one row; returns what it ends with, and the signals still listened to. */
async function shownIn(failure: Error): Promise<{ shown: unknown; listening: string[] }> {
  const { Command, addSignalListener, removeSignalListener } = Deno;
  const listening: string[] = [];
  FailingPager.failure = failure;
  Object.assign(Deno, {
    Command: FailingPager,
    addSignalListener: (signal: string) => void listening.push(signal),
    removeSignalListener: (signal: string) => void listening.splice(listening.indexOf(signal), 1),
  });
  try {
    return { shown: await showInPager(["a", "b"], 1).catch((error) => error), listening };
  } finally {
    Object.assign(Deno, { Command, addSignalListener, removeSignalListener });
  }
}

Deno.test("Ctrl-C is the program's again whether the user left the pager or it failed", async () => {
  const left = await shownIn(new Deno.errors.BrokenPipe("left"));
  assert.deepEqual(left, { shown: true, listening: [] });
  const failure = new Deno.errors.ConnectionReset("failed");
  assert.deepEqual(await shownIn(failure), { shown: failure, listening: [] });
});
