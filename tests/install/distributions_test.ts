// What is printed above a manifest is a comment in every line, and the canary's command is a patch that Kubernetes understands.

import assert from "node:assert/strict";
import { DISTRIBUTIONS, instructions } from "../../src/install/distributions.ts";

Deno.test("every line of every distribution's instructions is a comment", () => {
  for (const [name, distribution] of Object.entries(DISTRIBUTIONS)) {
    for (const canary of [true, false]) {
      for (const line of instructions(distribution, canary).split("\n")) assert.match(line, /^#( |$)/, name);
    }
  }
});

Deno.test("what the project has not run says so", () => {
  const unproven = Object.values(DISTRIBUTIONS).filter(({ ranIn }) => ranIn === undefined);
  assert.ok(unproven.length > 0);
  for (const distribution of unproven) {
    assert.match(instructions(distribution, true), /Not run by this project/);
  }
});

Deno.test("a canary keeps kube-proxy off its nodes, where kube-proxy is a DaemonSet", () => {
  const text = instructions(DISTRIBUTIONS["kubeadm"]!, true);
  const patch = JSON.parse(/-p '(.*)'$/m.exec(text)![1]!);
  const { nodeSelectorTerms: [term] } = patch.spec.template.spec.affinity.nodeAffinity
    .requiredDuringSchedulingIgnoredDuringExecution;
  assert.deepEqual(term.matchExpressions, [{ key: "ledgerproxy", operator: "NotIn", values: ["serve"] }]);
  assert.match(text, /kubectl label node NODE ledgerproxy=serve/);
  assert.doesNotMatch(instructions(DISTRIBUTIONS["k3s"]!, true), /patch daemonset/);
  assert.doesNotMatch(instructions(DISTRIBUTIONS["kubeadm"]!, false), /patch daemonset/);
});
