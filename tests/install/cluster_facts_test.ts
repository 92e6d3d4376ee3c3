// What is read from a cluster's own objects, also where they are missing, empty or of another kind.

import assert from "node:assert/strict";
import { clusterFacts } from "../../src/install/cluster_facts.ts";

const KUBECONFIG = "clusters:\n- cluster: {server: https://10.0.0.2:6443}\n";
const OBJECTS: Readonly<Record<string, unknown>> = {
  "/api/v1/namespaces/kube-public/configmaps/cluster-info": { data: { kubeconfig: KUBECONFIG } },
  "/api/v1/namespaces/kube-system/configmaps/kubeadm-config": {
    data: { ClusterConfiguration: "networking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n" },
  },
  "/api/v1/namespaces/kube-system/configmaps/kube-proxy": {
    data: { "config.conf": "x", "kubeconfig.conf": "y" },
  },
  "/api/v1/nodes": {
    items: [{ spec: { podCIDR: "10.244.0.0/24" } }, { spec: { podCIDR: "10.244.1.0/24" } }],
  },
};

const facts = (objects: Readonly<Record<string, unknown>>) =>
  clusterFacts((path) => Promise.resolve(objects[path]));

Deno.test("a cluster of kubeadm names its API server, its pods' addresses and kube-proxy's configuration", async () => {
  assert.deepEqual(await facts(OBJECTS), {
    apiServer: "https://10.0.0.2:6443",
    clusterCidr: "10.244.0.0/16,fd00:10:244::/56",
    podCidrs: true,
    families: ["ip"],
    config: { "config.conf": "x", "kubeconfig.conf": "y" },
    kubeProxyMode: "iptables",
  });
  for (const [mode, said] of [["ipvs", "ipvs"], ['""', "iptables"], ["nftables", "nftables"]] as const) {
    const data = { "config.conf": `kind: KubeProxyConfiguration\nmode: ${mode}\n` };
    const path = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";
    assert.equal((await facts({ [path]: { data } })).kubeProxyMode, said);
  }
});

Deno.test("what is missing is left out; what is of another kind is no fact", async () => {
  assert.deepEqual(await facts({}), { podCidrs: false });
  for (
    const strange of [null, "text", 7, [], { data: null }, { data: [] }, { data: { kubeconfig: 1 } }, {
      items: {},
    }]
  ) {
    const objects = Object.fromEntries(Object.keys(OBJECTS).map((path) => [path, strange]));
    assert.deepEqual(await facts(objects), { podCidrs: false }, JSON.stringify(strange));
  }
  const broken = {
    "/api/v1/namespaces/kube-public/configmaps/cluster-info": { data: { kubeconfig: "a: [" } },
  };
  assert.deepEqual(await facts(broken), { podCidrs: false });
});

Deno.test("local traffic is known by pod CIDRs only where every Node has one", async () => {
  const nodes = (...items: unknown[]) => facts({ "/api/v1/nodes": { items } });
  assert.equal((await nodes({ spec: { podCIDR: "10.244.0.0/24" } }, { spec: {} })).podCidrs, false);
  assert.equal((await nodes()).podCidrs, false);
});

Deno.test("the families are those of Nodes' addresses and of their pods", async () => {
  const families = async (...items: unknown[]) => (await facts({ "/api/v1/nodes": { items } })).families;
  const addresses = [{ type: "Hostname", address: "node-a" }, { type: "InternalIP", address: "fd00::11" }];
  assert.deepEqual(await families({ spec: { podCIDR: "10.0.0.0/24" }, status: { addresses } }), [
    "ip",
    "ip6",
  ]);
  assert.deepEqual(await families({ spec: { podCIDRs: ["10.0.0.0/24", "fd00::/64"] } }), ["ip", "ip6"]);
  assert.deepEqual(await families({ status: { addresses } }), ["ip6"]);
  assert.equal(
    await families({ spec: { podCIDRs: "10.0.0.0/24" }, status: { addresses: [null, {}] } }),
    undefined,
  );
});
