// The plugin of kubectl, with a kubectl in its place that runs the program on a ledger for each node.

import assert from "node:assert/strict";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeCommitted } from "../support/past.ts";
import type { Ended } from "../support/run_program.ts";
import { WEB_BATCHES } from "../support/web_history.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const KUBECTL = `#!/bin/bash
case " $* " in
  *" get pods "*) [ -n "$NO_PODS" ] || printf "$PODS_BEFORE"'pod-a node-a\\npod-b node-b\\npod-c node-c\\n' ;;
  *" exec "*)
    [ "$1 $2 $3" = "exec --namespace kube-system" ] && [ "$5 $6 $7 $8" = "--container ledgerproxy -- ledgerproxy" ] || exit 9
    if [ "$4" = "$UNREACHABLE" ] || [ -n "$NONE_REACHABLE" ]; then
      echo 'error: unable to upgrade connection: pods "'$4'" not found' >&2
      exit 1
    fi
    export LEDGERPROXY_LEDGER=$LEDGERS/$4
    shift 8
    ${Deno.execPath()} run -A --no-check --quiet ${ROOT}src/cli/main.ts "$@"
    code=$?
    [ $code = 0 ] || echo "command terminated with exit code $code" >&2
    exit $code ;;
  *" logs "*) echo "the log of $4" ;;
  *" get pod "*) echo "the pod $5" ;;
esac
`;

/** Three nodes: the last one lacks what happened last. Dispose of it to remove it. */
class Cluster implements Disposable {
  readonly folder = Deno.makeTempDirSync();

  constructor() {
    for (const [pod, batches] of [["pod-a", 5], ["pod-b", 5], ["pod-c", 3]] as const) {
      Deno.mkdirSync(`${this.folder}/${pod}`);
      writeCommitted(folderStorage(`${this.folder}/${pod}`, true), WEB_BATCHES.slice(0, batches));
    }
    Deno.writeTextFileSync(`${this.folder}/kubectl`, KUBECTL, { mode: 0o755 });
  }

  /** Runs the plugin with `args`. */
  ask(...args: string[]): Promise<Ended> {
    return this.askWith({}, ...args);
  }

  /** Runs it with further variables of its environment. */
  async askWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
    const { code, stdout, stderr } = await new Deno.Command(`${ROOT}src/install/kubectl-ledgerproxy`, {
      args,
      cwd: this.folder,
      env: { PATH: `${this.folder}:${Deno.env.get("PATH")}`, LEDGERS: this.folder, NO_COLOR: "1", ...env },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out!, stderr: err! };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const lines = ({ stdout }: Ended) => stdout.trimEnd().split("\n");

Deno.test("one node answers as the program does, and with its exit code; several answer with their names", async () => {
  using cluster = new Cluster();
  const [one, all, json] = await Promise.all([
    cluster.ask("--nodes", "node-c", "services"),
    cluster.ask("services", "--all-nodes"),
    cluster.ask("services", "--nodes", "node-a,node-c", "--json"),
  ]);
  assert.deepEqual([one.code, all.code, json.code], [0, 0, 0], one.stderr + all.stderr);
  assert.match(lines(one)[1]!, /^shop\/web /);
  assert.deepEqual(
    lines(all).filter((line) => line.startsWith("node-c")),
    lines(one).map((line) => `node-c  ${line}`),
  );
  assert.deepEqual(lines(json).map((line) => JSON.parse(line)).map(({ node, schema }) => [node, schema]), [
    ["node-a", "ledgerproxy.services/1"],
    ["node-c", "ledgerproxy.services/1"],
  ]);
  const none = await cluster.ask("--nodes", "node-c", "services", "shop/other");
  assert.equal(none.code, 1);
});

Deno.test("--diff prints what most nodes answer, and how the others differ", async () => {
  using cluster = new Cluster();
  const [differ, same] = await Promise.all([
    cluster.ask("services", "--all-nodes", "--diff"),
    cluster.ask("services", "--nodes", "node-a,node-b", "--diff"),
  ]);
  assert.equal(differ.code, 1, differ.stderr);
  const text = lines(differ);
  assert.equal(text[0], "# 2 of 3 nodes: node-a node-b");
  assert.equal(text.find((line) => line.includes("differs")), "# node-c differs from node-a");
  assert.ok(text.some((line) => /^-shop\/web .* 2\/2 /.test(line)), differ.stdout);
  assert.ok(text.some((line) => /^\+shop\/web .* 0\/1 /.test(line)), differ.stdout);
  assert.equal(same.code, 0);
});

Deno.test("a node that kubectl cannot reach is a failure, not an answer that finds nothing", async () => {
  using cluster = new Cluster();
  const [one, some, none, found] = await Promise.all([
    cluster.askWith({ UNREACHABLE: "pod-b" }, "--nodes", "node-b", "services"),
    cluster.askWith({ UNREACHABLE: "pod-b" }, "--all-nodes", "services"),
    cluster.askWith({ NONE_REACHABLE: "1" }, "--all-nodes", "--diff", "services"),
    cluster.ask("--all-nodes", "services", "shop/other"),
  ]);
  assert.deepEqual([one.code, some.code, none.code, found.code], [3, 3, 3, 1]);
  assert.match(one.stderr, /unable to upgrade connection/);
  assert.match(some.stderr, /^node-b: error: unable to upgrade connection/m);
  assert.ok(lines(some).some((line) => /^node-c {2}shop\/web /.test(line)), "the others answer");
  assert.equal(none.stdout, "", "nodes that do not answer are not the same");
  assert.doesNotMatch(found.stderr, /command terminated/);
});

Deno.test("--diff compares the nodes that answer, names those that do not, and fails", async () => {
  using cluster = new Cluster();
  const { code, stdout, stderr } = await cluster.askWith(
    { UNREACHABLE: "pod-b" },
    ...["--all-nodes", "--diff", "services"],
  );
  assert.equal(code, 3);
  assert.match(stderr, /^# no answer: node-b$/m);
  assert.match(stdout, /^# 1 of 3 nodes: node-a$/m);
  assert.match(stdout, /^# node-c differs from node-a$/m);
});

Deno.test("of two pods on a node, as in an update, the one that stays is asked", async () => {
  using cluster = new Cluster();
  const leaves = "gone-a node-a 2026-11-27T03:00:00Z\\ngone-c node-c 2026-11-27T03:00:00Z\\n";
  const { code, stdout, stderr } = await cluster.askWith(
    { PODS_BEFORE: leaves },
    ...["--all-nodes", "services"],
  );
  assert.equal(code, 0, stderr);
  const heads = stdout.split("\n").filter((line) => line.includes(" SERVICE "));
  assert.deepEqual(heads.map((line) => line.split(" ")[0]).sort(), ["node-a", "node-b", "node-c"]);
});

Deno.test("a choice of nodes is asked for where there are several, and an unknown one is named", async () => {
  using cluster = new Cluster();
  const empty = await cluster.askWith({ NO_PODS: "1" }, "status");
  assert.equal(empty.code, 3);
  assert.match(empty.stderr, /no pod with the labels .* runs in namespace kube-system/);
  const [which, unknown, wrong, nothing, help] = await Promise.all([
    cluster.ask("status"),
    cluster.ask("--nodes", "node-x", "status"),
    cluster.ask("run"),
    cluster.ask(),
    cluster.ask("--help"),
  ]);
  assert.deepEqual([which.code, unknown.code, wrong.code, nothing.code, help.code], [2, 1, 2, 2, 0]);
  assert.match(which.stderr, /which node\?.*node-a node-b node-c/);
  assert.match(unknown.stderr, /no pod on node node-x.*node-a node-b node-c/);
  for (const line of lines(help)) assert.ok(line.length <= 80, line);
});

Deno.test("collect writes one file that only its owner can read, and overwrites none", async () => {
  using cluster = new Cluster();
  const { code, stderr } = await cluster.ask("collect", "-o", "bundle.tgz", "--nodes", "node-b");
  assert.equal(code, 0, stderr);
  const file = `${cluster.folder}/bundle.tgz`;
  assert.equal(Deno.statSync(file).mode! & 0o777, 0o600);
  const { stdout } = await new Deno.Command("tar", {
    args: ["-xzOf", file, "./node-b/services.json", "./node-b/log"],
  })
    .output();
  assert.match(
    new TextDecoder().decode(stdout),
    /^the log of pod-b\n\{"schema":"ledgerproxy\.services\/1","service":"shop\/web"/,
  );
  assert.equal((await cluster.ask("collect", "-o", "bundle.tgz", "--nodes", "node-b")).code, 2);
});
