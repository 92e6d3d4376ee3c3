// What is shipped: the bundle with the runtime's permissions of the image, run as a pod would run it: NET_ADMIN and
// nothing else, a root file system that cannot be written; and deno compile as far as it goes without its base binary.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { imageArguments } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const ROOT = new URL("../../", import.meta.url).pathname;
const RECORDING = `${ROOT}fixtures/recordings/evening`;

async function call(command: string, args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd: ROOT, env })
    .output();
  const text = new TextDecoder();
  return { code, output: text.decode(stdout) + text.decode(stderr) };
}

Deno.test("the program is bundled and compiled for both architectures, and the bundle runs with NET_ADMIN alone", async () => {
  const folder = await Deno.makeTempDir();
  // Any ELF file can be the base binary here: the result is not run.
  const compiled = await call(".ci/compile", [`${folder}/dist`], { DENORT_BIN: "/bin/bash" });
  assert.equal(compiled.code, 0, compiled.output);
  for (const architecture of ["x86_64", "aarch64"]) {
    const { size } = Deno.statSync(`${folder}/dist/ledgerproxy-${architecture}`);
    assert.ok(size > Deno.statSync(`${folder}/dist/ledgerproxy.js`).size, architecture);
  }

  Deno.mkdirSync(`${folder}/var`);
  const program = `${folder}/dist/ledgerproxy.js`;
  const inPod = (...args: string[]) =>
    call("unshare", [
      ...["--mount", "sh", "-c"],
      `mount --bind "$1" /mnt && mount -o remount,bind,ro / && shift && exec "$@"`,
      ...["sh", `${folder}/var`],
      ...["setpriv", "--no-new-privs", "--bounding-set=-all,+net_admin", "--inh-caps=-all"],
      ...[Deno.execPath(), ...imageArguments(program, args), program, ...args],
    ], { HOME: "/root", NO_COLOR: "1", DENO_DIR: "/mnt/deno" });
  const run = ["run", "--source", RECORDING, "--once", "--ledger", "/mnt/ledger", "--oom-score-adj", "-999"];
  const ran = await inPod(...run);
  assert.equal(ran.code, 0, ran.output);
  assert.match(ran.output, /in sync: the kernel holds the rules of \d+ Services?/);
  assert.match(
    ran.output,
    /oom_score_adj stays as it is, -999 was asked for: .*oom_score_adj: not permitted \(EACCES\)/,
  );
  using kernel = new NetlinkKernel();
  assert.equal(kernel.tables().filter(({ name }) => name === "ledgerproxy").length, 2);
  const version = await inPod("version", "--json");
  assert.equal(JSON.parse(version.output).deno, Deno.version.deno);
  assert.ok(Deno.statSync(`${folder}/var/deno/v8_code_cache_v2`).size > 0, "compiled code is kept");

  const modes = [...Deno.readDirSync(`${folder}/var/ledger`)].map(({ name }) =>
    Deno.statSync(`${folder}/var/ledger/${name}`).mode! & 0o777
  );
  assert.ok(modes.length >= 2, "segment and lock");
  assert.deepEqual(new Set(modes), new Set([0o600]), "only its owner reads the ledger");
  assert.equal(Deno.statSync(`${folder}/var/ledger`).mode! & 0o777, 0o700);
  await Deno.remove(folder, { recursive: true });
});
