// The program's help, of all commands and of each.

import assert from "node:assert/strict";
import { COMMANDS_PAGE, commandsPage } from "../support/reference.ts";
import { ledgerproxy } from "../support/run_program.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("help shows an example, and the version is deno.json's", async () => {
  const [help, version] = await Promise.all([ledgerproxy(["run", "--help"]), ledgerproxy(["--version"])]);
  assert.match(
    help.stdout,
    /Example:\n {2}kubectl get services,endpointslices,nodes -A -o yaml > cluster\.yaml/,
  );
  assert.equal(version.stdout.trim(), JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))).version);
  assert.deepEqual([help.code, version.code], [0, 0]);
});

Deno.test("every command shows an example of itself, and the page of commands has the help of all", async () => {
  const page = await commandsPage(async (command) => {
    const { stdout } = await ledgerproxy(command === "" ? ["--help"] : [command, "--help"]);
    const long = stdout.split("\n").filter((line) => line.length > 80);
    assert.deepEqual(long, [], `${command} --help is within 80 columns`);
    if (command !== "") {
      assert.match(stdout, new RegExp(`Examples?.*:\\n(?:.*\\n)*.*ledgerproxy ${command}`), command);
    }
    return stdout;
  });
  assert.ok(page.split("\n## ").length > 15);
  assert.equal(Deno.readTextFileSync(COMMANDS_PAGE), page, "run `deno task reference`");
});
