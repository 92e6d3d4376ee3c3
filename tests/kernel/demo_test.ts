// The demo: a recorded rolling update, drain and crash loop, in which no connection fails.

import assert from "node:assert/strict";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
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
  const times = new Map<number, number>();
  for (const { offset, record } of readLedger(folderStorage(folder, false))) {
    times.set(offset, Date.parse(record.time));
    if (record.kind !== "commit") continue;
    const late = Date.parse(record.time) - times.get(record.through)!;
    assert.ok(late >= 0 && late < 3_600_000, `@${offset} was committed ${late} ms after its last event`);
  }
  await Deno.remove(folder, { recursive: true });
});
