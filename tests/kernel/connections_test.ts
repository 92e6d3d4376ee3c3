// `connections` and `drain` as a user runs them on a node: real connections through real rules, which a ledger explains.

import assert from "node:assert/strict";
import { JSON_SCHEMAS } from "../../src/cli/json_schema.ts";
import { imageCommand } from "../support/bundle.ts";
import { Connection } from "../support/lab/connection.ts";
import { Flow } from "../support/lab/flow.ts";
import { Lab } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";
import { manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

/** A node with the rules of what {@link Node.serve} was given last. */
class Node implements Disposable {
  readonly lab = new Lab();
  readonly folder = Deno.makeTempDirSync();

  constructor() {
    // The lab has short timeouts, so that UDP tests are quick.
    const settings = ["timestamp=1", "udp_timeout=60"].map((one) => `net.netfilter.nf_conntrack_${one}`);
    this.lab.run("node", `sysctl -qw ${settings.join(" ")}`);
  }

  /** Commits the rules of shop/web and shop/dns with these endpoints. */
  serve(...endpoints: readonly string[]): void {
    const { objects } = parseScenario(`
service shop/web type=NodePort ips=10.96.0.10 ports=http:80/tcp:30080
slice shop/web-a ports=http:8080/tcp ${endpoints.join(" ")}
service shop/dns ips=10.96.0.11 ports=dns:53/udp
slice shop/dns-a ports=dns:5353/udp 10.244.1.6@node-a
`);
    const items = [nodeManifest(), ...objects.map(manifestOf)];
    Deno.writeTextFileSync(
      `${this.folder}/cluster.json`,
      JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    );
    this.run(`run --source ${this.folder}/cluster.json --once --node node-a`);
  }

  /** What the program prints on the node. Throws where its exit code is not 0. */
  run(command: string): string {
    return this.lab.run("node", `${this.command(command)} 2>${this.folder}/stderr`);
  }

  /** The shell command of the image that runs the program with the words of `command`, on this node's ledger. */
  command(command: string): string {
    return imageCommand(...command.split(" "), "--ledger", `${this.folder}/ledger`).join(" ");
  }

  rows(command: string): Record<string, unknown>[] {
    return this.run(`${command} --json`).trimEnd().split("\n").map((line) => {
      const { schema, ...row } = JSON.parse(line);
      assert.equal(schema, "ledgerproxy.connections/1");
      JSON_SCHEMAS["connections/1"].parse(row);
      return row;
    });
  }

  [Symbol.dispose](): void {
    this.lab[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const web = (lab: Lab, host: "pod-1" | "outside", source: string, destination = "10.96.0.10", port = 80) =>
  new Connection(lab, { host, source, destination, port, protocol: "tcp" });

Deno.test("connections are listed by Service and endpoint; an endpoint that went keeps its own, with the record", () => {
  using node = new Node();
  node.serve("10.244.2.5@node-b");
  using byCluster = web(node.lab, "pod-1", "10.244.1.5");
  using byNodePort = web(node.lab, "outside", "203.0.113.2", "192.168.0.2", 30080);
  using dns = new Flow(
    node.lab,
    { host: "pod-1", source: "10.244.1.5", destination: "10.96.0.11", port: 53, protocol: "udp" },
    40_000,
  );
  assert.equal(dns.ask(), "10.244.1.6:5353");
  node.serve("10.244.2.6@node-b");
  const rows = node.rows("connections");
  assert.deepEqual(
    rows.map((
      { service, port, endpoint, open, condition, leaving, node },
    ) => [service, port, endpoint, open, condition, leaving, node]),
    [
      ["shop/dns", "dns", "10.244.1.6:5353", 1, "ready", false, "node-a"],
      ["shop/web", "http", "10.244.2.5:8080", 2, "gone", true, "node-b"],
    ],
  );
  assert.match(JSON.stringify(rows[1]?.["left"]), /"what":"EndpointSlice shop\/web-a \(changed\)"/);
  assert.match(String(rows[1]?.["oldest"]), /^\d{4}-\d\d-\d\dT.*Z$/);
  const listed = node.run("connections shop/web --client 203.0.113.0/24 --list").split("\n");
  assert.equal(listed.length, 3, "a head, a connection and the end of the last line");
  assert.match(
    listed[1]!,
    /^203\.0\.113\.2:\d+ +192\.168\.0\.2:30080\/tcp +10\.244\.2\.5:8080 +shop\/web:http +ESTABLISHED .* @\d+$/,
  );
  assert.equal(byCluster.works() && byNodePort.works(), true);
});

Deno.test("a drain prints what is left, and ends when nothing is, or at its timeout", () => {
  using node = new Node();
  node.serve("10.244.2.5@node-b");
  {
    using one = web(node.lab, "pod-1", "10.244.1.5");
    assert.ok(one.works());
    const left = node.lab.run(
      "node",
      `${node.command("drain node-b --timeout 0.1")} 2>/dev/null || echo $?`,
    );
    assert.match(left, / 1 open: shop\/web:http 1\n1\n$/);
  }
  // The connection was reset: it is over.
  assert.match(node.run("drain 10.244.2.5 --timeout 120"), /no open connection is left\n$/);
});

Deno.test("a drain goes on when the ledger has no endpoint on the node any more", async () => {
  using node = new Node();
  node.serve("10.244.2.5@node-b");
  const printed = (name: string) => Deno.readTextFileSync(`${node.folder}/${name}`);
  {
    using one = web(node.lab, "pod-1", "10.244.1.5");
    assert.ok(one.works());
    const drain = `${
      node.command("drain node-b --timeout 120")
    } >drain 2>&1 && echo 0 >code || echo $? >code`;
    node.lab.run("node", `cd ${node.folder}; touch drain code; (${drain}) >/dev/null 2>&1 &`);
    await until("the connection is counted", () => printed("drain").includes("1 open"));
    node.serve("10.244.2.6@node-c");
  }
  await until("the drain ends", () => printed("code") !== "");
  assert.match(printed("drain"), /no open connection is left\n$/);
  assert.equal(printed("code"), "0\n");
});
