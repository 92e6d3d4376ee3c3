// What is printed above a manifest is a comment in every line, and the canary's command is a patch that Kubernetes understands.

import assert from "node:assert/strict";
import { type Distribution, DISTRIBUTIONS, instructions } from "../../src/install/distributions.ts";

const text = (distribution: Distribution, canary: boolean, mode: string | undefined) =>
  instructions(distribution, { canary, mode, image: "example/ledgerproxy:1" });

Deno.test("every line of every distribution's instructions is a comment", () => {
  for (const [name, distribution] of Object.entries(DISTRIBUTIONS)) {
    for (const canary of [true, false]) {
      for (const mode of [undefined, "iptables", "ipvs", "nftables"]) {
        for (const line of text(distribution, canary, mode).split("\n")) {
          assert.match(line, /^#( |$)/, name);
        }
      }
    }
  }
});

Deno.test("what the project has not run says so", () => {
  const unproven = Object.values(DISTRIBUTIONS).filter(({ ranIn }) => ranIn === undefined);
  assert.ok(unproven.length > 0);
  for (const distribution of unproven) {
    assert.match(text(distribution, true, undefined), /Not run by this project/);
  }
});

Deno.test("a canary keeps kube-proxy off its nodes, where kube-proxy is a DaemonSet", () => {
  const said = text(DISTRIBUTIONS["kubeadm"]!, true, "nftables");
  const patch = JSON.parse(/-p '(.*)'$/m.exec(said)![1]!);
  const { nodeSelectorTerms: [term] } = patch.spec.template.spec.affinity.nodeAffinity
    .requiredDuringSchedulingIgnoredDuringExecution;
  assert.deepEqual(term.matchExpressions, [{ key: "ledgerproxy", operator: "NotIn", values: ["serve"] }]);
  assert.match(said, /kubectl label node NODE ledgerproxy=serve/);
  assert.doesNotMatch(text(DISTRIBUTIONS["k3s"]!, true, "nftables"), /patch daemonset/);
  assert.doesNotMatch(text(DISTRIBUTIONS["kubeadm"]!, false, "nftables"), /patch daemonset/);
});

Deno.test("the rules of kube-proxy in iptables or IPVS mode are removed after it has ended, before it is forgotten", () => {
  const command = "kubectl debug node/NODE --profile=sysadmin --image=IMAGE -- kube-proxy --cleanup";
  const at = (said: string, part: string) => {
    assert.ok(said.includes(part), `${part} in ${said}`);
    return said.indexOf(part);
  };
  const kubeadm = DISTRIBUTIONS["kubeadm"]!;
  const canary = text(kubeadm, true, "iptables");
  assert.match(canary, /kube-proxy is in iptables mode: a node keeps its rules/);
  assert.ok(at(canary, "kubectl label node") < at(canary, command));
  assert.ok(at(canary, command) < at(canary, "delete daemonset kube-proxy"));
  const whole = text(kubeadm, false, "ipvs");
  assert.ok(at(whole, "delete daemonset kube-proxy") < at(whole, command));
  assert.match(
    text(DISTRIBUTIONS["talos"]!, true, undefined),
    /If kube-proxy is in iptables or IPVS mode,/,
  );
  // Its kube-proxy is in no image.
  assert.match(text(DISTRIBUTIONS["k3s"]!, true, undefined), /Restart such nodes/);
  assert.doesNotMatch(text(kubeadm, true, "nftables"), /--cleanup/);
});

Deno.test("the way back says how our rules leave a node whose pod is gone", () => {
  const said = text(DISTRIBUTIONS["kubeadm"]!, true, "nftables");
  assert.match(said, /kubectl debug node\/NODE .*--image=example\/ledgerproxy:1 -- ledgerproxy cleanup$/m);
});
