// From kube-proxy to this program and back, with the real kube-proxy before and after. Every new connection is answered all
// the time, and established ones continue.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { end, startProgram } from "../support/cluster/control_plane.ts";
import { kubeProxyConfiguration } from "../support/cluster/oracle.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { sceneTest } from "../support/cluster/scene.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, type Probe, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const hasIptables = new Deno.Command("sh", { args: ["-c", "command -v iptables ipset"], stdout: "null" })
  .outputSync().success;
const CLUSTER = parseScenario(`
service shop/web type=NodePort ips=10.96.0.20,fd00:96::20 ports=:80/tcp:30080
slice shop/web-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/web-b ports=:8080/tcp fd00:10:244:2::5@node-b`).objects.map(manifestOf);
const PROBES: readonly Probe[] = [
  { host: "pod-1", source: "10.244.1.5", destination: "10.96.0.20", port: 80, protocol: "tcp" },
  { host: "pod-1", source: "fd00:10:244:1::5", destination: "fd00:96::20", port: 80, protocol: "tcp" },
  { host: "outside", source: "203.0.113.2", destination: "192.168.0.2", port: 30080, protocol: "tcp" },
];

/** A node with an API server and connections that must never fail. */
interface Stage {
  readonly lab: Lab;
  readonly folder: string;
  readonly kubeconfig: string;
  /** Sends a packet of each kind; throws unless all are answered. */
  answered(): true;
  startKubeProxy(): Deno.ChildProcess;
  ledgerproxy(...args: readonly string[]): Deno.ChildProcess;
  /** The program's log so far. */
  log(): string;
}

/** The exit code of `process`. One that does not end is named, and ended: the test would wait for it without a word. */
async function exitCode(name: string, process: Deno.ChildProcess): Promise<number> {
  let code: number | undefined;
  void process.status.then((status) => code = status.code);
  try {
    await until(`${name} has ended`, () => code !== undefined);
  } finally {
    if (code === undefined) await end(process);
  }
  return code!;
}

/** A test with kube-proxy configured for `mode`. */
function stageTest(
  name: string,
  mode: "nftables" | "iptables",
  play: (stage: Stage) => Promise<void>,
  ignore = false,
): void {
  sceneTest(name, CLUSTER, async ({ lab, plane, folder }) => {
    const kubeconfig = plane.kubeconfig();
    const config = `${folder}/kube-proxy.json`;
    const fields = kubeProxyConfiguration(DEFAULT_PROXY_CONFIG, kubeconfig);
    await Deno.writeTextFile(config, JSON.stringify({ ...fields, mode }));
    let probes = 0;
    await play({
      lab,
      folder,
      kubeconfig,
      answered() {
        for (const probe of PROBES) {
          probes++;
          assert.match(send(lab, probe, FIRST_ATTEMPT_MILLISECONDS), / from /, JSON.stringify(probe));
        }
        return true;
      },
      startKubeProxy: () =>
        lab.inside(
          "node",
          () => startProgram("kube-proxy", [`--config=${config}`], `${folder}/kube-proxy.log`),
        ),
      ledgerproxy: (...args) => startLedgerproxy(lab, `${folder}/log`, ...args),
      log: () => Deno.readTextFileSync(`${folder}/log`),
    });
    assert.ok(probes > 30, `${probes} probes`);
  }, ignore);
}

stageTest(
  "taking over from kube-proxy and going back loses no connection",
  "nftables",
  async ({ lab, folder, kubeconfig, answered, startKubeProxy, ledgerproxy, log }) => {
    const tables = () => lab.run("node", "nft list tables").trim().split("\n").sort().join();
    const [theirs, ours] = [
      "table ip kube-proxy,table ip6 kube-proxy",
      "table ip ledgerproxy,table ip6 ledgerproxy",
    ];
    const before = startKubeProxy();
    await until("kube-proxy serves", () => tables() === theirs && / from /.test(send(lab, PROBES[1]!, 50)));
    answered();
    using established = new Connection(lab, PROBES[0]!);
    await end(before);
    const run = ["--kubeconfig", kubeconfig, "--node", "node-a", "--ledger", `${folder}/ledger`];
    const proxy = ledgerproxy("run", ...run);
    await until("our tables have replaced theirs", () => answered() && tables() === ours);
    const taking = /taking over from kube-proxy: ip kube-proxy, ip6 kube-proxy/;
    await until("the log says so", () => taking.test(log()));
    assert.ok(answered() && established.works());

    await end(proxy);
    const cleanup = ledgerproxy("cleanup", "--after", "kube-proxy-ready");
    await until("cleanup waits", () => answered() && log().includes("waiting for kube-proxy's tables"));
    const after = startKubeProxy();
    await until("kube-proxy is back and our tables are gone", () => answered() && tables() === theirs);
    assert.equal(await exitCode("cleanup", cleanup), 0);
    assert.ok(answered() && established.works());
    await end(after);
  },
);

stageTest(
  "after kube-proxy in iptables mode its rules are reported and removed while this program serves; and back",
  "iptables",
  async ({ lab, folder, kubeconfig, answered, startKubeProxy, ledgerproxy, log }) => {
    const has = (text: string) => lab.run("node", "nft list ruleset").includes(text);
    const before = startKubeProxy();
    const served = () => PROBES.every((probe) => / from /.test(send(lab, probe, 50)));
    await until("kube-proxy serves", served);
    using established = new Connection(lab, PROBES[0]!);
    await end(before);
    const run = ["--kubeconfig", kubeconfig, "--node", "node-a", "--ledger", `${folder}/ledger`];
    const proxy = ledgerproxy("run", ...run);
    await until("our rules are there too", () => answered() && has("table ip6 ledgerproxy"));
    const reported = /ip nat.*: kube-proxy's iptables rules .*`kube-proxy --cleanup` once/;
    await until("the log reports theirs", () => reported.test(log()));
    lab.run("node", "ip link add kube-ipvs0 type veth peer name ipvs-peer");
    assert.equal(await exitCode("check", ledgerproxy("check")), 0);
    lab.run("node", "ip link delete kube-ipvs0");
    assert.match(log(), /here {5}ip nat.*iptables rules/);
    assert.match(log(), /here {5}interface kube-ipvs0: kube-proxy in IPVS mode; remove it/);
    assert.match(log(), /here {5}ip ledgerproxy, ip6 ledgerproxy: ours/);
    const remove = lab.inside(
      "node",
      () => startProgram("kube-proxy", ["--cleanup"], `${folder}/cleanup.log`),
    );
    await until("their rules are gone", () => answered() && !has("KUBE-SVC"));
    await exitCode("kube-proxy --cleanup", remove);
    assert.ok(answered() && established.works());

    const after = startKubeProxy();
    // It writes one family after the other.
    const inBoth = () =>
      ["ip", "ip6"].every((family) =>
        lab.run("node", `nft list table ${family} nat || true`).includes("KUBE-SVC")
      );
    await until("their rules are back", () => answered() && inBoth());
    await end(proxy);
    assert.equal(await exitCode("cleanup", ledgerproxy("cleanup")), 0);
    assert.ok(answered() && established.works() && !has("ledgerproxy"));
    await end(after);
  },
  !hasIptables,
);
