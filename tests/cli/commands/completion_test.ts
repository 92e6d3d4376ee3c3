// What a shell completes with the script that `completion` prints.

import assert from "node:assert/strict";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("bash and zsh complete commands, flags and their values", async () => {
  const folder = Deno.makeTempDirSync();
  for (const shell of ["bash", "zsh"]) {
    const { stdout } = await ledgerproxy(["completion", shell]);
    await Deno.writeTextFile(`${folder}/${shell}`, stdout);
  }
  const complete = async (words: string) => {
    const all = words.split(" ");
    const script = `. ${folder}/bash; COMP_WORDS=(${all.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${
      all.length - 1
    }; _ledgerproxy; echo "\${COMPREPLY[*]}"`;
    const { stdout } = await new Deno.Command("bash", { args: ["--norc", "-c", script] }).output();
    return new TextDecoder().decode(stdout).trim();
  };
  assert.equal(await complete("ledgerproxy bl"), "blame");
  assert.equal(await complete("ledgerproxy log --ki"), "--kind");
  assert.equal(await complete("ledgerproxy log --kind d"), "drift");
  assert.equal(await complete("ledgerproxy completion z"), "zsh");
  assert.equal(await complete(`ledgerproxy replay ${folder}/z`), `${folder}/zsh`);
  const { success, stderr } = await new Deno.Command("zsh", {
    args: ["-f", "-c", `. ${folder}/zsh && [ -n "$_comps[ledgerproxy]" ]`],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  await Deno.remove(folder, { recursive: true });
});
