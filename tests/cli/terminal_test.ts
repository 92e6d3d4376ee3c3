// Standard output that cannot be written.

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const LEDGER = "fixtures/ledgers/0.6.0";

Deno.test("a command whose output cannot be written ends with one sentence and exit code 3", () => {
  const commands = [
    ["log", "--ledger", LEDGER],
    ["verify", LEDGER],
    ["replay", LEDGER],
    ["version", "--json"],
    ["completion", "bash"],
    ["--help"],
  ];
  for (const command of commands) {
    const { code, stderr } = new Deno.Command("sh", {
      args: [
        "-c",
        '"$0" run -A --no-check --quiet src/cli/main.ts "$@" > /dev/full',
        Deno.execPath(),
        ...command,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
    }).outputSync();
    assert.match(
      new TextDecoder().decode(stderr),
      /^error: standard output cannot be written: No space left on device[^\n]*\n$/,
      command.join(" "),
    );
    assert.equal(code, 3, command.join(" "));
  }
});
