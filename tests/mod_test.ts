// The examples in mod.ts' documentation: each runs, and prints what the comments behind its console.log say.

import assert from "node:assert/strict";
import { runProgram } from "./support/run_program.ts";

const MOD = new URL("../mod.ts", import.meta.url);

/** Title and code of each `@example`. */
function examples(source: string): { title: string; code: string }[] {
  const found = source.matchAll(/^ \* @example (.*)\n \* ```ts\n((?: \*.*\n)*?) \* ```$/gm);
  return [...found].map(([, title, lines]) => ({ title: title!, code: lines!.replace(/^ \* ?/gm, "") }));
}

const EXAMPLES = examples(Deno.readTextFileSync(MOD));

Deno.test("mod.ts has examples, and all of them are found", () => {
  assert.ok(EXAMPLES.length >= 3);
  assert.equal(EXAMPLES.length, Deno.readTextFileSync(MOD).match(/@example/g)?.length);
});

for (const { title, code } of EXAMPLES) {
  Deno.test(`example: ${title}`, async () => {
    const expected = [...code.matchAll(/^\/\/ (.*)$/gm)].map(([, line]) => line);
    assert.ok(expected.length > 0, "an example says what it prints");
    const folder = Deno.makeTempDirSync();
    const file = `${folder}/example.ts`;
    Deno.writeTextFileSync(file, code.replaceAll('"./mod.ts"', JSON.stringify(MOD.href)));
    const { stdout, stderr } = await runProgram(file, ["--allow-read"]);
    assert.deepEqual(stdout.trimEnd().split("\n"), expected, stderr);
    Deno.removeSync(folder, { recursive: true });
  });
}

Deno.test("a program in another folder runs with the command that mod.ts has", async () => {
  const [, flags] = /`deno run --config CHECKOUT\/deno\.json (.*) PROGRAM`/.exec(
    Deno.readTextFileSync(MOD),
  )!;
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(
    `${folder}/program.ts`,
    `import { DEFAULT_PROXY_CONFIG } from ${JSON.stringify(MOD.href)};
console.log(DEFAULT_PROXY_CONFIG.masqueradeBit);`,
  );
  const config = new URL("deno.json", MOD).pathname;
  const args = ["run", "--quiet", "--config", config, ...flags!.split(" "), "program.ts"];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
  const text = new TextDecoder();
  assert.equal(text.decode(stdout), "14\n", text.decode(stderr));
  Deno.removeSync(folder, { recursive: true });
});
