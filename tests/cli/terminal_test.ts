// Standard output that cannot be written, or whose reader has ended.

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

Deno.test("a command whose reader has ended, as after `| head`, ends quietly and at once", async () => {
  const commands = [["log", "-n", "1"], ["log", "-n", "1", "--json"], ["log", "-n", "1", "--follow"]];
  for (const command of commands) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", ...command, "--ledger", LEDGER],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await child.stdout.cancel();
    // A program that does not end is ended, and fails.
    const deadline = setTimeout(() => child.kill("SIGKILL"), 120_000);
    const { code } = await child.status;
    clearTimeout(deadline);
    // Without the end of its reader a command says that there are older records.
    assert.deepEqual([await new Response(child.stderr).text(), code], ["", 0], command.join(" "));
  }
});
