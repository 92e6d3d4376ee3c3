// What a shell completes with the script that `completion` prints.

import assert from "node:assert/strict";
import { writeIncident } from "../../support/incident.ts";
import { ledgerproxy } from "../../support/run_program.ts";

/** Defines the command as a function of a shell. */
const COMMAND = `${Deno.execPath()} run -A --no-check --quiet ${
  new URL("../../../src/cli/main.ts", import.meta.url).pathname
}`;

Deno.test("bash, zsh and fish complete the names of Services that the ledger knows", async () => {
  const folder = Deno.makeTempDirSync();
  const { service } = writeIncident(folder, 0);
  const text = async (shell: string) => (await ledgerproxy(["completion", shell])).stdout;
  const words = `ledgerproxy blame --ledger ${folder} ${service}`.split(" ").map((word) => `'${word}'`).join(
    " ",
  );
  const bash = `ledgerproxy() { ${COMMAND} "$@"; }
${await text("bash")}
COMP_WORDS=(${words}); COMP_CWORD=4; _ledgerproxy; echo "\${COMPREPLY[*]}"`;
  const fish = `function ledgerproxy; ${COMMAND} $argv; end
${await text("fish")}
complete -C 'ledgerproxy blame --ledger ${folder} ${service}'
complete -C 'ledgerproxy log --kind d'
complete -C 'ledgerproxy out'`;
  const [inBash, inFish] = await Promise.all(
    [["bash", "--norc", "-c", bash], ["fish", "--no-config", "-c", fish]].map(async ([program, ...args]) => {
      const { stdout, stderr } = await new Deno.Command(program!, { args }).output();
      assert.equal(new TextDecoder().decode(stderr), "");
      return new TextDecoder().decode(stdout).split("\n").map((line) => line.split("\t")[0]!);
    }),
  );
  assert.deepEqual(inBash, [service, ""]);
  assert.deepEqual(inFish, [service, "drift", "outages", ""]);
  Deno.removeSync(folder, { recursive: true });
});

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
