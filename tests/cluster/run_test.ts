// The program itself on a node: a real API server, the real kernel, real packets. The API server dies, the process is
// killed, the node loses its rules: what the ledger knows is served on.

import assert from "node:assert/strict";
import { ControlPlane, end, missingAssets } from "../support/cluster/control_plane.ts";
import { API_ADDRESS, ApiCluster, connectApi, furnishApi } from "../support/cluster/oracle.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { Lab } from "../support/lab/lab.ts";
import { send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const missing = missingAssets();
const HEALTH = "127.0.0.1:10256";
const FLAGS = ["--node", "node-a", "--cluster-cidr", "10.244.0.0/16", "--healthz-bind-address", HEALTH];

/** `ledgerproxy run` in the namespace of the lab's node. */
class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  constructor(lab: Lab, kubeconfig: string, readonly folder: string, flags: readonly string[] = FLAGS) {
    this.#process = startLedgerproxy(
      lab,
      `${folder}/log`,
      ...["run", "--kubeconfig", kubeconfig, "--ledger", `${folder}/ledger`],
      ...flags,
    );
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  get log(): string {
    return Deno.readTextFileSync(`${this.folder}/log`);
  }

  /** Ends it at once, as a crash would. */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#process);
  }
}

const cluster = (endpoint: string) =>
  parseScenario(`
service shop/web type=LoadBalancer ips=10.96.0.20 ports=:80/tcp:30080 balancer=198.51.100.20 external=Local health-check=32020
slice shop/web-a ports=:8080/tcp ${endpoint}`).objects.map(manifestOf);

Deno.test({
  name: "run follows an API server, and serves on without it, without its rules and after a crash",
  ignore: missing !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    using lab = new Lab();
    connectApi(lab);
    await using plane = await ControlPlane.start(API_ADDRESS);
    await furnishApi(plane);
    const api = new ApiCluster(plane);
    await api.replace(cluster("10.244.1.6@node-a"));
    const probe = {
      host: "pod-1",
      source: "10.244.1.5",
      destination: "10.96.0.20",
      port: 80,
      protocol: "tcp",
    } as const;
    const serves = (server: string) => () => send(lab, probe, 50).startsWith(server);
    const get = (url: string) => lab.run("node", `curl -s -w ' %{http_code}' http://${url}`);
    const kubeconfig = plane.kubeconfig();
    {
      await using program = new Program(lab, kubeconfig, folder);
      await until("the Service is served", serves("10.244.1.6:8080"));
      assert.match(
        get(`${HEALTH}/healthz`),
        /"EndpointSlice":\{"lastHeard":"20.*"problem":""\}.*"nodeEligible":true\} 200$/,
      );
      assert.match(get("192.168.0.2:32020/"), /"localEndpoints":1,"serviceProxyHealthy":true\} 200$/);
      await api.replace(cluster("10.244.2.5@node-b"));
      await until("the new endpoint serves", serves("10.244.2.5:8080"));
      assert.match(get("192.168.0.2:32020/"), /"localEndpoints":0,"serviceProxyHealthy":true\} 503$/);
      await plane.killApiServer();
      await until(
        "health says so",
        () => /"Service":\{[^}]*"problem":"Service: /.test(get(`${HEALTH}/healthz`)),
      );
      assert.match(get(`${HEALTH}/healthz`), / 200$/);
      assert.ok(serves("10.244.2.5:8080")());
      assert.doesNotMatch(program.log, /error:/);
    }
    assert.ok(serves("10.244.2.5:8080")(), "rules stay when the process is killed");
    lab.run("node", "nft flush ruleset");
    {
      await using _program = new Program(lab, kubeconfig, folder);
      await until("the ledger alone serves", serves("10.244.2.5:8080"));
      await plane.startApiServer();
      await api.replace(cluster("10.244.1.6@node-a"));
      await until("it follows again", serves("10.244.1.6:8080"));
    }
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a changed configuration file is in force at once, or ends the program; the API server hears of it",
  ignore: missing !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    using lab = new Lab();
    connectApi(lab);
    await using plane = await ControlPlane.start(API_ADDRESS);
    await furnishApi(plane);
    await new ApiCluster(plane).replace(cluster("10.244.1.6@node-a"));
    const file = `${folder}/config.yaml`;
    const write = (fields: Record<string, unknown>) =>
      Deno.writeTextFileSync(
        file,
        JSON.stringify({
          apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
          kind: "KubeProxyConfiguration",
          mode: "nftables",
          hostnameOverride: "node-a",
          clusterCIDR: "10.244.0.0/16",
          // The kernel has no such timeout; it has the other.
          conntrack: { maxPerCore: 0, tcpCloseWaitTimeout: "77s", udpTimeout: "99999999h" },
          oomScoreAdj: 123,
          ...fields,
        }),
      );
    const rules = () => lab.run("node", "nft list ruleset");
    const get = (path: string) => lab.run("node", `curl -s http://127.0.0.1:10249${path}`);
    write({});
    await using program = new Program(lab, plane.kubeconfig(), folder, ["--config", file]);
    await until("the Service is served", () => rules().includes("10.96.0.20 . tcp . 80"));
    assert.equal(
      lab.run("node", "cat /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait").trim(),
      "77",
    );
    assert.match(program.log, /nf_conntrack_udp_timeout stays as it is, 359999996400 was asked for: /);
    const events = async () => {
      const { items } = await plane.call("GET", "/apis/events.k8s.io/v1/namespaces/default/events");
      return (items as { reason: string; regarding: { kind: string; name: string } }[])
        .map(({ reason, regarding: { kind, name } }) => `${kind} ${name} ${reason}`).sort();
    };
    await until("events have arrived", async () => (await events()).length >= 2);
    assert.deepEqual(await events(), ["Node node-a FailedToSetUpNode", "Node node-a Starting"]);
    assert.deepEqual(JSON.parse(get("/configz"))["kubeproxy.config.k8s.io"].clusterCIDR, "10.244.0.0/16");
    assert.match(
      get("/metrics"),
      /^kubeproxy_sync_proxy_rules_no_local_endpoints_total\{traffic_policy="external",ip_family="IPv4"\} 0$/m,
    );
    assert.doesNotMatch(rules(), /ip daddr != 10\.244/);

    write({ nftables: { masqueradeBit: 32 } });
    await until("the mistake is told", () => /masqueradeBit: 32; Too big/.test(program.log));
    assert.match(rules(), /0x00004000/, "the configuration before stays");
    write({ nftables: { masqueradeBit: 3 } });
    await until("the other bit is used", () => /0x00000008/.test(rules()));
    assert.doesNotMatch(rules(), /0x00004000/);
    write({ nftables: { masqueradeBit: 3 }, hostnameOverride: "node-b" });
    assert.equal((await program.status).code, 1);
    assert.match(program.log, /has changed beyond the rules: ending, to be started again/);
    await Deno.remove(folder, { recursive: true });
  },
});
