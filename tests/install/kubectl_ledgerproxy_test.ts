// The plugin of kubectl, with a kubectl in its place that runs the program on a ledger for each node.

import assert from "node:assert/strict";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeCommitted } from "../support/past.ts";
import type { Ended } from "../support/run_program.ts";
import { WEB_BATCHES } from "../support/web_history.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

const KUBECTL = `#!/bin/bash
case " $* " in
  *" get pods "*)
    # name|node|image|phase|running since|waits why|deleted since
    [ -n "$NO_PODS" ] || {
      printf "$PODS_BEFORE"
      for one in a b c; do
        image=ledgerproxy:2; [ "$OLDER" != pod-$one ] || image=ledgerproxy:1
        echo "pod-$one|node-$one|$image|Running|2026-11-27T03:00:00Z||"
      done
    } |
      case " $* " in
        # Before 0.7.0 the plugin asked for the pods that run.
        *" --field-selector "*) awk -F '|' '$4 == "Running" { print $1, $2, $7 }' ;;
        *) cat ;;
      esac ;;
  *" exec "*)
    [ "$1 $2 $3" = "exec --namespace kube-system" ] && [ "$5 $6 $7 $8" = "--container ledgerproxy -- ledgerproxy" ] || exit 9
    if [ "$4" = "$UNREACHABLE" ] || [ -n "$NONE_REACHABLE" ]; then
      echo 'error: unable to upgrade connection: pods "'$4'" not found' >&2
      exit 1
    fi
    if [ "$4" = "$HANGS" ]; then exec tail -f /dev/null; fi
    if [ "$4" = "$OLDER" ]; then
      echo "error: unknown command 'services'" >&2
      echo "command terminated with exit code 2" >&2
      exit 2
    fi
    if [ -n "$PLAIN" ]; then echo "\${4/pod/answer}"; exec touch "$LEDGERS/answered-$4"; fi
    export LEDGERPROXY_LEDGER=$LEDGERS/$4
    shift 8
    # kubectl is one process.
    case " $* " in *" -f "*) exec ${Deno.execPath()} run -A --no-check --quiet ${ROOT}src/cli/main.ts "$@" ;; esac
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
  async askWith(
    env: Readonly<Record<string, string>>,
    ...args: readonly (string | AbortSignal)[]
  ): Promise<Ended> {
    const { code, stdout, stderr } = await this.#command(env, args).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out!, stderr: err! };
  }

  /** Starts the plugin with `args`. */
  start(...args: string[]): Deno.ChildProcess {
    return this.#command({}, args, "null").spawn();
  }

  #command(
    env: Readonly<Record<string, string>>,
    args: readonly (string | AbortSignal)[],
    stderr: "piped" | "null" = "piped",
  ): Deno.Command {
    const signal = args.find((arg) => arg instanceof AbortSignal);
    return new Deno.Command(`${ROOT}src/install/kubectl-ledgerproxy`, {
      args: args.filter((arg) => typeof arg === "string"),
      cwd: this.folder,
      env: { PATH: `${this.folder}:${Deno.env.get("PATH")}`, LEDGERS: this.folder, NO_COLOR: "1", ...env },
      ...(signal === undefined ? {} : { signal }),
      stdout: "piped",
      stderr,
    });
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
  const since = "2026-11-27T03:00:00Z";
  const leaves = ["a", "c"].map((one) =>
    `gone-${one}|node-${one}|ledgerproxy:1|Running|${since}||${since}\\n`
  ).join("");
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

/** Stands for sleep(1): the time of the plugin passes once the other two nodes have answered. */
const SLEEP = `#!/bin/bash
until [ -e "$LEDGERS/answered-pod-a" ] && [ -e "$LEDGERS/answered-pod-c" ]; do /bin/sleep 0.01; done
`;

Deno.test("a node that does not answer in time is named and ended, and the others' answers come", async () => {
  using cluster = new Cluster();
  Deno.writeTextFileSync(`${cluster.folder}/sleep`, SLEEP, { mode: 0o755 });
  const asked = new AbortController();
  const deadline = setTimeout(() => asked.abort(), 180_000);
  const env = { HANGS: "pod-b", PLAIN: "1" };
  const { code, stdout, stderr } = await cluster.askWith(env, asked.signal, "--all-nodes", "status");
  clearTimeout(deadline);
  assert.equal(code, 3, `the plugin waits for ever\n${stderr}`);
  assert.equal(stdout, "node-a  answer-a\nnode-c  answer-c\n");
  assert.match(stderr, /^node-b: no answer within 60 s$/m);
});

Deno.test("a node whose container does not run is named with its reason; the others answer, and the code is 3", async () => {
  using cluster = new Cluster();
  const away =
    "pod-x|node-x|ledgerproxy:2|Running||CrashLoopBackOff|\\npod-y|node-y|ledgerproxy:2|Pending||ImagePullBackOff|\\n";
  const env = { PLAIN: "1", PODS_BEFORE: away };
  const [all, alone, same] = await Promise.all([
    cluster.askWith(env, "--all-nodes", "status"),
    cluster.askWith(env, "--nodes", "node-y", "status"),
    cluster.askWith(env, "--nodes", "node-a,node-x", "--diff", "status"),
  ]);
  assert.deepEqual([all.code, alone.code, same.code], [3, 3, 3]);
  assert.equal(all.stdout, "node-a  answer-a\nnode-b  answer-b\nnode-c  answer-c\n");
  assert.match(all.stderr, /^node-x: no answer: its pod pod-x is Running \(CrashLoopBackOff\)$/m);
  assert.match(alone.stderr, /^node-y: no answer: its pod pod-y is Pending \(ImagePullBackOff\)$/m);
  assert.match(same.stderr, /^# no answer: node-x$/m);
});

Deno.test("where a node's program is too old for a question, the images are named", async () => {
  using cluster = new Cluster();
  const { code, stdout, stderr } = await cluster.askWith(
    { OLDER: "pod-b", PLAIN: "1" },
    ...["--all-nodes", "services"],
  );
  assert.equal(code, 2);
  assert.equal(stdout, "node-a  answer-a\nnode-c  answer-c\n");
  assert.match(stderr, /^node-b: error: unknown command 'services'$/m);
  assert.match(stderr, /^# ledgerproxy:1: node-b$/m);
  assert.match(stderr, /^# ledgerproxy:2: node-a node-c$/m);
});

Deno.test("what is followed on several nodes comes with their names while it is written", async () => {
  using cluster = new Cluster();
  const followed = cluster.start("--all-nodes", "log", "-f", "-n", "1");
  const heads = new Set<string>();
  const deadline = setTimeout(() => followed.kill("SIGKILL"), 180_000);
  let text = "";
  for await (const piece of followed.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (const line of text.split("\n").slice(0, -1)) heads.add(line.slice(0, 8));
    if (heads.size === 3) break;
  }
  followed.kill("SIGTERM");
  await followed.status;
  clearTimeout(deadline);
  assert.deepEqual([...heads].sort(), ["node-a  ", "node-b  ", "node-c  "]);
  const { code, stderr } = await cluster.ask("--all-nodes", "--diff", "log", "-f");
  assert.deepEqual([code, /--diff/.test(stderr)], [2, true]);
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
