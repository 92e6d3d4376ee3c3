// `archive`, and `verify` of what it made, as an operator runs them.

import assert from "node:assert/strict";
import { stoppedLedger } from "../../support/damaged_files.ts";
import { ledgerproxy } from "../../support/run_program.ts";

Deno.test("a ledger is archived once, and the archive is verified and asked as a ledger", async () => {
  const folder = Deno.makeTempDirSync();
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(ledger);
  for (const [name, bytes] of stoppedLedger().files) Deno.writeFileSync(`${ledger}/${name}`, bytes);
  const archive = (...more: readonly string[]) =>
    ledgerproxy(["archive", `${folder}/archive`, "--ledger", ledger, "--cluster", "eu-1", ...more]);
  assert.match((await archive()).stderr, /the ledger does not name its node: give --node NAME/);
  assert.equal((await archive("--node", "../x")).code, 2);
  const archived = `${folder}/archive/cluster=eu-1/node=node-a/ledger=0123456789abcdef`;
  for (const [added, kept] of [[2, 0], [0, 2]]) {
    const { code, stdout, stderr } = await archive("--node", "node-a");
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout,
      `${archived}: added ${added} ${added === 1 ? "segment" : "segments"}, ${kept} there before\n`,
    );
  }
  const verified = await ledgerproxy(["verify", archived]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const log = await ledgerproxy(["log", "--ledger", archived]);
  assert.match(log.stdout, /shop\/web/);
  Deno.removeSync(folder, { recursive: true });
});

/** A stopped ledger of three segments in a folder of its own, `archive --exec` for it, and the files below a folder. */
function execLedger() {
  const folder = Deno.makeTempDirSync();
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(ledger);
  for (const [name, bytes] of stoppedLedger().files) Deno.writeFileSync(`${ledger}/${name}`, bytes);
  const exec = (command: string) =>
    ledgerproxy(["archive", "--ledger", ledger, "--node", "node-a", "--exec", command]);
  return { folder, ledger, exec };
}
const pathsIn = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? pathsIn(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  ).sort();
const INTO = (target: string) =>
  `mkdir -p "${target}/$(dirname "$LEDGERPROXY_PATH")" && cat > "${target}/$LEDGERPROXY_PATH"`;

Deno.test("a command that is run for each file makes the same archive as a folder does, and it is verified", async () => {
  const { folder, ledger, exec } = execLedger();
  const [byCommand, byFolder] = [`${folder}/by-command`, `${folder}/by-folder`];
  const first = await exec(INTO(byCommand));
  assert.equal(first.code, 0, first.stderr);
  assert.match(
    first.stdout,
    /^cluster=default\/node=node-a\/ledger=0123456789abcdef: added 2 segments, 0 there before\n$/,
  );
  const again = await exec(`false`);
  assert.deepEqual([again.code, again.stdout.replace(/^.*: /, "")], [
    0,
    "added 0 segments, 2 there before\n",
  ]);
  await ledgerproxy(["archive", byFolder, "--ledger", ledger, "--node", "node-a"]);
  assert.deepEqual(pathsIn(byCommand), pathsIn(byFolder));
  for (const path of pathsIn(byFolder)) {
    assert.deepEqual(
      Deno.readFileSync(`${byCommand}/${path}`),
      Deno.readFileSync(`${byFolder}/${path}`),
      path,
    );
  }
  const verified = await ledgerproxy([
    "verify",
    `${byCommand}/cluster=default/node=node-a/ledger=0123456789abcdef`,
  ]);
  assert.equal(verified.code, 0, verified.stdout);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a segment that a crash left only begun hides neither whose ledger it is nor what was archived", async () => {
  const { folder, ledger, exec } = execLedger();
  await exec(INTO(`${folder}/archive`));
  Deno.writeTextFileSync(`${ledger}/00000000000000000018.ndjson`, "");
  const { stdout, stderr } = await exec(INTO(`${folder}/archive`));
  assert.match(stdout, /ledger=0123456789abcdef: added 1 segment, 2 there before\n$/, stderr);
  assert.equal(pathsIn(`${folder}/archive`).length, 3);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a file whose name is no offset is no file of the ledger", async () => {
  const { folder, ledger } = execLedger();
  for (const end of ["ndjson", "ndjson.zst", "snapshot.zst", "key"]) {
    Deno.writeTextFileSync(`${ledger}/99999999999999999999.${end}`, "");
  }
  for (
    const question of [["verify", ledger], ["log", "--ledger", ledger], ["show", "HEAD", "--ledger", ledger]]
  ) {
    const { code, stderr } = await ledgerproxy(question);
    assert.equal(code, 0, `${question[0]}: ${stderr}`);
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a segment whose command failed, or read nothing, is not archived: the next run begins with it", async () => {
  const { folder, exec } = execLedger();
  const target = `${folder}/archive`;
  const second = "*00000000000000000000.*";
  const failed = await exec(`case "$LEDGERPROXY_PATH" in ${second}) ${INTO(target)};; *) exit 7;; esac`);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, /added 1 segment, 0 there before/);
  assert.match(
    failed.stderr,
    /ndjson\.zst: the command ended with exit code 7; the next run begins with this segment/,
  );
  assert.match((await exec("kill -9 $$")).stderr, /the command was ended by SIGKILL/);
  const rest = await exec(INTO(target));
  assert.match(rest.stdout, /added 1 segment, 1 there before/, rest.stderr);
  assert.equal(pathsIn(target).length, 2);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("the state says what was shipped: a wrong one is refused, removed records are named", async () => {
  const { folder, ledger, exec } = execLedger();
  assert.equal((await exec("cat")).code, 0);
  const state = `${ledger}/shipped.json`;
  Deno.writeTextFileSync(state, "{");
  const wrong = await exec("cat");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /shipped\.json: .*; remove it to archive all segments again/);
  const [oldest, next] = [...Deno.readDirSync(ledger)].map(({ name }) => name).filter((name) =>
    /^\d{20}\.ndjson/.test(name)
  ).sort();
  Deno.writeTextFileSync(state, JSON.stringify({ ledger: "0123456789abcdef", next: 1 }));
  for (const name of [oldest!, next!]) Deno.removeSync(`${ledger}/${name}`);
  const gone = await exec("cat");
  assert.equal(gone.code, 1);
  assert.match(
    gone.stderr,
    /@1 to @\d+ were removed from the ledger before they were archived/,
  );
  const both = await ledgerproxy(["archive", folder, "--exec", "cat", "--ledger", ledger]);
  assert.match(both.stderr, /give either the folder of the archive or --exec COMMAND/);
  Deno.removeSync(folder, { recursive: true });
});
