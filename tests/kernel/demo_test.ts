// The demo: a recorded rolling update, drain and crash loop, in which no connection fails.

import assert from "node:assert/strict";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

Deno.test("no connection fails while the recorded evening is played", async () => {
  const script = new URL("../demo/main.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", script, "20"],
    stdout: "piped",
    stderr: "piped",
  });
  const { code, stdout, stderr } = await command.output();
  const output = new TextDecoder().decode(stdout);
  assert.equal(code, 0, output + new TextDecoder().decode(stderr));
  const [, connections, failed] = /(\d+) connections, (\d+) failed; \d+ records in the ledger/.exec(output)!;
  const folder = /^ledger: (\S+)$/m.exec(output)![1]!;
  const wide = output.split("\n").filter((line) => line.length > 80);
  assert.deepEqual(wide, [], "a terminal of 80 columns shows each line");
  assert.match(output, new RegExp(`LEDGER=${folder}\n`));
  assert.ok(Number(connections) > 1000, `${connections} connections`);
  assert.equal(failed, "0");
  await Deno.remove(folder, { recursive: true });
});
