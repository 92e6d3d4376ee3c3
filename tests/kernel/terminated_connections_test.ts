// `run --cut-terminated` on a node: a connection to an endpoint that is gone ends, others go on.

import assert from "node:assert/strict";
import { imageCommand } from "../support/bundle.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** The program as a process on the node of a lab. Dispose of it to end it. */
class Node implements AsyncDisposable {
  readonly lab = new Lab();
  readonly folder = Deno.makeTempDirSync();
  readonly #process: Deno.ChildProcess;

  constructor(...flags: readonly string[]) {
    this.serve("10.244.2.5", "10.244.2.6");
    const paths = ["--source", `${this.folder}/source`, "--ledger", `${this.folder}/ledger`];
    const command = imageCommand("run", "--node", "node-a", ...paths, ...flags);
    this.#process = this.lab.inside("node", () =>
      new Deno.Command("sh", {
        args: ["-c", `exec "$@" 2>> "$0"`, this.#log, ...command],
        stdin: "null",
        stdout: "null",
      }).spawn());
  }

  /** Writes shop/web with these endpoints. */
  serve(...endpoints: readonly string[]): void {
    const text = endpoints.map((one) => `${one}@node-b`).join(" ");
    const { objects } = parseScenario(`
service shop/web type=NodePort ips=10.96.0.10 ports=http:80/tcp:30080
slice shop/web-a ports=http:8080/tcp ${text}
`);
    const items = [nodeManifest(), ...objects.map(manifestOf)];
    Deno.mkdirSync(`${this.folder}/source`, { recursive: true });
    Deno.writeTextFileSync(`${this.folder}/next`, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    Deno.renameSync(`${this.folder}/next`, `${this.folder}/source/all.json`);
  }

  get #log(): string {
    return `${this.folder}/log`;
  }

  async logged(text: RegExp): Promise<void> {
    await until(`the log has ${text}`, () => text.test(this.log()));
  }

  log(): string {
    return readOr(this.#log);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
    this.lab[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function readOr(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Connects until one connection has gone to each of two endpoints. */
function toEach(lab: Lab, destination = "10.96.0.10", port = 80): { gone: Connection; stays: Connection } {
  const made: Connection[] = [];
  const of = (server: string) => made.find((one) => one.server === server);
  while (of("10.244.2.5:8080") === undefined || of("10.244.2.6:8080") === undefined) {
    made.push(
      new Connection(lab, { host: "pod-1", source: "10.244.1.5", destination, port, protocol: "tcp" }),
    );
  }
  const [gone, stays] = [of("10.244.2.5:8080")!, of("10.244.2.6:8080")!];
  for (const one of made) if (one !== gone && one !== stays) one[Symbol.dispose]();
  return { gone, stays };
}

Deno.test("with the flag a connection to an endpoint that is gone is reset, and others go on", async () => {
  await using node = new Node("--cut-terminated", "0");
  await node.logged(/operations.*shop\/web/);
  const byCluster = toEach(node.lab);
  const byNodePort = toEach(node.lab, "192.168.0.2", 30080);
  node.serve("10.244.2.6");
  await node.logged(/ended ([2-9]|\d{2,}) connections to endpoints that are gone/);
  for (const { gone, stays } of [byCluster, byNodePort]) {
    assert.equal(stays.works(), true);
    assert.equal(gone.works(), false);
    gone[Symbol.dispose]();
    stays[Symbol.dispose]();
  }
});

Deno.test("without the flag it goes on until its endpoint ends it", async () => {
  await using node = new Node();
  await node.logged(/operations.*shop\/web/);
  const { gone, stays } = toEach(node.lab);
  node.serve("10.244.2.6");
  await node.logged(/operations.*shop\/web[^]*operations.*shop\/web/);
  assert.equal(gone.works() && stays.works(), true);
  assert.doesNotMatch(node.log(), /ended/);
  gone[Symbol.dispose]();
  stays[Symbol.dispose]();
});
