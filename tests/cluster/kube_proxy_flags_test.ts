// Every flag that kube-proxy names in its help is one of `run` too, so that the arguments of its DaemonSet can be kept.

import assert from "node:assert/strict";
import { PROXY_FLAGS } from "../../src/node/proxy_flags.ts";
import { assetsFolder, missingAssets } from "../support/cluster/control_plane.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

/** Those of `run` that are not about the configuration, and those that are a command or a page here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "--config": "run",
  "--kubeconfig": "run",
  "--master": "run",
  "--init-only": "run",
  "--help": "run",
  "--version": "ledgerproxy version",
  "--cleanup": "ledgerproxy cleanup",
  "--write-config-to": "/configz",
};

Deno.test({
  name: "no flag of kube-proxy is unknown here",
  ignore: missingAssets() !== undefined,
  fn: async () => {
    const { stdout, stderr } = await new Deno.Command(`${assetsFolder()}/kube-proxy`, { args: ["--help"] })
      .output();
    const help = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const theirs = [...help.matchAll(/^ +(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, name]) => name!);
    assert.ok(theirs.length > 40, help);
    const known = new Set([
      ...PROXY_FLAGS.map(({ name }) => name.replace(/^-\w, /, "")),
      ...Object.keys(ELSEWHERE),
    ]);
    assert.deepEqual(theirs.filter((name) => !known.has(name)), []);
  },
});
