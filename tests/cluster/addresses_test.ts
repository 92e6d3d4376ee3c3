// Which Service holds an address, with a real API server. When an edit moves an address, both Services get an Event. When the
// Node object is deleted, the rules stay, and only health reports it.

import assert from "node:assert/strict";
import { end } from "../support/cluster/control_plane.ts";
import { eventsIn } from "../support/cluster/events.ts";
import { startLedgerproxy } from "../support/cluster/program.ts";
import { sceneTest } from "../support/cluster/scene.ts";
import { FIRST_ATTEMPT_MILLISECONDS, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, NODE_NAME, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const [HEALTH, METRICS] = ["127.0.0.1:10256", "127.0.0.1:10249"];
const FLAGS = [
  ...["--node", NODE_NAME, "--detect-local-mode", "NodeCIDR"],
  ...["--healthz-bind-address", HEALTH, "--metrics-bind-address", METRICS],
];

const cluster = (taken: string) =>
  parseScenario(`
service shop/old ips=10.96.0.21 ports=:80/tcp external-ips=198.51.100.21${taken}
slice shop/old-a ports=:8443/tcp 10.244.2.6@node-b
service shop/young type=NodePort ips=10.96.0.22 ports=:80/tcp:30080 external-ips=198.51.100.22
slice shop/young-a ports=:8080/tcp 10.244.2.5@node-b`).objects.map(manifestOf);

sceneTest(
  "an address that moves by an edit gives an Event at both Services; a deleted Node changes no rule",
  cluster("").slice(0, 2),
  async ({ lab, plane, api, folder }) => {
    // Those that are made together may be made in any order.
    await api.replace(cluster(""));
    const ask = (destination: string, port = 80) => {
      const probe = { host: "outside", source: "203.0.113.2", destination, port, protocol: "tcp" } as const;
      return send(lab, probe, FIRST_ATTEMPT_MILLISECONDS).split(" ")[0];
    };
    const get = (url: string) => lab.run("node", `curl -s -w ' %{http_code}' http://${url}`);
    const process = startLedgerproxy(
      lab,
      `${folder}/log`,
      ...["run", "--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`, ...FLAGS],
    );
    try {
      await until("the Services are served", () => ask("198.51.100.22") === "10.244.2.5:8080");
      const marker = await api.replace(cluster(",198.51.100.22,10.96.0.22"));
      await until("the older has the external IP", () => ask("198.51.100.22") === "10.244.2.6:8443");
      assert.equal(ask("10.96.0.22"), "10.244.2.5:8080", "a cluster IP stays with its Service");
      const events = async () =>
        (await eventsIn(plane, "shop")).map(({ reason, note, regarding: { name } }) =>
          `${name} ${reason}: ${note}`
        )
          .sort();
      await until("the events have arrived", async () => (await events()).length >= 2);
      const note =
        "AddressMoved: ip 198.51.100.22 . tcp . 80: served shop/young until now, leads to shop/old";
      assert.deepEqual(await events(), [`old ${note} from now on`, `young ${note} from now on`]);
      assert.match(get(`${METRICS}/metrics`), /^ledgerproxy_frontends_moved_total 1$/m);

      const rules = () => lab.run("node", "nft -s list ruleset");
      // The last slice of what was made, so that no commit of it is still to come.
      await until("all is in force", () => rules().includes(`"shop/${marker.name}" : fd00:250::1`));
      const standing = rules();
      await plane.call("DELETE", `/api/v1/nodes/${NODE_NAME}`);
      await until("health says so", () => / 503$/.test(get(`${HEALTH}/healthz`)));
      assert.match(get(`${HEALTH}/livez`), / 200$/);
      assert.equal(rules(), standing);
      assert.equal(ask("192.168.0.2", 30080), "10.244.2.5:8080", "NodePorts are served on");
    } finally {
      await end(process);
    }
  },
);
