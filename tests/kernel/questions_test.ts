// Questions that compare a ledger with the kernel: `diff ... kernel`, `verify --kernel`, `replay --into-kernel`.

import assert from "node:assert/strict";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";
import { imageCommand } from "../support/bundle.ts";
import { runCommand } from "../support/run_program.ts";

requirePrivateNamespace();

const RECORDING = new URL("../../fixtures/recordings/evening", import.meta.url).pathname;
const ledgerproxy = (...args: string[]) => runCommand(imageCommand(...args));

/** A ledger of the recorded evening, committed to the kernel of this namespace. */
async function evening(): Promise<string> {
  const folder = Deno.makeTempDirSync();
  const source = ["--source", RECORDING, "--node", "node-a"];
  const { code, stderr } = await ledgerproxy("run", ...source, "--ledger", folder, "--once");
  assert.equal(code, 0, stderr);
  return folder;
}

function removeTables(): void {
  for (const family of ["ip", "ip6"]) nft(["delete", "table", family, "ledgerproxy"]);
}

Deno.test("diff and verify find no difference from the committed rules, and name an element that was deleted", async () => {
  const folder = await evening();
  assert.equal((await ledgerproxy("diff", "HEAD", "kernel", "--ledger", folder)).code, 0);
  assert.equal((await ledgerproxy("verify", folder, "--kernel")).code, 0);
  nft(["delete element ip ledgerproxy cluster-ips '{ 10.96.0.10 }'"]);
  const diff = await ledgerproxy("diff", "kernel", "HEAD", "--ledger", folder);
  assert.equal(diff.code, 1);
  assert.match(
    diff.stdout,
    /^\+ ip ledgerproxy cluster-ips \{ 10\.96\.0\.10 .*\} {3}@6 Service kube-system\/kube-dns\n$/,
  );
  const verified = await ledgerproxy("verify", folder, "--kernel");
  assert.equal(verified.code, 1);
  assert.match(
    verified.stdout,
    /kernel: altered: .*\n {2}kernel: ip ledgerproxy cluster-ips \{ 10\.96\.0\.10 \} is missing\n/,
  );
  removeTables();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a replay into the kernel leaves the rules of the ledger; it is refused in a namespace that has our tables", async () => {
  const folder = await evening();
  const refused = await ledgerproxy("replay", folder, "--into-kernel");
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /our tables are here already/);
  removeTables();
  const replayed = await ledgerproxy("replay", folder, "--into-kernel");
  assert.equal(replayed.code, 0, replayed.stderr);
  assert.equal((await ledgerproxy("diff", "HEAD", "kernel", "--ledger", folder)).code, 0);
  removeTables();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("tables with objects that this program never writes cannot be compared: the error names them", async () => {
  const folder = await evening();
  removeTables();
  nft(["-f -"], "table ip ledgerproxy { chain x { tcp dport 22 counter; }; }\n");
  const diff = await ledgerproxy("diff", "HEAD", "kernel", "--ledger", folder);
  assert.equal(diff.code, 2);
  assert.match(diff.stderr, /kernel: our tables hold what this program never writes/);
  nft(["delete", "table", "ip", "ledgerproxy"]);
  Deno.removeSync(folder, { recursive: true });
});
