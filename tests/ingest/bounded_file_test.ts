// A pipe is not read, because a reader of a pipe waits for a writer.

import assert from "node:assert/strict";
import { readTextUpTo } from "../../src/ingest/bounded_file.ts";

Deno.test("a pipe is rejected, with or without a writer; one that the process received open is read", async () => {
  const folder = await Deno.makeTempDir();
  const pipe = `${folder}/pipe`;
  new Deno.Command("mkfifo", { args: [pipe] }).outputSync();
  const writer = new Deno.Command("sh", { args: ["-c", `printf S3CR3T > ${pipe}`] }).spawn();
  assert.throws(() => readTextUpTo(pipe, 100), /^FileIsPipe: .*pipe: it is a pipe$/);
  writer.kill("SIGKILL");
  await writer.status;
  await Deno.remove(folder, { recursive: true });
  const program = `import { readTextUpTo } from "${new URL(
    "../../src/ingest/bounded_file.ts",
    import.meta.url,
  )}";
console.log(readTextUpTo("/dev/fd/3", 100));`;
  const given = new Deno.Command("bash", {
    args: ["-c", `"$0" eval "$1" 3< <(echo given)`, Deno.execPath(), program],
    env: { NO_COLOR: "1" },
  }).outputSync();
  assert.equal(new TextDecoder().decode(given.stdout).trim(), "given");
});
