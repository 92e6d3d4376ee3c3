// The program on a node, with a real API server, the real kernel and real packets. The API server stops again and again, the
// process is killed, the node loses its rules: the Services in the ledger are served all the time.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { describeKey, objectKey } from "../../src/kube/objects.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { end } from "../support/cluster/control_plane.ts";
import { eventsIn } from "../support/cluster/events.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { sceneTest } from "../support/cluster/scene.ts";
import { keptOf } from "../support/kept_records.ts";
import { Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, parseScenario } from "../support/scenario/scenario.ts";
import { assertWhole } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

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

  /** Kills the process, as a crash would. */
  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#process);
  }
}

const cluster = (endpoint: string) =>
  parseScenario(`
service shop/web type=LoadBalancer ips=10.96.0.20 ports=:80/tcp:30080 balancer=198.51.100.20 external=Local health-check=32020
slice shop/web-a ports=:8080/tcp ${endpoint}`).objects.map(manifestOf);

sceneTest(
  "run follows an API server, and keeps serving without it, after a loss of rules and after a crash",
  cluster("10.244.1.6@node-a"),
  async ({ lab, plane, api, folder }) => {
    const probe = {
      host: "pod-1",
      source: "10.244.1.5",
      destination: "10.96.0.20",
      port: 80,
      protocol: "tcp",
    } as const;
    const serves = (server: string) => () => send(lab, probe, FIRST_ATTEMPT_MILLISECONDS).startsWith(server);
    const get = (url: string) => lab.run("node", `curl -s -w ' %{http_code}' http://${url} || true`);
    const kubeconfig = plane.kubeconfig();
    {
      await using program = new Program(lab, kubeconfig, folder);
      await until("the Service is served", serves("10.244.1.6:8080"));
      // Rules may be made before the Node is listed, and health check ports follow the rules.
      const health = /"EndpointSlice":\{"lastHeard":"20.*"problem":""\}.*"nodeEligible":true\} 200$/;
      await until("health says so", () => health.test(get(`${HEALTH}/healthz`)));
      const checked = (answer: RegExp) => () => answer.test(get("192.168.0.2:32020/"));
      await until(
        "its health check has an endpoint",
        checked(/"localEndpoints":1,"serviceProxyHealthy":true\} 200$/),
      );
      await api.replace(cluster("10.244.2.5@node-b"));
      await until("the new endpoint serves", serves("10.244.2.5:8080"));
      await until(
        "its health check has none",
        checked(/"localEndpoints":0,"serviceProxyHealthy":true\} 503$/),
      );
      await plane.killApiServer();
      await until(
        "health says so",
        () => /"Service":\{[^}]*"problem":"api server not answering"/.test(get(`${HEALTH}/healthz`)),
      );
      assert.match(get(`${HEALTH}/healthz`), / 200$/);
      assert.ok(serves("10.244.2.5:8080")());
      assert.doesNotMatch(program.log, /Z error: /);
      // A commit waits 10 ms for its records: where a disk takes longer, a kill may lose them.
      const isKept = ({ value }: EventRecord) => JSON.stringify(value).includes("10.244.2.5");
      await until("it is in the ledger", () => keptOf(`${folder}/ledger`, "event").some(isKept));
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
  },
);

/** The endpoint of a Service that moves in each round, beside one that never changes. */
const endpoint = (round: number) => round % 2 === 0 ? "10.244.1.6" : "10.244.2.5";
const both = (round: number) =>
  parseScenario(`
service shop/web ips=10.96.0.20 ports=:80/tcp
slice shop/web-a ports=:8080/tcp ${endpoint(round)}@${round % 2 === 0 ? "node-a" : "node-b"}
service shop/still ips=10.96.0.21 ports=:80/tcp
slice shop/still-a ports=:8080/tcp 10.244.2.5@node-b`).objects.map(manifestOf);

sceneTest(
  "an API server killed 20 times under churn: ledger, kernel and server agree, traffic never fails, nothing is done needlessly",
  both(0),
  async ({ lab, plane, api, folder }) => {
    const to = (destination: string) => {
      const probe = { host: "pod-1", source: "10.244.1.5", destination, port: 80, protocol: "tcp" } as const;
      return send(lab, probe, FIRST_ATTEMPT_MILLISECONDS);
    };
    const answers = (round: number) => () => to("10.96.0.20").startsWith(endpoint(round));
    await using _program = new Program(lab, plane.kubeconfig(), folder);
    await until("both Services are served", () => answers(0)() && to("10.96.0.21").startsWith("10.244.2.5"));
    const failed: string[] = [];
    let sent = 0;
    const traffic = setInterval(() => {
      sent++;
      for (const address of ["10.96.0.20", "10.96.0.21"]) {
        const answer = to(address);
        if (!/ from /.test(answer)) failed.push(`${address}: ${answer}`);
      }
    }, 50);
    for (let round = 1; round <= 20; round++) {
      await plane.killApiServer();
      await plane.startApiServer();
      await api.replace(both(round));
      await until(`round ${round} is in force`, answers(round));
    }
    clearInterval(traffic);
    assert.deepEqual(failed, []);
    assert.ok(sent > 200, `${sent} connections`);

    const ledger = `${folder}/ledger`;
    const eventOf = ({ key, value }: EventRecord) => `${value === null ? "-" : "+"}${describeKey(key)}`;
    const truth = decodeAll(await api.read()).map((object) => describeKey(objectKey(object))).sort();
    const known = (): string[] => {
      const state = emptyState();
      for (const { offset, record } of readLedger(folderStorage(ledger, false))) {
        foldRecord(state, offset, record);
      }
      return [...state.objects.keys()].sort();
    };
    await until("the ledger knows what the API server knows", () => known().join() === truth.join());
    const of = (service: string) =>
      keptOf(ledger, "commit").flatMap(({ changes }) => changes).filter(({ comment }) => comment === service)
        .length;
    // Cluster IP and its only endpoint; then in each round the endpoint is removed and added again.
    const webChanges = 2 + 2 * 20;
    await until("the last commit is in the ledger", () => of("shop/web") >= webChanges);
    const events = keptOf(ledger, "event").map(eventOf);
    assert.equal(events.filter((event) => event === "+EndpointSlice shop/web-a").length, 21);
    assert.equal(
      events.filter((event) => event.includes("shop/still")).length,
      2,
      "unchanged objects were recorded once",
    );
    using kernel = lab.inside("node", () => new NetlinkKernel());
    assertWhole(ledger, kernel);
    assert.ok(keptOf(ledger, "commit").every(({ outcome }) => outcome === "committed"));
    assert.deepEqual([of("shop/still"), of("shop/web")], [2, webChanges]);
  },
);

sceneTest(
  "a changed configuration file is in force at once, or ends the program; the API server receives events of it",
  cluster("10.244.1.6@node-a"),
  async ({ lab, plane, folder }) => {
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
          // This kernel does not have that timeout, only the other one.
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
    const said = /nf_conntrack_udp_timeout stays as it is, 359999996400 was asked for: /;
    await until("the log says so", () => said.test(program.log));
    const events = async () =>
      (await eventsIn(plane, "default")).map(({ reason, regarding: { kind, name } }) =>
        `${kind} ${name} ${reason}`
      )
        .sort();
    await until("events have arrived", async () => (await events()).length >= 2);
    assert.deepEqual(await events(), ["Node node-a FailedToSetUpNode", "Node node-a Starting"]);
    const [configz, metrics] = [get("/configz"), get("/metrics")];
    assert.deepEqual(JSON.parse(configz)["kubeproxy.config.k8s.io"].clusterCIDR, "10.244.0.0/16");
    assert.match(
      metrics,
      /^kubeproxy_sync_proxy_rules_no_local_endpoints_total\{traffic_policy="external",ip_family="IPv4"\} 0$/m,
    );
    assert.doesNotMatch(rules(), /ip daddr != 10\.244/);

    write({ nftables: { masqueradeBit: 32 } });
    await until("the mistake is logged", () => /masqueradeBit: 32; Too big/.test(program.log));
    assert.match(rules(), /0x00004000/, "the last configuration stays");
    write({ nftables: { masqueradeBit: 3 } });
    await until("the other bit is used", () => /0x00000008/.test(rules()));
    assert.doesNotMatch(rules(), /0x00004000/);
    write({ nftables: { masqueradeBit: 3 }, hostnameOverride: "node-b" });
    assert.equal((await program.status).code, 3);
    assert.match(program.log, /has changes that need a restart: ending, to be started again/);
    const ledger = [...Deno.readDirSync(`${folder}/ledger`)].map(({ name }) =>
      Deno.readTextFileSync(`${folder}/ledger/${name}`)
    );
    for (const text of [program.log, metrics, configz, ...ledger]) {
      assert.ok(text.length > 0 && !text.includes("test-token"), "no secret is written");
    }
  },
);
