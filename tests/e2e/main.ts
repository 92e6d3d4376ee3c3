// Kubernetes' own network tests on a real cluster of three nodes on this machine: once with this program, installed by its own
// manifest, and once with kube-proxy. Prints both results side by side; the exit code is 1 where a test fails only with this
// program. Needs root, Go, and the Debian packages that it names. All programs are built from their Go modules, once.
//
//   deno task e2e [--sets conformance,services,...] [--proxy daemonset|ledgerproxy] [--alone] [--keep] [--exercises]

import { parseArgs } from "node:util";
import { table } from "../bench/table.ts";
import { compare, type Outcome, outcomes } from "./junit.ts";

const { values: flags } = parseArgs({
  options: {
    sets: { type: "string", default: "conformance,services,balancers" },
    proxy: { type: "string", default: "daemonset" },
    alone: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    exercises: { type: "boolean", default: false },
  },
});

const HERE = new URL(".", import.meta.url);
const PACKAGES = ["runc", "debootstrap", "conntrack", "nft", "iptables", "busybox", "openssl", "go"];
const DIRECTORY = Deno.env.get("E2E_DIR") ?? `${Deno.env.get("TMPDIR") ?? "/tmp"}/ledgerproxy-e2e`;
const SEED = "1";

/** What is left out of every set, each with the reason. */
const SKIPPED: Readonly<Record<string, string>> = {
  "NetworkPolicy": "needs a network plugin with policies",
  "SCTP": "the kernel module may not be there",
  "Internet|IPerf|Networking-IPv6": "needs another network than the cluster's",
  "LocalhostNodePorts": "needs addresses of NodePorts that are not the default",
  "NoSNAT|GCE|Feature:.*(ServiceCIDRs|KubeProxyDaemonSet)": "needs another provider or a feature gate",
};

/** The sets by name: focus, and what else is skipped. Slow tests of load balancers are the most of them, so these are run. */
const SETS: Readonly<Record<string, readonly [string, string]>> = {
  conformance: ["\\[sig-network\\].*\\[Conformance\\]|CLOSE_WAIT", "Serial|Disruptive"],
  services: ["\\[sig-network\\]", "\\[Conformance\\]|CLOSE_WAIT|LoadBalancers|Serial|Disruptive|Slow"],
  balancers: ["\\[sig-network\\] LoadBalancers", "Serial|Disruptive"],
  serial: ["\\[sig-network\\].*Serial", "Disruptive"],
};

/** Runs a script of this folder; its output goes to ours. */
async function script(path: string, ...args: string[]): Promise<number> {
  console.error(`${new Date().toISOString().slice(11, 19)} ${path} ${args.join(" ")}`);
  const { code } = await new Deno.Command("bash", {
    args: [new URL(path, HERE).pathname, ...args],
    env: { RESULTS: `${DIRECTORY}/results`, SEED },
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return code;
}

async function must(path: string, ...args: string[]): Promise<void> {
  const code = await script(path, ...args);
  if (code !== 0) throw new Error(`${path} ${args.join(" ")}: exit code ${code}; logs are in ${DIRECTORY}`);
}

/** Installs `proxy`, the first time with a clock, and runs the sets; the outcomes of each set. */
async function run(
  proxy: string,
  sets: readonly string[],
): Promise<Map<string, ReadonlyMap<string, Outcome>>> {
  await (proxy === "daemonset" ? must("cluster/install.sh") : must("cluster/proxy.sh", proxy));
  const found = new Map<string, ReadonlyMap<string, Outcome>>();
  for (const set of sets) {
    const [focus, skip] = SETS[set]!;
    const label = `${proxy}-${set}`;
    await script("cluster/suite.sh", label, focus, [skip, ...Object.keys(SKIPPED)].join("|"));
    found.set(set, outcomes(await report(`${DIRECTORY}/results/${label}`)));
  }
  if (flags.exercises) await must("operator/exercises.sh");
  return found;
}

/** The JUnit report in a folder of results. */
async function report(folder: string): Promise<string> {
  for await (const { name } of Deno.readDir(folder)) {
    if (/^junit.*\.xml$/.test(name)) return await Deno.readTextFile(`${folder}/${name}`);
  }
  throw new Error(`${folder}: no JUnit report; its log says why`);
}

function print(proxy: string, ours: Map<string, ReadonlyMap<string, Outcome>>, theirs: typeof ours): number {
  const comparisons = [...ours].map(([set, found]) =>
    [set, compare(found, theirs.get(set) ?? new Map())] as const
  );
  const cells = (i: 0 | 1) => (comparison: (typeof comparisons)[number][1]) =>
    `${comparison.passed[i]} pass, ${comparison.failed[i]} fail, ${comparison.skipped[i]} skip`;
  table(`Kubernetes' tests on three nodes, seed ${SEED}`, [
    ["", proxy, "kube-proxy nftables"],
    ...comparisons.map(([set, comparison]) => [set, cells(0)(comparison), cells(1)(comparison)]),
  ]);
  for (const [expression, reason] of Object.entries(SKIPPED)) {
    console.log(`left out: ${expression}: ${reason}`);
  }
  const failures = comparisons.flatMap(([, { onlyFirst }]) => onlyFirst);
  for (const name of failures) console.log(`fails only with ${proxy}: ${name}`);
  return failures.length;
}

const sets = flags.sets.split(",");
const unknown = sets.filter((set) => SETS[set] === undefined);
if (unknown.length > 0) {
  console.error(`--sets ${unknown.join(",")}: no such set; there are ${Object.keys(SETS).join(", ")}`);
  Deno.exit(2);
}
const missing = PACKAGES.filter((program) =>
  !new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync().success
);
if (missing.length > 0) {
  console.error(
    `missing: ${
      missing.join(", ")
    }; apt-get install runc debootstrap conntrack nftables iptables busybox-static openssl golang`,
  );
  Deno.exit(2);
}
await must("cluster/build.sh");
await must("cluster/images.sh");
let failures: number;
try {
  await must("cluster/up.sh");
  const ours = await run(flags.proxy, sets);
  const theirs = flags.alone ? new Map() : await run("kube-proxy", sets);
  failures = print(flags.proxy, ours, theirs);
} finally {
  if (!flags.keep) await script("cluster/down.sh");
}
Deno.exit(failures > 0 ? 1 : 0);
