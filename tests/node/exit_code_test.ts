// The exit codes that scripts rely on, each from the program as a process.

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

async function codeOf(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--quiet", "src/cli/main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("0 is an answer, 1 a difference or nothing found, 2 wrong usage, 3 a failure", async () => {
  const folder = await Deno.makeTempDir();
  const name = "00000000000000000000.ndjson";
  const lines = Deno.readTextFileSync(new URL(`fixtures/recordings/evening/${name}`, ROOT)).split("\n");
  await Deno.writeTextFile(`${folder}/${name}`, lines.with(5, lines[5]!.slice(1)).join("\n"));
  const ledger = ["--ledger", new URL("fixtures/ledgers/0.6.0", ROOT).pathname];
  const [answer, difference, nothing, usage, failure] = await Promise.all([
    codeOf("diff", "HEAD", "HEAD", ...ledger),
    codeOf("diff", "HEAD~1", "HEAD~3", ...ledger),
    codeOf("blame", "10.9.9.9", ...ledger),
    codeOf("blame", "--ledger"),
    codeOf("blame", "shop/web", "--ledger", folder),
  ]);
  assert.deepEqual([answer, difference, nothing, usage, failure].map(({ code }) => code), [0, 1, 1, 2, 3]);
  assert.match(
    failure.stderr,
    /:6 \(byte \d+\): damaged \(CRC\)\nwhat was before @4 can be asked for: --at @3, --until @3; `verify` says/,
  );
  await Deno.remove(folder, { recursive: true });
});
