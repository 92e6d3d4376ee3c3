// Removes each check of foreign input, one after the other, in a copy of the tree, and shows that the simulation fails then.
//
//   deno task sabotage [SEEDS] [WORDS]     SEEDS at most for each; only checks that contain WORDS

import { type Sabotage, sabotaged, SABOTAGES } from "./sabotages.ts";

const ROOT = new URL("../../", import.meta.url);
const PARTS = ["src", "tests", "deno.json", "deno.lock", "mod.ts"];
const [seeds = "400", words = ""] = Deno.args;

const copy = await Deno.makeTempDir();
try {
  await run("cp", ["-r", ...PARTS.map((part) => new URL(part, ROOT).pathname), copy]);
  const unharmed = await simulate("20");
  if (unharmed !== undefined) throw new Error(`the simulation fails with all checks in place: ${unharmed}`);
  let unnoticed = 0;
  for (const sabotage of SABOTAGES.filter(({ check }) => check.includes(words))) {
    const begun = Date.now();
    const failure = await without(sabotage);
    const seconds = `${Math.round((Date.now() - begun) / 1000)} s`.padStart(6);
    if (failure === undefined) unnoticed++;
    console.log(`${failure === undefined ? "UNNOTICED" : "noticed  "} ${seconds}  ${sabotage.check}`);
    console.log(`                   ${failure ?? `${seeds} seeds passed`}`);
  }
  console.log(`${unnoticed} unnoticed`);
  Deno.exitCode = unnoticed === 0 ? 0 : 1;
} finally {
  await Deno.remove(copy, { recursive: true });
}

/** Why the simulation fails without the check; undefined where it does not fail. */
async function without(sabotage: Sabotage): Promise<string | undefined> {
  const path = `${copy}/${sabotage.file}`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, sabotaged(text, sabotage));
  try {
    return await simulate(seeds);
  } finally {
    await Deno.writeTextFile(path, text);
  }
}

async function simulate(count: string): Promise<string | undefined> {
  const args = ["test", "--allow-env", "--no-check", "--quiet", "tests/simulation/simulation_test.ts"];
  const env = { SEEDS: count, NO_COLOR: "1" };
  const { success, output } = await run(Deno.execPath(), args, env);
  return success ? undefined : /seed \d+: .*/.exec(output)?.[0].slice(0, 160) ?? output.slice(-300);
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ success: boolean; output: string }> {
  const options = {
    args: [...args],
    env,
    cwd: copy,
    stdout: "piped" as const,
    stderr: "piped" as const,
  } satisfies Deno.CommandOptions;
  const { success, stdout, stderr } = await new Deno.Command(command, options).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
