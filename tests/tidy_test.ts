// The style is executable: every rule holds for the code, and every rule can fail.

import assert from "node:assert/strict";
import { afterMoves, needlessEntries } from "./support/tidy/found_tests.ts";
import { readAllowances, readText, repositorySources } from "./support/tidy/repository.ts";
import { commentShare, functions, longFunctions } from "./support/tidy/sizes.ts";
import type { Counts } from "./support/tidy/sources.ts";
import { bannedWords, insteadOf } from "./support/tidy/words.ts";
import { beyond, lowered, RATCHETS, RULES } from "./support/tidy_rules.ts";

const SOURCES = repositorySources();
const ALLOWANCES = readAllowances();

/** Sources that break each rule once. */
const OFFENDERS: Record<string, Record<string, string>> = {
  "imports go against the flow of data": { "src/fold/a.ts": 'import { x } from "../kernel/b.ts";' },
  "the middle is pure": { "src/plan/a.ts": "// a\nexport const now = () => Date.now();" },
  "every file opens with a comment": { "src/nft/a.ts": "export const x = 1;" },
  "file names say something": { "src/nft/utils.ts": "// a" },
  "exported names say something": { "src/nft/a.ts": "// a\nexport abstract class RuleManager {}" },
  "no default exports, no export of everything": { "src/nft/a.ts": '// a\nexport * from "./b.ts";' },
  "what is exported is used by another file": {
    "src/nft/a.ts": "// a\nexport interface I {}\nexport const x = 1, y = x;",
    "tests/nft/a_test.ts": 'import { y } from "../../src/nft/a.ts";',
  },
  "each third-party package is imported in one file": {
    "src/nft/a.ts": 'import "zod";',
    "src/nft/b.ts": 'import "zod";',
  },
  "bounds that several files rely on are in one folder, and each is used": {
    "src/nft/a.ts": "// a\nexport const X_MAX = 1;",
  },
  "no file is dead": {
    "mod.ts": 'export { x } from "./src/nft/a.ts";',
    "src/nft/a.ts": "",
    "src/nft/b.ts": "",
  },
  "pages and comments name files that exist": {
    "src/nft/a.ts": "// See nft/a.ts, ../nft/a.ts and b.ts.\nconst c = 'c.ts';",
  },
  "the pages about the code name what the code has": {
    "src/README.md": "`foldRecord` of `fold/fold.ts`, and `foldEvent`",
    "src/fold/fold.ts": "export function foldRecord() {}",
  },
  "each source file has a test of its own name, or is listed with the test that covers it": {
    "src/nft/a.ts": "",
    "src/nft/b.ts": "",
    "src/nft/c.ts": "",
    "tests/nft/a_test.ts": "",
    "tests/nft/vocabulary_test.ts": "",
    "tests/support/tidy/untested.json": JSON.stringify({
      "src/nft/b.ts": "tests/nft/gone_test.ts: a reason",
      "src/nft/c.ts": "tests/nft/vocabulary_test.ts: a reason",
    }),
  },
  "a file has at most 500 lines": { "src/nft/a.ts": "\n".repeat(501) },
  "a function has at most 70 lines": {
    "src/nft/a.ts": `function f(\n): void {\n${"  x();\n".repeat(68)}}\n`,
  },
  "the noun behind a number has the form that the number asks for": {
    "src/nft/a.ts": "const text = (all: string[]) => `${all.length} more rules, ${all.length} records`;",
  },
  "imports make no circle": {
    "src/nft/a.ts": 'import { b } from "./b.ts";',
    "src/nft/b.ts": 'import type { C } from "./c.ts";',
    "src/nft/c.ts": 'export { a } from "./a.ts";',
  },
  "no two exported names are alike": {
    "src/nft/a.ts": "export const [x, y] = [1, 2];",
    "src/fold/b.ts": "function f() {}\nexport { f as y };",
  },
  "a `using` is used never, or more than once": {
    "src/kernel/a.ts":
      "function f() {\n  using a = open();\n  a.a();\n}\nfunction g() {\n  using b = open();\n  b.use(b);\n}",
  },
  "casts with `as` become fewer": { "src/nft/a.ts": "export const x = [y as string] as const;" },
  "words that have no meaning of their own go": { "src/nft/a.ts": "let lastHeard;" },
  "terms are in the map's table of words": {
    "src/nft/a.ts": "let pin, guard;",
    "src/README.md": "| word | meaning |\n| guard | what pins |\n",
  },
  "lines of Markdown wrap at 100 columns": {
    "README.md": `${"word ".repeat(25)}\n\n| ${"cell ".repeat(25)} |\n\n    ${"code ".repeat(25)}\n`,
  },
  "files without a test of their own name become fewer": {
    "tests/support/tidy/untested.json": '{ "src/nft/a.ts": "tests/nft/b_test.ts: a reason" }',
  },
};

for (const [sentence, rule] of Object.entries(RULES)) {
  Deno.test(`tidy: ${sentence}`, () => {
    assert.deepEqual(rule(SOURCES), []);
    assert.equal(rule(new Map(Object.entries(OFFENDERS[sentence]!))).length, 1, "the rule can fail");
  });
}

for (const [sentence, rule] of Object.entries(RATCHETS)) {
  Deno.test(`tidy: ${sentence}`, () => {
    const found = rule(SOURCES);
    const more = beyond(found, ALLOWANCES[sentence] ?? {});
    assert.deepEqual(rule === bannedWords ? more.map(explained) : more, []);
    const broken = rule(new Map(Object.entries(OFFENDERS[sentence]!)));
    assert.equal(beyond(broken, {}).length, 1, "the rule can fail");
    assert.deepEqual(beyond(broken, broken), [], "what is allowed is no finding");
  });
}

/** A finding about words, with what to write in their place. */
function explained(finding: string): string {
  return `${finding}: ${insteadOf(SOURCES.get(finding.split(": ")[0]!) ?? "")}`;
}

Deno.test("tidy: each rule that is named has an offender, each allowance a rule that it belongs to", () => {
  const names = [...Object.keys(RULES), ...Object.keys(RATCHETS)];
  assert.deepEqual(Object.keys(OFFENDERS).sort(), names.sort());
  for (const sentence of Object.keys(ALLOWANCES)) assert.ok(sentence in RATCHETS, sentence);
});

Deno.test("tidy: an allowance never grows by itself, and goes when it is not needed", () => {
  const found: Counts = { "a.ts": 3, "b.ts": 1, "d.ts": 1 };
  assert.deepEqual(lowered(found, { "c.ts": 2, "b.ts": 2, "a.ts": 1 }), { "a.ts": 1, "b.ts": 1 });
  assert.deepEqual(beyond(found, { "a.ts": 1, "b.ts": 2 }), ["a.ts: 3, 1 allowed", "d.ts: 1, 0 allowed"]);
});

Deno.test("tidy: a file that is moved takes its entry along, where only one can be meant", () => {
  const sources = new Map(["src/b/x.ts", "src/b/y.ts", "src/c/y.ts", "src/a/z.ts"].map((path) => [path, ""]));
  const covered = { "src/a/x.ts": "t: 1", "src/a/y.ts": "t: 2", "src/a/z.ts": "t: 3" };
  const moved = { "src/b/x.ts": "t: 1", "src/a/y.ts": "t: 2", "src/a/z.ts": "t: 3" };
  assert.deepEqual(afterMoves(sources, covered), moved);
});

Deno.test("tidy: types may be imported where values may not", () => {
  const direction = RULES["imports go against the flow of data"]!;
  const one = (text: string) => direction(new Map([["src/fold/a.ts", text]]));
  assert.deepEqual(one('import type { R } from "../ledger/record.ts";'), []);
  assert.deepEqual(one('import { type A, type B } from "../ledger/record.ts";'), []);
  assert.deepEqual(one('export type { R } from "../ledger/record.ts";'), []);
  assert.equal(one('import { type A, b } from "../ledger/record.ts";').length, 1);
  assert.equal(one('import {\n  b,\n} from "../ledger/record.ts";').length, 1);
  assert.equal(one('const { b } = await import("../ledger/record.ts");').length, 1);
  assert.deepEqual(one('// import { b } from "../ledger/record.ts";'), [], "a comment imports nothing");
});

Deno.test("tidy: a bound is in its place if it is used, also where only one file uses it", () => {
  const inPlace = RULES["bounds that several files rely on are in one folder, and each is used"]!;
  const limits = "export const A_MAX = 1;\nexport const B_BYTES = A_MAX;";
  const one = (text: string) => inPlace(new Map([["src/limits/a.ts", limits], ["src/nft/a.ts", text]]));
  assert.deepEqual(one("const C_MAX = A_MAX + B_BYTES;"), []);
  assert.deepEqual(one("const c = A_MAX; // B_BYTES"), ["src/limits/a.ts: B_BYTES is not used"]);
});

Deno.test("tidy: purity is about what code uses, not about names and comments", () => {
  const pure = RULES["the middle is pure"]!;
  const one = (text: string) => pure(new Map([["src/plan/a.ts", text]])).length;
  for (
    const text of [
      "export async function f() {}",
      "for await (const x of y) z(x);",
      "const x = Math.random();",
      "setTimeout(f, 1);",
      'import { readFileSync } from "node:fs";',
      "const x = new Date(0);",
    ]
  ) assert.equal(one(text), 1, text);
  for (
    const text of [
      "// Deno.readFile, Date.now()",
      'const text = "await";',
      "const x = Date.parse(time);",
      "const { performance } = report;",
      "report.console = 1;",
    ]
  ) assert.equal(one(text), 0, text);
});

Deno.test("tidy: functions of every form are measured, from the first line of the signature", () => {
  const body = "\n  x();".repeat(68);
  const texts = [
    `export function f(\n  a: number,\n): void {${body}\n}`,
    `const f = (\n  a: number,\n) => {${body}\n};`,
    `class C {\n  constructor(\n    a: number,\n  ) {${body}\n  }\n}`,
    `class C {\n  get a():\n    number\n  {${body}\n  }\n}`,
    `class C {\n  static async *#m(\n    a: number,\n  ) {${body}\n  }\n}`,
    `class C {\n  readonly f =\n    () =>\n    {${body}\n    };\n}`,
    `const o = {\n  f:\n    (a: number) =>\n    {${body}\n    },\n};`,
  ];
  for (const text of texts) assert.equal(longFunctions(new Map([["src/nft/a.ts", text]])).length, 1, text);
  const short = `function f(\n  a: number,\n): void {${"\n  x();".repeat(66)}\n}`;
  assert.deepEqual(longFunctions(new Map([["src/nft/a.ts", short]])), []);
});

Deno.test("tidy: figures for orientation", () => {
  const lengths = functions(SOURCES, "src/").map(({ lines }) => lines).sort((a, b) => a - b);
  const at = (share: number) => lengths[Math.floor(share * (lengths.length - 1))];
  const { comments, lines } = commentShare(SOURCES);
  const casts = Object.values(RATCHETS["casts with `as` become fewer"]!(SOURCES)).reduce((a, b) => a + b, 0);
  const loose = Object.entries(RATCHETS).filter(([sentence, rule]) => {
    const allowed = ALLOWANCES[sentence] ?? {};
    return JSON.stringify(lowered(rule(SOURCES), allowed)) !== JSON.stringify(lowered(allowed, allowed));
  });
  console.log(
    `src: functions median ${at(0.5)}, 99th percentile ${at(0.99)}, longest ${at(1)} lines; ` +
      `${(100 * comments / lines).toFixed(0)} % comments; ${casts} casts`,
  );
  if (loose.length > 0 || needlessEntries(SOURCES).length > 0) {
    console.log("some allowances are larger than needed: `deno task ratchet` lowers them");
  }
  assert.ok(lengths.length > 0 && lines > comments);
});

Deno.test("README's commands are tasks, CHANGELOG knows the version, LICENSE is Apache-2.0", () => {
  const config = JSON.parse(readText("deno.json"));
  const pages = ["README.md", "CONTRIBUTING.md", "fixtures/README.md", "tests/bench/README.md"].map(readText)
    .join("\n");
  const tasks = [...pages.matchAll(/deno task ([\w:-]+)/g)].map(([, task]) => task!);
  assert.ok(tasks.includes("demo"));
  for (const task of tasks) assert.ok(task in config.tasks, task);
  assert.match(
    readText("CHANGELOG.md"),
    new RegExp(`^## \\[${config.version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d\\d-\\d\\d$`, "m"),
  );
  assert.match(readText("LICENSE"), /Apache License\s+Version 2\.0/);
});
