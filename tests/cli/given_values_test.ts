// What is wrong with the values of flags and arguments, by the program as it is run.

import assert from "node:assert/strict";
import { runProgram } from "../../src/cli/program.ts";
import { AskedLedger } from "../support/asked_program.ts";

/** What the program throws for `words`; undefined where it answers. */
async function refusal(words: readonly string[]): Promise<string | undefined> {
  const asked = runProgram(words);
  return await asked.then(() => undefined, (error: unknown) => (error as Error).message);
}

Deno.test("an empty value is named with its flag or argument, whatever the flag expects", async () => {
  using ledger = new AskedLedger();
  for (
    const [line, named] of [
      ["log --since EMPTY", "--since"],
      ["status --at EMPTY", "--at"],
      ["log --node EMPTY", "--node"],
      ["log --limit EMPTY", "--limit"],
      ["log --kind EMPTY", "--kind"],
      ["show EMPTY", "<position>"],
      ["bisect EMPTY HEAD 10.0.0.1 10.0.0.2:80/tcp", "<good>"],
      ["why 10.0.0.1 EMPTY", "<target>"],
    ] as const
  ) {
    const words = line.split(" ").map((word) => word === "EMPTY" ? "" : word);
    assert.equal(
      await refusal([...words, "--ledger", ledger.folder]),
      `${named}: its value is empty; is a variable of the shell not set?`,
      line,
    );
  }
});

Deno.test("a position that cannot be read names its flag", async () => {
  assert.match(await refusal(["log", "--since", "25:00"]) ?? "", /^--since 25:00: a position is an offset/);
});

Deno.test("of two values of a flag that takes one, none is ignored", async () => {
  using ledger = new AskedLedger();
  const at = ["--ledger", ledger.folder];
  assert.equal(
    await refusal(["log", "--node", "node-a", "--node", "node-b", ...at]),
    "--node node-a and --node node-b: it takes one value; leave out one of them",
  );
  assert.match(await refusal(["services", "--at", "@1", "--at=@2", ...at]) ?? "", /^--at @1 and --at @2: /);
  assert.match(await refusal(["log", "-n", "1", "--limit", "2", ...at]) ?? "", /^--limit 1 and --limit 2: /);
  assert.equal(await refusal(["status", "--at", "@1", "--at", "@1", ...at]), undefined);
});

Deno.test("what an overlay adds to the arguments of the proxy takes precedence, and files of a plan add up", async () => {
  const source = ["--source", "/nowhere/a", "--dry-run"];
  assert.match(await refusal(["run", "--source", "/nowhere/b", ...source]) ?? "", /nowhere\/a/);
  using ledger = new AskedLedger();
  const planned = await refusal(["plan", "-f", "/nowhere/a", "-f", "/nowhere/b", "--ledger", ledger.folder]);
  assert.match(planned ?? "", /nowhere\/a/);
});
