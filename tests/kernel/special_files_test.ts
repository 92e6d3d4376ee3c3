// Files of /proc are read to their end, although the kernel gives them out a page at a time.

import assert from "node:assert/strict";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import { readSpecial, writeSpecial } from "../../src/kernel/special_files.ts";
import { otherModes } from "../../src/node/other_proxies.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

/** Runs commands of `ip`, one a line. */
function ip(commands: readonly string[]): void {
  const script = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(script, commands.join("\n"));
    const { success, stderr } = new Deno.Command("ip", { args: ["-batch", script] }).outputSync();
    if (!success) throw new Error(`ip: ${new TextDecoder().decode(stderr)}`);
  } finally {
    Deno.removeSync(script);
  }
}

Deno.test("kube-proxy's interface is found behind those of sixty pods", () => {
  const names = [...Array.from({ length: 60 }, (_, i) => `pod-${i}`), "kube-ipvs0"];
  ip(names.map((name) => `link add ${name} type bridge`));
  try {
    assert.ok(Deno.readTextFileSync("/proc/net/dev").length > 4096, "the file has more than a page");
    const found = otherModes(new FakeKernel());
    assert.deepEqual(found.map((line) => line.slice(0, 20)), ["interface kube-ipvs0"]);
  } finally {
    ip(names.map((name) => `link delete ${name}`));
  }
});

Deno.test("a missing file, and a value that the kernel does not accept, are errors with path and code", () => {
  const missing = "/proc/net/no-such-file";
  assert.throws(() => readSpecial(missing), /^SystemError: open \/proc\/net\/no-such-file: .*\(ENOENT\)$/);
  const score = "/proc/self/oom_score_adj";
  assert.throws(
    () => writeSpecial(score, "many"),
    /^SystemError: write \/proc\/self\/oom_score_adj: .*\(EINVAL\)$/,
  );
});
