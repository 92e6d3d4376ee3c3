// A session on disk: its steps, the results that are there, and the scripts that make the others.

import { type Outcome, outcomes } from "./junit.ts";
import type { Counted, Runs } from "./results.ts";
import { skipOf, type TestSet } from "./sets.ts";
import { folderOf, type Session, type Step, turnsOf } from "./steps.ts";

const HERE = new URL(".", import.meta.url);

/** Where a session keeps what it has, and what it runs. */
export interface Place {
  /** State of the cluster and logs. */
  readonly directory: string;
  readonly results: string;
  readonly sets: Readonly<Record<string, TestSet>>;
  /** Whether the sets of a turn run at the same time: most of their tests wait. */
  readonly together: boolean;
}

/** What a folder of results is about. Results of another commit or other flags are not mixed with these. */
export interface Plan extends Session {
  readonly commit: string;
  readonly kubernetes: string;
  readonly focus: string;
}

/** The scripts that run now, and whether the session is to end. */
const running = new Set<Deno.ChildProcess>();
let ending = false;

/** Runs a script of this folder; its output goes to ours. Returns its exit code. */
export async function script(
  place: Place,
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  console.error(`${new Date().toISOString().slice(11, 19)} ${path} ${args.join(" ")}`);
  // A session of its own, so that a signal ends all that it has started.
  const child = new Deno.Command("setsid", {
    args: ["bash", new URL(path, HERE).pathname, ...args],
    env: { RESULTS: place.results, E2E_DIR: place.directory, ...env },
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  if (!ending) running.add(child);
  const { code } = await child.status;
  // What ends the session ends the program too: nothing else may begin meanwhile.
  if (ending && running.has(child)) await new Promise<never>(() => {});
  running.delete(child);
  return code;
}

/** Ends the scripts that run now with all their processes, and the cluster unless it is to be kept. */
export async function endSession(place: Place, keep: boolean): Promise<void> {
  ending = true;
  for (const { pid } of running) {
    await new Deno.Command("kill", { args: ["-TERM", "--", `-${pid}`], stderr: "null" }).output();
  }
  if (!keep) await script(place, "cluster/down.sh", []);
}

/** As `script`; throws where the exit code is not 0. */
export async function must(
  place: Place,
  path: string,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const code = await script(place, path, args, env);
  if (code !== 0) {
    throw new Error(`${path} ${args.join(" ")}: exit code ${code}; logs are in ${place.directory}`);
  }
}

/** Begins a session in `place`, or goes on with the one that is there. Throws where that one has another plan. */
export function beginSession({ results }: Place, plan: Plan, resume: boolean): void {
  const file = `${results}/plan.json`;
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  const before = readText(file);
  if (resume) {
    if (before !== text) {
      throw new Error(`--resume: ${file} ${before === undefined ? "is not there" : "has another plan"}`);
    }
    return;
  }
  if (before !== undefined) {
    const kept = `${results}-${Deno.statSync(file).mtime!.toISOString().slice(0, 19).replaceAll(":", "")}`;
    Deno.renameSync(results, kept);
    console.error(`the results of the session before are in ${kept}`);
  }
  Deno.mkdirSync(results, { recursive: true });
  Deno.writeTextFileSync(file, text);
}

/** Whether the result of a step is there. A phase that did not end as it should is run again. */
export function isDone(place: Place, step: Step): boolean {
  if (step.kind === "set") return outcomesOf(place, step) !== undefined;
  return countedOf(place, step)?.completed === true;
}

/** The outcomes of a set; undefined where it has not run to its end. */
export function outcomesOf({ results }: Place, step: Step): ReadonlyMap<string, Outcome> | undefined {
  const folder = `${results}/${folderOf(step)}`;
  const name = filesOf(folder).find((name) => /^junit.*\.xml$/.test(name));
  const found = name === undefined ? undefined : outcomes(Deno.readTextFileSync(`${folder}/${name}`));
  return found === undefined || found.size === 0 ? undefined : found;
}

/** What a phase counted, or how long an installation took. */
export function countedOf(
  { results }: Place,
  step: Step,
): Counted & { readonly seconds?: number } | undefined {
  const text = readText(`${results}/${folderOf(step)}/result.json`);
  return text === undefined ? undefined : JSON.parse(text);
}

/** The outcomes of one set with one proxy, for each run. */
export function runsOf(place: Place, steps: readonly Step[], proxy: string, set: string): Runs {
  return steps.filter((step) => step.kind === "set" && step.proxy === proxy && step.name === set)
    .map((step) => outcomesOf(place, step));
}

/** Runs the steps of one run that are left, on a cluster of its own. A step that fails is reported, and the others go on. */
export async function runSteps(place: Place, steps: readonly Step[], keep: boolean): Promise<void> {
  // An interrupted session leaves its cluster, with whatever the step has made of it.
  await must(place, "cluster/down.sh", []);
  await must(place, "cluster/up.sh", []);
  try {
    for (const turn of turnsOf(steps)) await takeTurn(place, turn);
  } finally {
    if (!keep) await script(place, "cluster/down.sh", []);
  }
}

/** Runs steps that share a proxy. */
async function takeTurn(place: Place, turn: readonly Step[]): Promise<void> {
  const [first] = turn;
  const { proxy, kind, name, run } = first!;
  const addresses = kind === "set" ? place.sets[name]!.nodePortAddresses : undefined;
  const env = addresses === undefined ? {} : { NODE_PORT_ADDRESSES: addresses };
  const install = kind === "install" ? first : undefined;
  const rest = install === undefined ? turn : turn.slice(1);
  if (install === undefined) await must(place, "cluster/proxy.sh", [proxy], env);
  else {
    await must(place, "cluster/proxy.sh", ["none"]);
    await must(place, "cluster/install.sh", [proxy, emptied(place, install)]);
  }
  const phases = rest.filter((step) => step.kind === "exercise");
  const sets = rest.filter((step) => step.kind === "set");
  if (place.together) await Promise.all(sets.map((step) => runSet(place, step)));
  else for (const step of sets) await runSet(place, step);
  if (phases.length === 0) return;
  for (const step of phases) emptied(place, step);
  const PHASES = phases.map((step) => step.name).join(" ");
  await script(place, "operator/exercises.sh", [`${place.results}/run-${run}/${proxy}`], { PHASES });
}

async function runSet(place: Place, step: Step): Promise<void> {
  const set = place.sets[step.name]!;
  const folder = emptied(place, step);
  // The seed is the order of the tests: another one for each run, the same for both proxies.
  await script(place, "cluster/suite.sh", [folder, set.focus, skipOf(set)], { SEED: String(step.run) });
  if (outcomesOf(place, step) === undefined) console.error(`${folder}: no JUnit report; its log says why`);
}

/** The folder of a step's result, without what an interrupted attempt left. */
function emptied({ results }: Place, step: Step): string {
  const folder = `${results}/${folderOf(step)}`;
  if (filesOf(folder).length > 0) Deno.removeSync(folder, { recursive: true });
  Deno.mkdirSync(folder, { recursive: true });
  return folder;
}

function filesOf(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function readText(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
