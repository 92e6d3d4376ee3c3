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
  assert.match(output, new RegExp(`LEDGERPROXY_LEDGER=${folder}\n`));
  assert.ok(Number(connections) > 1000, `${connections} connections`);
  assert.equal(failed, "0");
  const times = new Map<number, number>();
  for (const { offset, record } of readLedger(folderStorage(folder, false))) {
    times.set(offset, Date.parse(record.time));
    if (record.kind !== "commit") continue;
    const late = Date.parse(record.time) - times.get(record.through)!;
    assert.ok(late >= 0 && late < 3_600_000, `@${offset} was committed ${late} ms after its last event`);
  }
  await answersWhatItNames(output, folder);
  await Deno.remove(folder, { recursive: true });
});

/** Types the lines that the demo ends with. */
async function answersWhatItNames(output: string, folder: string): Promise<void> {
  const root = new URL("../../", import.meta.url).pathname;
  const exported = /^ {2}(export \S+)$/m.exec(output)![1]!;
  const lines = [...output.matchAll(/^ {2}\.\/(ledgerproxy .*)$/gm)].map(([, line]) => line!);
  assert.deepEqual(lines.map((line) => line.split(" ")[1]), ["log", "why", "bisect", "report"]);
  for (const line of lines) {
    const args = ["-c", `${exported}; ${root}${line}`];
    const { code, stdout, stderr } = await new Deno.Command("sh", { args, cwd: folder }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, `${line}: ${text}`);
    // The report is a file.
    if (!line.endsWith("report.html")) assert.notEqual(text, "", line);
    else assert.ok((await Deno.stat(`${folder}/report.html`)).size > 100_000);
  }
}
