// From kube-proxy to this program and back, with the real kube-proxy before and after: every connection is answered all
// the while, and what was established goes on.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { ControlPlane, end, missingAssets, startProgram } from "../support/cluster/control_plane.ts";
import {
  API_ADDRESS,
  ApiCluster,
  connectApi,
  furnishApi,
  kubeProxyConfiguration,
} from "../support/cluster/oracle.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { type Probe, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const missing = missingAssets();
const CLUSTER = parseScenario(`
service shop/web type=NodePort ips=10.96.0.20,fd00:96::20 ports=:80/tcp:30080
slice shop/web-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/web-b ports=:8080/tcp fd00:10:244:2::5@node-b`).objects.map(manifestOf);
const PROBES: readonly Probe[] = [
  { host: "pod-1", source: "10.244.1.5", destination: "10.96.0.20", port: 80, protocol: "tcp" },
  { host: "pod-1", source: "fd00:10:244:1::5", destination: "fd00:96::20", port: 80, protocol: "tcp" },
  { host: "outside", source: "203.0.113.2", destination: "192.168.0.2", port: 30080, protocol: "tcp" },
];

Deno.test({
  name: "taking over from kube-proxy and going back loses no connection",
  ignore: missing !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    using lab = new Lab();
    connectApi(lab);
    await using plane = await ControlPlane.start(API_ADDRESS);
    await furnishApi(plane);
    await new ApiCluster(plane).replace(CLUSTER);
    const config = `${folder}/kube-proxy.json`;
    await Deno.writeTextFile(
      config,
      JSON.stringify(kubeProxyConfiguration(DEFAULT_PROXY_CONFIG, plane.kubeconfig())),
    );
    const startKubeProxy = () =>
      lab.inside(
        "node",
        () => startProgram("kube-proxy", [`--config=${config}`], `${folder}/kube-proxy.log`),
      );
    const tables = () => lab.run("node", "nft list tables").trim().split("\n").sort().join();
    const [theirs, ours] = [
      "table ip kube-proxy,table ip6 kube-proxy",
      "table ip ledgerproxy,table ip6 ledgerproxy",
    ];
    let probes = 0;
    const answered = () => {
      for (const probe of PROBES) {
        probes++;
        assert.match(send(lab, probe, 1000), / from /, JSON.stringify(probe));
      }
      return true;
    };

    const before = startKubeProxy();
    await until("kube-proxy serves", () => tables() === theirs && / from /.test(send(lab, PROBES[1]!, 50)));
    answered();
    using established = new Connection(lab, PROBES[0]!);
    await end(before);
    const run = ["--kubeconfig", plane.kubeconfig(), "--node", "node-a", "--ledger", `${folder}/ledger`];
    const proxy = startLedgerproxy(lab, `${folder}/log`, "run", ...run);
    await until("our tables have replaced theirs", () => answered() && tables() === ours);
    assert.match(
      await Deno.readTextFile(`${folder}/log`),
      /taking over from kube-proxy: ip kube-proxy, ip6 kube-proxy/,
    );
    assert.ok(answered() && established.works());

    await end(proxy);
    const cleanup = startLedgerproxy(lab, `${folder}/log`, "cleanup", "--after", "kube-proxy-ready");
    await until(
      "cleanup waits",
      () => answered() && Deno.readTextFileSync(`${folder}/log`).includes("waiting for kube-proxy's tables"),
    );
    const after = startKubeProxy();
    await until("kube-proxy is back and our tables are gone", () => answered() && tables() === theirs);
    assert.equal((await cleanup.status).code, 0);
    assert.ok(answered() && established.works());
    await end(after);
    assert.ok(probes > 30, `${probes} probes`);
    await Deno.remove(folder, { recursive: true });
  },
});
