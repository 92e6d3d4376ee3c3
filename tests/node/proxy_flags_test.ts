// kube-proxy's flags over a document: each sets its field, in the section of the mode.

import assert from "node:assert/strict";
import { flagNames, withFlags } from "../../src/node/proxy_flags.ts";

Deno.test("a flag sets its field, and the rest of the document stays", () => {
  const before = {
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    nftables: { masqueradeBit: 3 },
    other: 1,
  };
  const { document, from } = withFlags(before, {
    masqueradeAll: "true",
    clusterCidr: "10.0.0.0/8",
    unknown: "x",
  });
  assert.deepEqual(document, {
    ...before,
    nftables: { masqueradeBit: 3, masqueradeAll: true },
    clusterCIDR: "10.0.0.0/8",
  });
  assert.deepEqual([...from].sort(), [["clusterCIDR", "--cluster-cidr"], [
    "nftables.masqueradeAll",
    "--masquerade-all",
  ]]);
});

Deno.test("the section is that of the mode, which a flag may change", () => {
  const set = (mode: string) => withFlags({}, { proxyMode: mode, masqueradeBit: "9" }).document;
  assert.deepEqual(set("nftables"), { mode: "nftables", nftables: { masqueradeBit: 9 } });
  assert.deepEqual(set("iptables"), { mode: "iptables", iptables: { masqueradeBit: 9 } });
  assert.equal(flagNames("ipvs").get("iptables.masqueradeBit"), "--iptables-masquerade-bit");
});

Deno.test("text that is no number, switch or gate stays text, for the parser of the document to report", () => {
  const { document } = withFlags({ logging: 7 }, {
    v: "many",
    masqueradeAll: "yes",
    featureGates: "A=true,B=false,C",
  });
  assert.deepEqual(document, {
    logging: { verbosity: "many" },
    iptables: { masqueradeAll: "yes" },
    featureGates: { A: true, B: false, C: "" },
  });
});
