// Kubernetes' own network tests, and an operator's exercises, on real clusters of three nodes on this machine: with this program,
// installed by its own manifest or chart, and with kube-proxy. Prints all results side by side; the exit code is 1 where something
// fails only with this program. Needs root, Go, and the Debian packages that it names. All programs are built from their Go modules,
// once. A session takes hours and needs no person, and `--resume` goes on with one that was interrupted.
//
//   deno task e2e [--runs N] [--sets conformance,services,...] [--exercises] [--resume]
//                 [--proxy daemonset|ledgerproxy|chart] [--alone] [--together] [--focus EXPRESSION] [--results DIR] [--keep]
//                 [--plan]
//
// `--together` runs the sets at the same time: a run is then as long as its longest set, and the machine is busier.
// With E2E_OLD, a checkout of an earlier release with its bundle, the exercises upgrade from that release.

import { parseArgs } from "node:util";
import { table } from "../bench/table.ts";
import { countedText, countsText, isWorse, onlyOurs } from "./results.ts";
import {
  beginSession,
  countedOf,
  endSession,
  isDone,
  must,
  type Place,
  type Plan,
  runsOf,
  runSteps,
} from "./session.ts";
import { SETS, SKIPPED } from "./sets.ts";
import { folderOf, type Step, stepsOf } from "./steps.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "1" },
    sets: { type: "string", default: "conformance,services,balancers,localhost" },
    proxy: { type: "string", default: "daemonset" },
    alone: { type: "boolean", default: false },
    together: { type: "boolean", default: false },
    exercises: { type: "boolean", default: false },
    focus: { type: "string" },
    results: { type: "string" },
    resume: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    plan: { type: "boolean", default: false },
  },
});

const PACKAGES = ["runc", "debootstrap", "conntrack", "nft", "iptables", "busybox", "openssl", "go"];
const PROXIES = ["daemonset", "ledgerproxy", "chart"];
const DIRECTORY = Deno.env.get("E2E_DIR") ?? `${Deno.env.get("TMPDIR") ?? "/tmp"}/ledgerproxy-e2e`;

/** Says what is wrong with the flags, and ends. */
function wrong(text: string): never {
  console.error(text);
  Deno.exit(2);
}

/** The plan that the flags make, and its place. */
function planned(): { readonly plan: Plan; readonly place: Place } {
  const { focus, proxy } = flags;
  const sets = focus === undefined ? flags.sets.split(",").filter((set) => set !== "") : ["focus"];
  const unknown = sets.filter((set) => focus === undefined && SETS[set] === undefined);
  if (unknown.length > 0) {
    wrong(`--sets ${unknown.join()}: no such set; there are ${Object.keys(SETS).join(", ")}`);
  }
  if (!PROXIES.includes(proxy)) wrong(`--proxy ${proxy}: it must be ${PROXIES.join(" or ")}`);
  const runs = Number(flags.runs);
  if (!Number.isInteger(runs) || runs < 1) wrong(`--runs ${flags.runs}: it must be a number of runs`);
  const plan = {
    commit: commit(),
    kubernetes: Deno.env.get("KUBERNETES") ?? "1.37.2",
    focus: focus ?? "",
    runs,
    sets,
    proxies: flags.alone ? [proxy] : [proxy, "kube-proxy"],
    exercises: flags.exercises,
    upgrades: Deno.env.has("E2E_OLD"),
  };
  const results = flags.results ?? `${DIRECTORY}/results`;
  const all = focus === undefined ? SETS : { focus: { focus, skip: "Disruptive" } };
  return { plan, place: { directory: DIRECTORY, results, sets: all, together: flags.together } };
}

/** The commit that is tested, and whether the checkout has changes. */
function commit(): string {
  const git = (...args: string[]) => {
    const cwd = new URL(".", import.meta.url).pathname;
    const { success, stdout } = new Deno.Command("git", { args, cwd, stderr: "null" }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : "";
  };
  return `${git("rev-parse", "HEAD")}${git("status", "--porcelain") === "" ? "" : " with changes"}`;
}

/** Prints all results, and returns what speaks against ours. */
function print(place: Place, { proxies, runs, sets }: Plan, steps: readonly Step[]): string[] {
  const [ours] = proxies as [string];
  const against: string[] = steps.filter((step) => !isDone(place, step)).map((step) =>
    `no result: ${folderOf(step)}`
  );
  const rows = sets.flatMap((set) => {
    const [first, second] = [ours, "kube-proxy"].map((proxy) => runsOf(place, steps, proxy, set)) as [
      ReturnType<typeof runsOf>,
      ReturnType<typeof runsOf>,
    ];
    for (const { name, ours: [failed, ran], theirs: [, beside] } of onlyOurs(first, second)) {
      against.push(`fails only with ${ours}: ${name} (${failed} of ${ran} runs; kube-proxy 0 of ${beside})`);
    }
    return Array.from(
      { length: runs },
      (_, i) => [set, `${i + 1}`, countsText(first[i]), countsText(second[i])],
    );
  });
  table("Kubernetes' tests on three nodes", [["", "run", ours, "kube-proxy nftables"], ...rows]);
  const counted = (step: Step | undefined) => step === undefined ? undefined : countedOf(place, step);
  const exercised = steps.filter(({ kind, proxy }) => kind === "exercise" && proxy !== "kube-proxy");
  const beside = (step: Step) =>
    counted(
      steps.find(({ kind, proxy, name }) =>
        kind === "exercise" && proxy === "kube-proxy" && name === step.name
      ),
    );
  for (const step of exercised) {
    const mine = counted(step);
    if (mine !== undefined && isWorse(mine, beside(step))) {
      against.push(`connections fail only with ${step.proxy}: ${step.name}, ${countedText(mine)}`);
    }
  }
  if (exercised.length > 0) {
    table("Connections under load", [
      ["", "", "", "kube-proxy nftables"],
      ...exercised.map((
        step,
      ) => [step.proxy, step.name, countedText(counted(step)), countedText(beside(step))]),
    ]);
  }
  for (const step of steps.filter(({ kind }) => kind === "install")) {
    console.log(
      `run ${step.run}, ${step.proxy}: from no proxy to all Services in ${counted(step)?.seconds ?? "-"} s`,
    );
  }
  for (const [expression, reason] of Object.entries(SKIPPED)) {
    console.log(`left out: ${expression}: ${reason}`);
  }
  for (const line of against) console.log(line);
  return against;
}

/** Builds what is missing, and runs the steps that have no result. */
async function runSession(place: Place, plan: Plan, steps: readonly Step[]): Promise<void> {
  const missing = PACKAGES.filter((program) =>
    !new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync().success
  );
  if (missing.length > 0) {
    wrong(
      `missing: ${
        missing.join(", ")
      }; apt-get install runc debootstrap conntrack nftables iptables busybox-static openssl golang`,
    );
  }
  beginSession(place, plan, flags.resume);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void endSession(place, flags.keep).finally(() => Deno.exit(130)));
  }
  await must(place, "cluster/build.sh", []);
  await must(place, "cluster/images.sh", []);
  for (let run = 1; run <= plan.runs; run++) {
    const left = steps.filter((step) => step.run === run && !isDone(place, step));
    if (left.length === 0) continue;
    try {
      await runSteps(place, left, flags.keep);
    } catch (error) {
      // The next run has a cluster of its own; --resume tries this one again.
      console.error(`run ${run}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

const { plan, place } = planned();
const steps = stepsOf(plan);
if (flags.plan) {
  for (const step of steps) console.log(`${isDone(place, step) ? "done" : "left"}  ${folderOf(step)}`);
  Deno.exit(0);
}
await runSession(place, plan, steps);
Deno.exit(print(place, plan, steps).length > 0 ? 1 : 0);
