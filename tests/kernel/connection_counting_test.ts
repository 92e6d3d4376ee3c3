// Counted connections, with packets through real rules in both families: by Service, frontend and endpoint, in the metrics and in the
// commands; while endpoints are replaced, Services go, the program starts again, and counting is turned on and off.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { Connection } from "../support/lab/connection.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import { type Probe, REFUSED, send } from "../support/lab/probe.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  type Manifest,
  manifestOf,
  nodeManifest,
  parseScenario,
  probeText,
} from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const PATIENCE_MILLISECONDS = 2000;
const WAIT_MILLISECONDS = 60_000;

/** Connections by outcome. */
interface Counted {
  readonly served: number;
  readonly refused: number;
}

/** A row of `services --kernel --json`. */
interface Row {
  readonly service: string;
  readonly connections?: Counted;
  readonly frontends: readonly { readonly text: string; readonly connections?: Counted }[];
  readonly endpoints: readonly { readonly endpoint: string; readonly connections?: number }[];
}

/** The program on the node of a lab, which follows a folder. Dispose of it to end it. */
class CountingNode implements AsyncDisposable {
  readonly lab = new Lab();
  readonly folder = Deno.makeTempDirSync();
  #program: Deno.ChildProcess | undefined;

  constructor() {
    Deno.mkdirSync(`${this.folder}/source`);
  }

  /** Starts the program with `flags`. */
  start(...flags: readonly string[]): void {
    const command = imageCommand(
      ...["run", "--node", "node-a", "--source", `${this.folder}/source`],
      ...["--ledger", `${this.folder}/ledger`, "--metrics-bind-address", "127.0.0.1:10249"],
      ...["--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", ...flags],
    );
    this.#program = this.lab.inside("node", () =>
      new Deno.Command("sh", {
        args: ["-c", 'exec "$@" >> $0/log 2>&1', this.folder, ...command],
        env: { NO_COLOR: "1" },
        stdin: "null",
      }).spawn());
  }

  /** Ends the program as an update does. */
  async stop(): Promise<void> {
    this.#program?.kill("SIGTERM");
    await this.#program?.status;
    this.#program = undefined;
  }

  /** Puts objects into the folder, and waits until the kernel holds `element` of map `map`, or no more does. */
  async serve(manifests: readonly Manifest[], map: string, element: string, held = true): Promise<void> {
    const items = [nodeManifest(), ...manifests];
    Deno.writeTextFileSync(`${this.folder}/next`, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    Deno.renameSync(`${this.folder}/next`, `${this.folder}/source/cluster.json`);
    await this.holds(map, element, held);
  }

  async holds(map: string, element: string, held = true): Promise<void> {
    await until(
      `${element} in ${map}: ${held}`,
      () => this.nft(`list map ip ledgerproxy ${map}`).includes(element) === held,
      WAIT_MILLISECONDS,
    );
  }

  /** What nft prints on the node; "" where it fails. */
  nft(command: string): string {
    return this.lab.run("node", `nft ${command} 2>/dev/null || true`);
  }

  /** Waits until the ledger has a Service: where the disk is slow, the kernel holds rules before their records are written. */
  async records(service: string): Promise<void> {
    const listing = imageCommand("services", "--ledger", `${this.folder}/ledger`);
    const command = listing.map((word) => `'${word}'`).join(" ");
    const listed = () => this.lab.run("node", `${command} 2>/dev/null || true`).includes(service);
    await until(`${service} in the ledger`, listed, WAIT_MILLISECONDS);
  }

  /** What the program prints for `words` on the node. */
  run(...words: readonly string[]): string {
    const command = imageCommand(...words, "--ledger", `${this.folder}/ledger`);
    return this.lab.run("node", `${command.map((word) => `'${word}'`).join(" ")} 2>>${this.folder}/asked`);
  }

  rows(): Row[] {
    return this.run("services", "--kernel", "--json").trimEnd().split("\n").map((line) => JSON.parse(line));
  }

  /** The values of a metric by its labels, as a scraper on the node reads them. */
  metrics(name: string): Map<string, number> {
    const request = "printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3";
    const text = this.lab.run(
      "node",
      `bash -c "exec 3<>/dev/tcp/127.0.0.1/10249 && ${request} && cat <&3" 2>/dev/null || true`,
    );
    return new Map(
      [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].filter(([, found]) => found === name)
        .map(([, , labels = "", value]) => [labels, Number(value)]),
    );
  }

  /** The connections in the series of a Service; undefined where it has none. */
  series(service: string, outcome = "served"): number | undefined {
    const [namespace, name] = service.split("/");
    return this.metrics("ledgerproxy_service_connections_total")
      .get(`namespace="${namespace}",service="${name}",outcome="${outcome}"`);
  }

  /** Waits until a scrape has so many connections of a Service: readings are some time apart. */
  async counted(service: string, connections: number, outcome = "served"): Promise<void> {
    let last: number | undefined;
    await until("a scrape", () => (last = this.series(service, outcome)) === connections, WAIT_MILLISECONDS)
      .catch(() => assert.fail(`${service} ${outcome}: ${last}, and not ${connections}`));
  }

  /** Makes `count` connections; returns how many each server got. */
  send(count: number, probe: Probe): Map<string, number> {
    const seen = new Map<string, number>();
    for (let i = 0; i < count; i++) {
      const [server = ""] = send(this.lab, probe, PATIENCE_MILLISECONDS).split(" ");
      seen.set(server, (seen.get(server) ?? 0) + 1);
    }
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.lab[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function manifests(text: string): Manifest[] {
  return parseScenario(text).objects.map(manifestOf);
}

function annotated(manifest: Manifest, annotations: Readonly<Record<string, string>>): Manifest {
  return { ...manifest, metadata: { ...manifest.metadata, annotations } } as Manifest;
}

const CLUSTER = `
service shop/one ips=10.96.0.10,fd00:96::10 ports=http:80/tcp
slice shop/one-a ports=http:8080/tcp 10.244.2.5@node-b
slice shop/one-b ports=http:8080/tcp fd00:10:244:2::5@node-b
service shop/two ips=10.96.0.11,fd00:96::11 ports=http:80/tcp
slice shop/two-a ports=http:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/two-b ports=http:8080/tcp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b
service shop/wide type=LoadBalancer ips=10.96.0.12,fd00:96::12 ports=http:80/tcp:30080 external-ips=198.51.100.10,fd00:198::10
slice shop/wide-a ports=http:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b 10.244.2.6@node-b
slice shop/wide-b ports=http:8080/tcp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b fd00:10:244:2::6@node-b
service shop/near type=LoadBalancer ips=10.96.0.13,fd00:96::13 ports=http:80/tcp:30081 external-ips=198.51.100.11,fd00:198::11 external=Local health-check=32000
slice shop/near-a ports=http:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/near-b ports=http:8080/tcp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b
service shop/sticky type=NodePort ips=10.96.0.14,fd00:96::14 ports=http:80/tcp:30082 affinity=60
slice shop/sticky-a ports=http:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/sticky-b ports=http:8080/tcp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b
service shop/client ips=10.96.0.15,fd00:96::15 ports=http:80/tcp
slice shop/client-a ports=http:8080/tcp 10.244.1.6@node-a 10.244.2.5@node-b 10.244.2.6@node-b
slice shop/client-b ports=http:8080/tcp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b fd00:10:244:2::6@node-b
service shop/heavy ips=10.96.0.16,fd00:96::16 ports=http:80/tcp
slice shop/heavy-a ports=http:8080/tcp 10.244.1.6@node-a
slice shop/heavy-b ports=http:8080/tcp fd00:10:244:1::6@node-a
slice shop/heavy-c ports=http:8080/tcp 10.244.2.5@node-b
slice shop/heavy-d ports=http:8080/tcp fd00:10:244:2::5@node-b
service shop/lone type=NodePort ips=10.96.0.17,fd00:96::17 ports=http:80/tcp:30083 external-ips=198.51.100.12,fd00:198::12
slice shop/lone-a ports=http:8080/tcp 10.244.2.6@node-b
slice shop/lone-b ports=http:8080/tcp fd00:10:244:2::6@node-b
service shop/none type=NodePort ips=10.96.0.18,fd00:96::18 ports=http:80/tcp:30084
`;

/** What is sent to each Service: by host and destination. */
const SENT: Readonly<Record<string, readonly string[]>> = {
  "shop/one": ["pod-1 10.96.0.10:80", "node 10.96.0.10:80", "pod-1 [fd00:96::10]:80"],
  "shop/two": [
    "pod-1 10.96.0.11:80",
    "outside 10.96.0.11:80",
    "pod-1 [fd00:96::11]:80",
    "node [fd00:96::11]:80",
  ],
  "shop/wide": [
    ...["pod-1 10.96.0.12:80", "outside 198.51.100.10:80", "outside 192.168.0.2:30080"],
    ...["pod-1 [fd00:96::12]:80", "outside [fd00:198::10]:80", "outside [fd00:192::2]:30080"],
  ],
  "shop/near": [
    ...["pod-1 198.51.100.11:80", "outside 198.51.100.11:80", "outside 192.168.0.2:30081"],
    ...["pod-1 [fd00:198::11]:80", "outside [fd00:198::11]:80", "outside [fd00:192::2]:30081"],
  ],
  "shop/sticky": [
    ...["pod-1 10.96.0.14:80", "outside 192.168.0.2:30082"],
    ...["pod-1 [fd00:96::14]:80", "outside [fd00:192::2]:30082"],
  ],
  "shop/client": ["pod-1 10.96.0.15:80", "outside 10.96.0.15:80", "pod-1 [fd00:96::15]:80"],
  "shop/heavy": ["pod-1 10.96.0.16:80", "pod-1 [fd00:96::16]:80"],
  "shop/lone": [
    ...["outside 198.51.100.12:80", "outside 192.168.0.2:30083", "pod-1 198.51.100.12:80"],
    ...["outside [fd00:198::12]:80", "outside [fd00:192::2]:30083", "pod-1 10.96.0.17:80"],
  ],
  "shop/none": ["pod-1 10.96.0.18:80", "outside 192.168.0.2:30084", "pod-1 [fd00:96::18]:80"],
};
const EACH = 7;

const SOURCES: Readonly<Partial<Record<HostName, readonly [string, string]>>> = {
  "pod-1": ["10.244.1.5", "fd00:10:244:1::5"],
  outside: ["203.0.113.2", "fd00:203::2"],
  node: ["192.168.0.2", "fd00:192::2"],
};

function probe(text: string): Probe {
  const [, host, v6, v4, port] = /^(\S+) (?:\[(\S+)\]|([^:]+)):(\d+)$/.exec(text)!;
  const source = SOURCES[host as HostName]![v6 === undefined ? 0 : 1];
  return {
    ...{ host: host as HostName, source, destination: (v6 ?? v4)! },
    ...{ port: Number(port), protocol: "tcp" },
  };
}

function add(sums: Map<string, number>, name: string, more: number): void {
  sums.set(name, (sums.get(name) ?? 0) + more);
}

Deno.test("connections are counted by Service, frontend and endpoint, in both families", async () => {
  await using node = new CountingNode();
  node.start("--count-connections");
  const objects = manifests(CLUSTER).map((one) =>
    one.metadata.name === "client" && one.kind === "Service"
      ? annotated(one, { "ledgerproxy.io/choice": "client" })
      : one.metadata.name === "heavy-c" || one.metadata.name === "heavy-d"
      ? annotated(one, { "ledgerproxy.io/weight": "3" })
      : one
  );
  await node.serve(objects, "no-endpoint-services", "10.96.0.18");
  await node.records("shop/none");
  const rowsBefore = node.rows();
  assert.deepEqual(
    rowsBefore.map(({ connections }) => connections),
    rowsBefore.map(() => ({ served: 0, refused: 0 })),
  );
  const endpoints = new Map<string, number>();
  const frontends = new Map<string, number>();
  for (const [service, targets] of Object.entries(SENT)) {
    for (const target of targets) {
      const one = probe(target);
      const seen = node.send(EACH, one);
      const frontend = one.port === 80 ? `${target.split(" ")[1]}/tcp` : `:${one.port}/tcp`;
      add(frontends, `${service} ${frontend}`, EACH);
      for (const [server, count] of seen) {
        assert.equal(server === REFUSED, service === "shop/none", `${probeText(one)}: ${server}`);
        if (server !== REFUSED) add(endpoints, `${service} ${server}`, count);
      }
    }
  }
  const rows = node.rows();
  const counted = { endpoints: new Map<string, number>(), frontends: new Map<string, number>() };
  for (const { service, frontends, endpoints } of rows) {
    for (const { text, connections } of frontends) {
      const { served, refused } = connections!;
      if (served + refused > 0) add(counted.frontends, `${service} ${text}`, served + refused);
      assert.equal(served === 0 || service !== "shop/none", true);
    }
    for (const { endpoint, connections } of endpoints) {
      if (connections! > 0) add(counted.endpoints, `${service} ${endpoint}`, connections!);
    }
  }
  const sorted = (sums: ReadonlyMap<string, number>) => [...sums].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual(sorted(counted.endpoints), sorted(endpoints));
  assert.deepEqual(sorted(counted.frontends), sorted(frontends));
  for (const [service, targets] of Object.entries(SENT)) {
    await node.counted(service, EACH * targets.length, service === "shop/none" ? "refused" : "served");
  }
  assert.match(node.run("services", "--kernel"), /^SERVICE .* CONNECTIONS .*\nshop\/client .* 21 /);
  assert.match(
    node.run("services", "shop/none", "--kernel"),
    /10\.96\.0\.18:80\/tcp .* 0 connections, 7 refused/,
  );
  assert.match(node.run("top", "--kernel"), /CONNECTIONS +REFUSED +SERVICE\n42 +0 +shop\/lone\n/);
  const [first, second] = ["10.244.1.6", "10.244.2.5"].map((endpoint) =>
    endpoints.get(`shop/two ${endpoint}:8080`) ?? 0
  );
  const why = node.run("why", "10.244.1.5", "10.96.0.11:80/tcp", "--kernel");
  const of = (count: number) => `${count} connection${count === 1 ? "" : "s"}`;
  assert.ok(why.includes(` : 10.244.1.6 . 8080 }   ${of(first!)}   by @`), why);
  assert.ok(why.includes(` : 10.244.2.5 . 8080 }   ${of(second!)}   by @`), why);
});

const web = (...endpoints: string[]) =>
  manifests(`
service shop/web ips=10.96.0.10,fd00:96::10 ports=http:80/tcp
slice shop/web-a ports=http:8080/tcp ${endpoints.map((one) => `${one}@node-b`).join(" ")}
slice shop/web-b ports=http:8080/tcp fd00:10:244:2::5@node-b
`);
const others = manifests(`
service shop/old ips=10.96.0.20 ports=http:80/tcp
slice shop/old-a ports=http:8080/tcp 10.244.2.5@node-b
`);
const TO_WEB = probe("pod-1 10.96.0.10:80");
const TO_WEB_6 = probe("pod-1 [fd00:96::10]:80");

Deno.test("what a replaced or deleted element had counted stays in the series; no commit and no restart takes a count away", async () => {
  await using node = new CountingNode();
  node.start("--count-connections");
  await node.serve([...web("10.244.2.5"), ...others], "single-endpoints", "10.96.0.20");
  node.send(3, TO_WEB);
  node.send(2, TO_WEB_6);
  node.send(4, probe("pod-1 10.96.0.20:80"));
  // Before any scrape: only the notices of the kernel have what these elements had counted.
  await node.serve(web("10.244.2.6"), "single-endpoints", "10.96.0.20", false);
  await node.holds("single-endpoints", "10.244.2.6");
  await node.counted("shop/web", 5);
  await node.counted("shop/old", 4);
  node.send(1, TO_WEB);
  await node.serve(web("10.244.2.6", "10.244.2.7"), "endpoints", "10.244.2.7");
  node.send(6, TO_WEB);
  await node.counted("shop/web", 12);
  assert.deepEqual([...node.metrics("ledgerproxy_uncounted_elements_total")], [["", 0]]);
  const kernel = () => node.rows().find(({ service }) => service === "shop/web")!.connections;
  const before = kernel();
  assert.deepEqual(before, { served: 8, refused: 0 }, "six to the two endpoints, two of the other family");
  await node.stop();
  node.send(1, TO_WEB_6);
  node.start("--count-connections");
  // The first scrape waits for a reading of what was counted before.
  const begun = () => node.metrics("ledgerproxy_committed_offset").size > 0;
  await until("a scrape", begun, WAIT_MILLISECONDS);
  assert.deepEqual(
    kernel(),
    { served: 9, refused: 0 },
    "the kernel counts while no program runs, and a start takes nothing away",
  );
  node.send(2, TO_WEB_6);
  await node.counted("shop/web", 2);
  assert.deepEqual(kernel(), { served: 11, refused: 0 });
  // Rules in the kernel outlive a ledger that is lost: what they have counted is still that of another process.
  await node.stop();
  Deno.removeSync(`${node.folder}/ledger`, { recursive: true });
  node.start("--count-connections");
  await until("a scrape", begun, WAIT_MILLISECONDS);
  await node.records("shop/web");
  assert.deepEqual(kernel(), { served: 11, refused: 0 });
  node.send(3, TO_WEB_6);
  await node.counted("shop/web", 3);
});

Deno.test("counting is turned on and off by the file, and an open connection goes on; off, the rules are those of a run without it", async () => {
  await using node = new CountingNode();
  const configure = (counts: boolean, masqueradeAll = false) => {
    const documents = [
      {
        apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
        kind: "KubeProxyConfiguration",
        mode: "nftables",
        nftables: { masqueradeAll },
      },
      {
        apiVersion: "ledgerproxy.config/v1alpha1",
        kind: "LedgerProxyConfiguration",
        countConnections: counts,
      },
    ];
    Deno.writeTextFileSync(
      `${node.folder}/next`,
      documents.map((one) => JSON.stringify(one)).join("\n---\n"),
    );
    Deno.renameSync(`${node.folder}/next`, `${node.folder}/config`);
  };
  const isCounting = () => /counter/.test(node.nft("list map ip6 ledgerproxy endpoints"));
  configure(false);
  node.start("--config", `${node.folder}/config`);
  await node.serve(web("10.244.2.5"), "single-endpoints", "10.96.0.10");
  assert.equal(isCounting(), false);
  const rules = () =>
    node.nft("-s list ruleset").replace(/element.*ledger-position.*|comment "\w+@.*|elements = \{ 0x.*/g, "");
  const before = rules();
  using connection = new Connection(node.lab, TO_WEB);
  configure(true);
  await until("counters", isCounting, WAIT_MILLISECONDS);
  assert.equal(connection.works(), true);
  node.send(3, TO_WEB);
  await node.counted("shop/web", 3);
  node.run("verify", "--kernel");
  // Another layout replaces the tables, and the kernel sends no notices of so many changes.
  const lost = () => node.metrics("ledgerproxy_uncounted_elements_total").get("");
  assert.equal(lost(), 0);
  configure(true, true);
  await until("elements are lost", () => lost() === 2, WAIT_MILLISECONDS);
  node.send(2, TO_WEB);
  await node.counted("shop/web", 5);
  // Another program deletes an element: what it had counted is in the notice.
  node.send(4, TO_WEB);
  node.nft("delete element ip ledgerproxy single-endpoints '{ 10.96.0.10 . tcp . 80 }'");
  await node.holds("single-endpoints", "10.96.0.10");
  node.send(1, TO_WEB);
  await node.counted("shop/web", 10);
  assert.equal(lost(), 2);
  // nft saves and restores counts with the elements.
  const saved = `${node.folder}/saved`;
  Deno.writeTextFileSync(saved, `delete table ip ledgerproxy\n${node.nft("list table ip ledgerproxy")}`);
  node.nft(`-f ${saved}`);
  await until("another element is lost", () => lost() === 3, WAIT_MILLISECONDS);
  node.send(2, TO_WEB);
  await node.counted("shop/web", 12);
  configure(false);
  await until("no counters", () => !isCounting(), WAIT_MILLISECONDS);
  assert.equal(connection.works(), true);
  assert.deepEqual([...node.metrics("ledgerproxy_service_connections_total")], []);
  assert.equal(rules(), before);
});
