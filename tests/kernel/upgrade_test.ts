// A node whose rules an earlier version made: the new version replaces them in one batch, and connections go on.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { separated } from "../../src/nft/objects.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { meaning } from "../support/meaning.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

/** Rules that earlier versions made of {@link CLUSTER}. A version whose skeleton differs from the one before adds its own. */
const FIXTURES = new URL("../../fixtures/rulesets/", import.meta.url);
const CLUSTER = decodeAll([
  nodeManifest(),
  ...parseScenario(`
service shop/steady type=NodePort ips=10.96.0.20 ports=:80/tcp:30020
slice shop/steady-a ports=:8080/tcp 10.244.1.6@node-a
service shop/pinned type=NodePort ips=10.96.0.21 ports=:80/tcp:30021 affinity=60
slice shop/pinned-a ports=:8443/tcp 10.244.2.5@node-b
service shop/empty ips=10.96.0.22 ports=:80/tcp`).objects.map(manifestOf),
]);
const CONFIG = {
  ...DEFAULT_PROXY_CONFIG,
  detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/48"] },
} as const;

for (const { name } of Deno.readDirSync(FIXTURES)) {
  Deno.test(`the rules of ${name} are replaced in one batch, and connections go on`, () => {
    using lab = new Lab();
    lab.run("node", `nft -f ${new URL(name, FIXTURES).pathname}`);
    const to = (host: "pod-1" | "outside", source: string, destination: string, port: number) =>
      new Connection(lab, { host, source, destination, port, protocol: "tcp" });
    const connect = () => [
      to("pod-1", "10.244.1.5", "10.96.0.20", 80),
      to("outside", "203.0.113.2", "192.168.0.2", 30020),
      to("pod-1", "10.244.1.5", "10.96.0.21", 80),
      to("outside", "203.0.113.2", "192.168.0.2", 30021),
    ];
    const old = connect();
    using proxy = new LabProxy(lab);
    proxy.restart(CONFIG);
    using observer = lab.inside("node", () => new NetlinkKernel());
    const before = observer.generation();
    proxy.apply(CLUSTER);
    assert.equal(observer.generation(), before + 1, "one batch");
    assert.deepEqual(
      meaning(separated(proxy.listed()).elements),
      meaning(stateOf(CONFIG, CLUSTER).desired),
    );
    const young = connect();
    assert.deepEqual(young.map(({ server }) => server), old.map(({ server }) => server));
    for (const connection of [...old, ...young]) {
      assert.ok(connection.works());
      connection[Symbol.dispose]();
    }
  });
}
