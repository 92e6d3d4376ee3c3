// Tables on a terminal that is narrower than they are.

import assert from "node:assert/strict";
import fc from "fast-check";
import { fittedTables } from "../../src/cli/fit_columns.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { tableLines } from "../../src/history/table_words.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { writeCommitted } from "../support/past.ts";

const ROOT = new URL("../../", import.meta.url);
const LONG = "payments-of-the-whole-company/a-service-with-a-long-name:https";

Deno.test("the widest column is cut in its middle, and the other columns stay whole", () => {
  const lines = [
    "2 Services",
    ...tableLines([["SERVICE", "ADDRESS", "READY"], [LONG, "10.96.0.1:443", "2/3"], [
      "shop/web:http",
      "10.96.0.2:80",
      "1/1",
    ]]),
    "",
    "a sentence that is no row of a table and that is longer than the terminal is wide",
  ];
  assert.deepEqual(fittedTables(lines, 60), [
    "2 Services",
    "SERVICE                                 ADDRESS        READY",
    "payments-of-the-who…-a-long-name:https  10.96.0.1:443  2/3",
    "shop/web:http                           10.96.0.2:80   1/1",
    "",
    lines.at(-1),
  ]);
  assert.deepEqual(fittedTables(lines, 200), lines, "what fits is unchanged");
});

Deno.test("no table is wider than the terminal where its columns can be cut, and no cell is lost", () => {
  const cell = fc.stringMatching(/^n[a-z0-9:\/.-]{0,59}$/);
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 70, max: 120 }), (rows, width) => {
      const lines = fittedTables(tableLines(rows), width);
      assert.equal(lines.length, rows.length);
      lines.forEach((line, i) => {
        assert.ok([...line].length <= width, `${line.length} > ${width}: ${line}`);
        const cells = line.trim().split(/ {2,}/);
        assert.equal(cells.length, 3);
        cells.forEach((text, j) => {
          const [head = "", tail = ""] = text.split("…");
          assert.ok(
            rows[i]![j]!.startsWith(head) && rows[i]![j]!.endsWith(tail),
            `${text} of ${rows[i]![j]}`,
          );
        });
      });
    }),
  );
});

Deno.test("on a terminal a table has its width, in a pipe its whole names", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const name = LONG.replace(":https", "");
    const records = [
      appears(service(`${name} 10.96.0.1 https:443/tcp`)),
      appears(slice(`${name}-a https:8443/tcp 10.244.0.1`)),
    ];
    writeCommitted(folderStorage(folder, true), [records]);
    const command =
      `${Deno.execPath()} run -A --no-check --quiet src/cli/main.ts services --ledger ${folder}`;
    const output = async (program: string, ...args: string[]) => {
      const { stdout } = await new Deno.Command(program, {
        args,
        cwd: ROOT,
        env: { NO_COLOR: "1", TERM: "xterm", PAGER: "cat" },
        stdin: "null",
      }).output();
      return new TextDecoder().decode(stdout).replaceAll("\r", "");
    };
    const [terminal, pipe] = await Promise.all([
      output("script", "--quiet", "--return", "--command", `stty cols 80; ${command}`, "/dev/null"),
      output("sh", "-c", command),
    ]);
    assert.ok(pipe.includes(name), pipe);
    assert.ok(pipe.split("\n").some((line) => line.length > 80), pipe);
    assert.ok(
      terminal.includes("…") && terminal.split("\n").every((line) => [...line].length <= 80),
      terminal,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
