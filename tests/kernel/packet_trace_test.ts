// `why --live` as a user runs it on a node: a real packet through real rules, ours and another program's.

import assert from "node:assert/strict";
import { JSON_SCHEMAS } from "../../src/cli/json_schema.ts";
import { imageCommand } from "../support/bundle.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** A node that serves shop/web by two endpoints of another node, and refuses shop/idle. */
class Node implements Disposable {
  readonly lab = new Lab();
  readonly folder = Deno.makeTempDirSync();

  constructor() {
    const { objects } = parseScenario(`
service shop/web type=NodePort ips=10.96.0.10 ports=http:80/tcp:30080
slice shop/web-a ports=http:8080/tcp 10.244.2.5@node-b 10.244.2.6@node-b
service shop/idle ips=10.96.0.11 ports=http:80/tcp
`);
    const items = [nodeManifest(), ...objects.map(manifestOf)];
    const source = `${this.folder}/cluster.json`;
    Deno.writeTextFileSync(source, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
    this.shell(`${this.command(`run --source ${source} --once --node node-a`)} 2>/dev/null`);
  }

  /** The shell command of the image that runs the program with the words of `command`, on this node's ledger. */
  command(command: string): string {
    return imageCommand(...command.split(" "), "--ledger", `${this.folder}/ledger`).join(" ");
  }

  shell(command: string): string {
    return this.lab.run("node", command);
  }

  /** What `why --live` prints about the packet that `send` sends, and its exit code. */
  async live(packet: string, send: () => void): Promise<{ code: number; text: string; path: Path }> {
    const [out, log, code] = ["out", "log", "code"].map((name) => `${this.folder}/${name}`);
    this.shell(`rm -f ${code}; : >${log}`);
    const asked = this.command(`why ${packet} --live --json --timeout 20`);
    this.shell(
      `(${asked} >${out} 2>${log} && echo 0 >${code}.new || echo $? >${code}.new; mv ${code}.new ${code}) >/dev/null 2>&1 &`,
    );
    await until("it waits", () => Deno.readTextFileSync(log!).includes("waiting 20 s"));
    send();
    await until("it ends", () => isFile(code!));
    const { schema, ...path } = JSON.parse(Deno.readTextFileSync(out!));
    assert.equal(schema, "ledgerproxy.why-live/1");
    return {
      code: Number(Deno.readTextFileSync(code!)),
      text: Deno.readTextFileSync(out!),
      path: JSON_SCHEMAS["why-live/1"].parse(path),
    };
  }

  tables(): string {
    return this.shell("nft list tables");
  }

  [Symbol.dispose](): void {
    this.lab[Symbol.dispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

type Path = ReturnType<(typeof JSON_SCHEMAS)["why-live/1"]["parse"]>;

const isFile = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

Deno.test("a connection of a pod: its endpoint, with the cause, as the ledger says", async () => {
  using node = new Node();
  const before = node.tables();
  let server = "";
  const { code, path } = await node.live("10.244.1.5 shop/web:http", () => {
    using one = new Connection(node.lab, {
      host: "pod-1",
      source: "10.244.1.5",
      destination: "10.96.0.10",
      port: 80,
      protocol: "tcp",
    });
    server = one.server;
  });
  assert.equal(code, 0);
  assert.equal(path.agrees, true);
  assert.equal(`${path.outcome.destination}:${path.outcome.port}`, server);
  assert.equal(path.outcome.masqueraded, false);
  const found = path.steps.flatMap(({ found }) => found);
  const chosen = found.filter(({ value }) => value?.startsWith("10.244.2."));
  assert.deepEqual(chosen.map(({ value }) => value), [server.replace(":", " . ")]);
  assert.match(chosen[0]?.cause?.what ?? "", / shop\/web/);
  assert.equal(node.tables(), before, "its table is gone");
});

Deno.test("a NodePort from outside is masqueraded, and a port without endpoints refused", async () => {
  using node = new Node();
  const outside = { host: "outside", source: "203.0.113.2", protocol: "tcp" } as const;
  const nodePort = await node.live("203.0.113.2 192.168.0.2:30080/tcp", () => {
    using _one = new Connection(node.lab, { ...outside, destination: "192.168.0.2", port: 30080 });
  });
  assert.equal(nodePort.code, 0, nodePort.text);
  assert.equal(nodePort.path.outcome.masqueraded, true);
  const idle = await node.live("203.0.113.2 10.96.0.11:80/tcp", () => {
    assert.throws(() => new Connection(node.lab, { ...outside, destination: "10.96.0.11", port: 80 }));
  });
  assert.equal(idle.path.outcome.kind, "tcp-reset");
  assert.equal(idle.code, 0, idle.text);
});

Deno.test("another program's drop is named, and differs from what the ledger says", async () => {
  using node = new Node();
  node.shell(
    `nft 'table inet firewall { chain forward { type filter hook forward priority 0; tcp dport 8080 drop; }; }'`,
  );
  const { code, path } = await node.live("10.244.1.5 10.96.0.10:80/tcp", () => {
    assert.throws(() =>
      new Connection(node.lab, {
        host: "pod-1",
        source: "10.244.1.5",
        destination: "10.96.0.10",
        port: 80,
        protocol: "tcp",
      })
    );
  });
  assert.equal(code, 1);
  assert.equal(path.agrees, false);
  assert.equal(path.outcome.kind, "drop");
  const last = path.steps.at(-1)!;
  assert.deepEqual([last.table, last.chain, last.verdict], ["inet firewall", "forward", "drop"]);
});

Deno.test("a rule that another program changed in our table is named as such", async () => {
  using node = new Node();
  const first = node.shell(
    "nft -a list chain ip ledgerproxy nat-prerouting || nft list table ip ledgerproxy",
  );
  node.shell("nft insert rule ip ledgerproxy nat-prerouting tcp dport 80 dnat to 10.244.2.7:8080");
  const { code, path } = await node.live("10.244.1.5 10.96.0.10:80/tcp", () => {
    using one = new Connection(node.lab, {
      host: "pod-1",
      source: "10.244.1.5",
      destination: "10.96.0.10",
      port: 80,
      protocol: "tcp",
    });
    assert.equal(one.server, "10.244.2.7:8080", first);
  });
  assert.equal(code, 1);
  assert.deepEqual(path.steps.filter(({ expected }) => !expected).map(({ chain }) => chain), [
    "nat-prerouting",
  ]);
});

Deno.test("no packet comes: exit code 1, the packet is named, and nothing is left", () => {
  using node = new Node();
  const before = node.tables();
  const text = node.shell(
    `${node.command("why 10.244.1.5 10.96.0.10:80 --live --timeout 0.2")} 2>&1 || echo $?`,
  );
  assert.match(text, /no connection from 10\.244\.1\.5 to 10\.96\.0\.10:80\/tcp began\n1\n$/);
  assert.equal(node.tables(), before);
});
