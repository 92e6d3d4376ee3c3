// `check` with and without the capability, as the image runs it: the last line says yes, or what cannot be known.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

/** Runs `check` with the given words before it; returns the exit code and the output. */
function check(...before: string[]): { code: number; lines: string[] } {
  const [program, ...args] = [...before, ...imageCommand("check")];
  const { code, stdout } = new Deno.Command(program!, { args }).outputSync();
  return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}

Deno.test("with the capability the last line is yes", () => {
  const { code, lines } = check();
  assert.deepEqual([code, lines.at(-1)], [0, "yes: this node can run the proxy"]);
});

Deno.test("without it the kernel's version is checked all the same, and the rest is not known", () => {
  const { code, lines } = check("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin");
  assert.match(lines[0]!, /^yes +Linux /);
  assert.match(lines[1]!, /^MISSING +CAP_NET_ADMIN: /);
  assert.deepEqual([code, lines.at(-1)], [
    1,
    "not known: only a process with CAP_NET_ADMIN can ask the kernel the rest",
  ]);
});
