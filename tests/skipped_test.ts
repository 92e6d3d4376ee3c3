// `deno task test` says why tests were skipped, once each, above its counts.

import assert from "node:assert/strict";
import { reportSkip, SKIPPED_VARIABLE } from "./support/skipped.ts";

const ROOT = new URL("../", import.meta.url);

Deno.test("what a file says while it is loaded is printed beside the counts", async () => {
  const env = Deno.env.toObject();
  for (const name of ["KUSTOMIZE", "CI", SKIPPED_VARIABLE]) delete env[name];
  const args = ["run", "--allow-all", "tests/support/run_tests.ts", "tests/install/kustomize_test.ts"];
  const options = { args, cwd: ROOT, clearEnv: true, env, stdin: "null" } as const;
  const { stdout } = await new Deno.Command(Deno.execPath(), options).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assert.match(lines.at(-2)!, /^skipped: KUSTOMIZE names no program; /);
  assert.match(lines.at(-1)!, /^0 passed, 0 failed, \d+ skipped$/);
});

Deno.test("a reason is a line of the file that the variable names", async () => {
  const before = Deno.env.get(SKIPPED_VARIABLE);
  const file = await Deno.makeTempFile();
  Deno.env.set(SKIPPED_VARIABLE, file);
  try {
    reportSkip("one");
    reportSkip("two");
    assert.equal(Deno.readTextFileSync(file), "skipped: one\nskipped: two\n");
  } finally {
    if (before === undefined) Deno.env.delete(SKIPPED_VARIABLE);
    else Deno.env.set(SKIPPED_VARIABLE, before);
    Deno.removeSync(file);
  }
});
