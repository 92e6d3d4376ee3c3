// The parts that commands share: the flags of a command about a ledger, and numbers.

import assert from "node:assert/strict";
import {
  Command,
  CommanderError,
  ledgerCommand,
  positive,
  wholePositive,
  withoutSigns,
} from "../../src/cli/command_line.ts";

/** A program with one command about a ledger, which notes its options; nothing is printed. */
function program() {
  const seen: unknown[] = [];
  const silent = { writeOut() {}, writeErr() {} };
  const all = new Command("ledgerproxy").exitOverride().configureOutput(silent);
  const command = ledgerCommand(all, "ask", "ask something", "ask 1 --ledger DIR").exitOverride()
    .configureOutput(silent)
    .option("--limit <n>", "how many", positive)
    .action((options) => void seen.push(options));
  return { command, seen, run: (...args: string[]) => all.parse(["ask", ...args], { from: "user" }) };
}

Deno.test("a command about a ledger takes --ledger and --json, and has a default for the first", () => {
  const { run, seen } = program();
  run("--ledger", "a", "--json");
  assert.deepEqual(seen, [{ ledger: "a", json: true }]);
  run("--json");
  assert.deepEqual(seen[1], { json: true });
});

Deno.test("its help ends with an example of itself", () => {
  let help = "";
  const { command } = program();
  command.configureOutput({ writeOut: (text) => void (help += text) });
  assert.throws(() => command.parse(["--help"], { from: "user" }), CommanderError);
  assert.match(help, /\nExample:\n {2}ledgerproxy ask 1 --ledger DIR\n/);
});

Deno.test("a number must be above 0, and a wrong one is wrong usage", () => {
  const { run, seen } = program();
  run("--ledger", "a", "--limit", "0.5");
  assert.deepEqual(seen, [{ ledger: "a", limit: 0.5 }]);
  for (const wrong of ["0", "-1", "ten", "", "NaN"]) {
    assert.throws(() => run("--ledger", "a", "--limit", wrong), (error) => {
      assert.ok(error instanceof CommanderError, String(error));
      return /It must be a number above 0, such as 10/.test(error.message);
    });
  }
});

Deno.test("a number of lines or records is whole", () => {
  assert.deepEqual(["1", "20", "1e3"].map(wholePositive), [1, 20, 1000]);
  for (const wrong of ["0", "-1", "2.5", "ten", "", "NaN", "Infinity", "1e300"]) {
    assert.throws(() => wholePositive(wrong), /It must be a whole number above 0, such as 10/, wrong);
  }
});

Deno.test("a time before now may have a sign, which is not taken for that of a flag", () => {
  const args = ["show", "-5m", "-2 hours", "-v", "4", "-o", "x", "--at", "-1.5h", "-", "--limit=-3", "-3"];
  const plain = ["show", "5m", "2 hours", "-v", "4", "-o", "x", "--at", "1.5h", "-", "--limit=-3", "-3"];
  assert.deepEqual(withoutSigns(args), plain);
});
