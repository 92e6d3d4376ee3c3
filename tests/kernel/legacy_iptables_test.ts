// What kube-proxy's iptables mode has left is known by its chain KUBE-SERVICES, with both programs named iptables. Chains that
// kubelet or other programs keep are not reported.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { otherModes } from "../../src/node/other_proxies.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

/** Runs a program of the iptables package; it waits for the lock, which is one for all namespaces. */
function iptables(program: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args: ["-w", "-t", "nat", ...args] }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

for (
  const [program, table] of [
    ["iptables-nft", "ip nat: kube-proxy's iptables rules"],
    ["ip6tables-nft", "ip6 nat: kube-proxy's iptables rules"],
    ["iptables-legacy", "ip nat: kube-proxy's legacy iptables rules"],
    ["ip6tables-legacy", "ip6 nat: kube-proxy's legacy iptables rules"],
  ] as const
) {
  Deno.test(`${program}: kubelet's chain is no trace of kube-proxy, KUBE-SERVICES is one`, () => {
    using kernel = new NetlinkKernel();
    try {
      iptables(program, "-N", "KUBE-KUBELET-CANARY");
      iptables(program, "-N", "DOCKER");
      iptables(
        program,
        "-A",
        "DOCKER",
        "-p",
        "tcp",
        "-m",
        "comment",
        "--comment",
        "KUBE-SERVICES",
        "-j",
        "RETURN",
      );
      assert.deepEqual(otherModes(kernel), []);
      iptables(program, "-N", "KUBE-SERVICES");
      assert.deepEqual(otherModes(kernel).map((line) => line.slice(0, table.length)), [table]);
    } finally {
      iptables(program, "-F");
      iptables(program, "-X");
    }
  });
}

Deno.test("asking for legacy chains makes no table: one would add hooks to every packet's path", () => {
  const script = `
    const { legacyNatChains } = await import("${new URL(
    "../../src/kernel/legacy_iptables.ts",
    import.meta.url,
  )}");
    console.log(JSON.stringify([legacyNatChains("ip"), legacyNatChains("ip6")]));`;
  const shell = 'deno=$0; "$deno" eval "$1"; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names';
  const { stdout, stderr } = new Deno.Command("unshare", {
    args: ["--net", "sh", "-c", shell, Deno.execPath(), script],
  }).outputSync();
  assert.equal(new TextDecoder().decode(stdout), "[[],[]]\n", new TextDecoder().decode(stderr));
});
