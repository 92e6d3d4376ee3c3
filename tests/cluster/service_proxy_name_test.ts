// Two proxies with a name beside the real kube-proxy on one node. Each serves its own Services and refuses its own packets; none
// touches the rules of another.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import { SERVICE_PROXY_NAME_LABEL } from "../../src/kube/service_proxy_name.ts";
import { ControlPlane, end, type Json } from "../support/cluster/control_plane.ts";
import { Oracle } from "../support/cluster/oracle.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { sceneTest } from "../support/cluster/scene.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, type Probe, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const CLUSTER = parseScenario(`
service shop/web type=NodePort ips=10.96.0.20,fd00:96::20 ports=:80/tcp:30080
slice shop/web-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/web-b ports=:8080/tcp fd00:10:244:2::5@node-b
service shop/idle ips=10.96.0.21 ports=:80/tcp
service shop/blue type=NodePort ips=10.96.0.30,fd00:96::30 ports=:80/tcp:30090 proxy-name=Trial.blue_1
slice shop/blue-a ports=:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/blue-b ports=:8080/tcp fd00:10:244:2::5@node-b
service shop/blue-idle ips=10.96.0.31 ports=:80/tcp proxy-name=Trial.blue_1
service shop/green ips=10.96.0.40 ports=:80/tcp proxy-name=green
slice shop/green-a ports=:8080/tcp 10.244.2.5@node-b`).objects.map(manifestOf);

const CONFIG: ProxyConfig = {
  ...DEFAULT_PROXY_CONFIG,
  detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/48"] },
};
const pod = (destination: string, port = 80): Probe => ({
  host: "pod-1",
  source: destination.includes(":") ? "fd00:10:244:1::5" : "10.244.1.5",
  destination,
  port,
  protocol: "tcp",
});
const outside = (port: number): Probe => ({
  host: "outside",
  source: "203.0.113.2",
  destination: "192.168.0.2",
  port,
  protocol: "tcp",
});
const THEIRS = [pod("10.96.0.20"), pod("fd00:96::20"), outside(30080)];
const BLUE = [pod("10.96.0.30"), pod("fd00:96::30"), outside(30090)];
const GREEN = [pod("10.96.0.40")];

/** The tables called `name` in both families. */
const both = (name: string) => ["ip", "ip6"].map((family) => `table ${family} ${name}`);

sceneTest(
  "proxies with a name and kube-proxy serve one node side by side",
  CLUSTER,
  async ({ lab, plane, folder }) => {
    const answered = (probes: readonly Probe[]) =>
      probes.every((probe) => / from /.test(send(lab, probe, FIRST_ATTEMPT_MILLISECONDS)));
    const tables = () => lab.run("node", "nft list tables").trim().split("\n").sort();
    const run = (name: string, ledger = name) =>
      startLedgerproxy(
        lab,
        `${folder}/${name}.log`,
        "run",
        ...["--kubeconfig", plane.kubeconfig(), "--node", "node-a", "--service-proxy-name", name],
        ...["--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", "--ledger", `${folder}/${ledger}`],
      );
    const command = (...args: string[]) => startLedgerproxy(lab, `${folder}/log`, ...args).status;
    const logOf = (name: string) => Deno.readTextFileSync(`${folder}/${name}.log`);
    {
      await using _oracle = new Oracle(plane, lab, CONFIG);
      await until("kube-proxy serves", () => tables().length === 2 && answered(THEIRS));
      assert.ok(![...BLUE, ...GREEN].some((probe) => answered([probe])), "others' Services");
      const outcomes = () =>
        [pod("10.96.0.21"), pod("10.96.0.20", 81), pod("10.96.77.7"), outside(30099)].map((probe) =>
          send(lab, probe, FIRST_ATTEMPT_MILLISECONDS)
        );
      const alone = outcomes();
      using established = new Connection(lab, THEIRS[0]!);
      await using blue = ended(run("Trial.blue_1"));
      await until("blue serves", () => answered(BLUE));
      await using _ = ended(run("green"));
      await until("green serves", () => answered(GREEN));
      const names = ["kube-proxy", "ledgerproxy/Trial.blue_1", "ledgerproxy/green"];
      assert.deepEqual(tables(), names.flatMap(both).sort());
      assert.ok(answered(THEIRS) && established.works(), "kube-proxy's Services go on");
      assert.deepEqual(outcomes(), alone, "what kube-proxy refuses and drops is as without us");
      // Theirs would be dropped by a catch-all of ours, and ours by theirs.
      for (const probe of [pod("10.96.0.31"), pod("10.96.0.30", 81)]) {
        assert.match(send(lab, probe, FIRST_ATTEMPT_MILLISECONDS), /refused/);
      }
      assert.doesNotMatch(logOf("Trial.blue_1"), /taking over|kube-proxy/);
      await until(
        "the second one says that the port is taken",
        () => logOf("green").includes("10356 is in use"),
      );
      assert.match(logOf("green"), /by another service proxy on this node; --healthz-bind-address gives/);

      await moveAndBack(plane, lab, () => answered(THEIRS) && established.works());
      // Questions find the table of the ledger, whose last records a kill could lose.
      blue.process.kill();
      assert.equal((await blue.process.status).code, 0);
      const ledger = `${folder}/Trial.blue_1`;
      assert.equal((await command("verify", "--kernel", "--ledger", ledger)).code, 0);
      assert.equal((await command("diff", "HEAD", "kernel", "--ledger", ledger)).code, 0);
      assert.equal((await run("green2", "Trial.blue_1").status).code, 2, "a ledger is of one proxy");
      assert.match(
        logOf("green2"),
        /is that of service proxy Trial\.blue_1, and this is service proxy green2/,
      );
      assert.ok(answered(BLUE), "the rules stay");

      assert.equal((await command("cleanup")).code, 0);
      assert.deepEqual(tables(), names.flatMap(both).sort(), "cleanup without the name touches none of them");
      assert.equal((await command("cleanup", "--service-proxy-name", "Trial.blue_1")).code, 0);
      assert.deepEqual(tables(), ["kube-proxy", "ledgerproxy/green"].flatMap(both).sort());
      assert.ok(answered([...THEIRS, ...GREEN]) && established.works());
    }
  },
);

/** A process that ends with the scope. */
function ended(process: Deno.ChildProcess): AsyncDisposable & { readonly process: Deno.ChildProcess } {
  return { process, [Symbol.asyncDispose]: () => end(process) };
}

/** A Service moves from kube-proxy to blue and back. Connections that exist go on. */
async function moveAndBack(plane: ControlPlane, lab: Lab, works: () => boolean): Promise<void> {
  const label = async (name: string | null) => {
    const path = "/api/v1/namespaces/shop/services/web";
    const service = await plane.call("GET", path) as Json & { metadata: Json };
    const labels = name === null ? {} : { [SERVICE_PROXY_NAME_LABEL]: name };
    await plane.call("PUT", path, { ...service, metadata: { ...service.metadata, labels } });
  };
  const frontends = { ip: "10.96.0.20 . tcp . 80", ip6: "fd00:96::20 . tcp . 80" };
  // kube-proxy changes one family after the other.
  const found = (table: string) =>
    Object.entries(frontends).map(([family, key]) =>
      lab.run("node", `nft list table ${family} ${table}`).includes(key)
    );
  const has = (table: string) => found(table).every(Boolean);
  const lacks = (table: string) => !found(table).some(Boolean);
  await label("Trial.blue_1");
  await until("blue has it", () => has("ledgerproxy/Trial.blue_1") && lacks("kube-proxy"));
  assert.ok(works());
  await label(null);
  await until("kube-proxy has it", () => has("kube-proxy") && lacks("ledgerproxy/Trial.blue_1"));
  assert.ok(works());
}
