// A whole session with scripts in place of the cluster's: what is run in which order, what an interruption leaves, and that
// `--resume` runs the rest and nothing twice.

import assert from "node:assert/strict";
import { until } from "../support/until.ts";

const E2E = new URL(".", import.meta.url).pathname;

/** Each script notes its call. The first suite of `services` hangs until it is ended, with a child that outlives it. */
const SCRIPTS: Readonly<Record<string, string>> = {
  "cluster/install.sh": `echo '{"ok":1,"failed":0,"completed":true,"seconds":20.5}' >"$2/result.json"`,
  "cluster/suite.sh": `
    case $1 in *services) if [ ! -e "$E2E_DIR/hung" ]; then sleep 1000 & echo $! >"$E2E_DIR/pid"; mv "$E2E_DIR/pid" "$E2E_DIR/hung"; wait; fi ;; esac
    status=passed
    case $1 in *run-2/daemonset/conformance) status=failed ;; esac
    echo "<testcase name=\\"[It] serves\\" status=\\"$status\\" time=\\"1\\"></testcase>" >"$1/junit_01.xml"`,
  "operator/exercises.sh":
    `for phase in $PHASES; do echo '{"ok":10,"failed":0,"completed":true}' >"$1/$phase/result.json"; done`,
  "cluster/build.sh": "",
  "cluster/images.sh": "",
  "cluster/up.sh": "",
  "cluster/down.sh": "",
  "cluster/proxy.sh": "",
};
const PROGRAMS = ["runc", "debootstrap", "conntrack", "nft", "iptables", "busybox", "openssl", "go"];
const FLAGS = ["--runs", "2", "--sets", "conformance,services,localhost", "--exercises"];

/** A copy of this folder with those scripts; its state is in the folder `state`. */
async function copied(folder: string): Promise<void> {
  for (const path of ["tests/e2e/cluster", "tests/e2e/operator", "tests/bench", "bin", "state"]) {
    await Deno.mkdir(`${folder}/${path}`, { recursive: true });
  }
  for (const { name } of Deno.readDirSync(E2E)) {
    if (name.endsWith(".ts")) await Deno.copyFile(`${E2E}${name}`, `${folder}/tests/e2e/${name}`);
  }
  await Deno.copyFile(`${E2E}../bench/table.ts`, `${folder}/tests/bench/table.ts`);
  for (const [path, text] of Object.entries(SCRIPTS)) {
    const note = `echo "${path} $* ports=\${NODE_PORT_ADDRESSES:-} \${PHASES:-}" >>"$E2E_DIR/calls"`;
    await Deno.writeTextFile(`${folder}/tests/e2e/${path}`, `${note}\n${text}\n`);
  }
  for (const program of PROGRAMS) {
    await Deno.writeTextFile(`${folder}/bin/${program}`, "#!/bin/sh\n", { mode: 0o755 });
  }
}

function start(folder: string, ...flags: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", "--no-config", `${folder}/tests/e2e/main.ts`, ...flags],
    env: { PATH: `${folder}/bin:${Deno.env.get("PATH")}`, E2E_DIR: `${folder}/state`, E2E_OLD: "/old" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

async function ended(process: Deno.ChildProcess): Promise<readonly [code: number, output: string]> {
  const { code, stdout } = await process.output();
  return [code, new TextDecoder().decode(stdout)];
}

const calls = (folder: string) => Deno.readTextFileSync(`${folder}/state/calls`).trimEnd().split("\n");
const isThere = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test("a session that is interrupted ends its cluster, and goes on where it was", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await copied(folder);
    const first = start(folder, ...FLAGS);
    await until("the second suite runs", async () => await isThere(`${folder}/state/hung`));
    first.kill("SIGINT");
    assert.equal((await ended(first))[0], 130);
    assert.match(calls(folder).at(-1)!, /^cluster\/down\.sh/);
    const child = (await Deno.readTextFile(`${folder}/state/hung`)).trim();
    await until("the suite's child has ended", async () => !await isThere(`/proc/${child}`));

    const planned = (await ended(start(folder, ...FLAGS, "--plan")))[1].split("\n");
    assert.deepEqual(planned.slice(0, 3), [
      "done  run-1/daemonset/install",
      "done  run-1/daemonset/conformance",
      "left  run-1/daemonset/services",
    ]);
    const before = calls(folder).length;
    const [code, output] = await ended(start(folder, ...FLAGS, "--resume"));
    const resumed = calls(folder).slice(before);
    const suites = resumed.filter((call) => call.startsWith("cluster/suite.sh"));
    assert.ok(suites[0]!.includes("run-1/daemonset/services"), suites[0]!);
    assert.equal(suites.length, 11, "twelve suites but the one that was done");
    assert.equal(resumed.filter((call) => call.startsWith("cluster/up.sh")).length, 2);
    const localhost = resumed.filter((call) => call.includes("ports=primary,localhost"));
    assert.deepEqual(localhost.map((call) => call.split(" ")[1]), [
      "daemonset",
      "kube-proxy",
      "daemonset",
      "kube-proxy",
    ]);
    const upgrade = resumed.filter((call) =>
      call.startsWith("operator") && call.includes("upgrade upgrade-2")
    );
    assert.equal(upgrade.length, 2, "this program's and kube-proxy's");
    assert.equal(code, 1);
    assert.match(output, /^fails only with daemonset: serves \(1 of 2 runs; kube-proxy 0 of 2\)$/m);
    assert.match(output, /^run 1, chart: from no proxy to all Services in 20\.5 s$/m);

    // Nothing is left: the same results again, and no script but those that make sure of programs and images.
    const after = calls(folder).length;
    assert.deepEqual(await ended(start(folder, ...FLAGS, "--resume")), [1, output]);
    assert.deepEqual(calls(folder).slice(after).map((call) => call.split(" ")[0]), [
      "cluster/build.sh",
      "cluster/images.sh",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("with --together a set does not wait for the one before, and an interruption ends all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await copied(folder);
    const session = start(folder, "--sets", "services,conformance", "--alone", "--together");
    const results = `${folder}/state/results/run-1/daemonset`;
    await until(
      "the second set has its result",
      async () => await isThere(`${results}/conformance/junit_01.xml`),
    );
    await until("the first set runs", async () => await isThere(`${folder}/state/hung`));
    session.kill("SIGINT");
    assert.equal((await ended(session))[0], 130);
    assert.equal(await isThere(`${results}/services/junit_01.xml`), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
