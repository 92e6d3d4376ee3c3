// The style is executable: every rule holds for the code, and every rule can fail.

import assert from "node:assert/strict";
import { RULES, type Sources } from "./support/tidy_rules.ts";

const ROOT = new URL("../", import.meta.url);

function read(folder: string): [string, string][] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap((entry): [string, string][] => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return read(path);
    return entry.name.endsWith(".ts") ? [[path, Deno.readTextFileSync(new URL(path, ROOT))]] : [];
  });
}

const SOURCES: Sources = new Map([
  ["mod.ts", Deno.readTextFileSync(new URL("mod.ts", ROOT))],
  ...read("src"),
]);

/** A source for which each rule speaks. */
const OFFENDERS: Record<string, Record<string, string>> = {
  "imports go against the flow of data": { "src/fold/a.ts": 'import { x } from "../kernel/b.ts";' },
  "the middle is pure": { "src/plan/a.ts": "// a\nexport const now = () => Date.now();" },
  "a file has at most 500 lines": { "src/nft/a.ts": "\n".repeat(501) },
  "a function has at most 70 lines": { "src/nft/a.ts": `function f() {\n${"  x();\n".repeat(70)}}\n` },
  "every file opens with a comment": { "src/nft/a.ts": "export const x = 1;" },
  "file names say something": { "src/nft/utils.ts": "// a" },
  "exported names say something": { "src/nft/a.ts": "// a\nexport class RuleManager {}" },
  "no default exports, no export of everything": { "src/nft/a.ts": '// a\nexport * from "./b.ts";' },
  "each third-party package is imported in one file": {
    "src/nft/a.ts": 'import "zod";',
    "src/nft/b.ts": 'import "zod";',
  },
  "no file is dead": {
    "mod.ts": 'export { x } from "./src/nft/a.ts";',
    "src/nft/a.ts": "",
    "src/nft/b.ts": "",
  },
  "a `using` is used never, or more than once": {
    "src/kernel/a.ts":
      "function f() {\n  using a = open();\n  a.use();\n}\nfunction g() {\n  using b = open();\n  b.use(b);\n}",
  },
};

for (const [sentence, rule] of Object.entries(RULES)) {
  Deno.test(`tidy: ${sentence}`, () => {
    assert.deepEqual(rule(SOURCES), []);
    assert.equal(rule(new Map(Object.entries(OFFENDERS[sentence]!))).length, 1, "the rule can fail");
  });
}

Deno.test("tidy: types may be imported where values may not", () => {
  const direction = RULES["imports go against the flow of data"]!;
  const one = (text: string) => direction(new Map([["src/fold/a.ts", text]]));
  assert.deepEqual(one('import type { R } from "../ledger/record.ts";'), []);
  assert.deepEqual(one('import { type A, type B } from "../ledger/record.ts";'), []);
  assert.equal(one('import { type A, b } from "../ledger/record.ts";').length, 1);
  assert.equal(one('import {\n  b,\n} from "../ledger/record.ts";').length, 1);
  assert.equal(one('const { b } = await import("../ledger/record.ts");').length, 1);
});

Deno.test("README's commands are tasks, CHANGELOG knows the version, LICENSE is Apache-2.0", () => {
  const text = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
  const config = JSON.parse(text("deno.json"));
  const tasks = [...text("README.md").matchAll(/deno task (\w+)/g)].map(([, task]) => task!);
  assert.ok(tasks.includes("demo"));
  for (const task of tasks) assert.ok(task in config.tasks, task);
  assert.ok(text("CHANGELOG.md").includes(`## ${config.version}`));
  assert.match(text("LICENSE"), /Apache License\s+Version 2\.0/);
});
