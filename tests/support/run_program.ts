// Runs a TypeScript program of this repository as a process, and keeps its output.

const ROOT = new URL("../../", import.meta.url);

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in `file` with `permissions` and `args`, in the root of the repository. */
export function runProgram(
  file: string,
  permissions: readonly string[],
  ...args: readonly string[]
): Promise<Ended> {
  return ended(file, permissions, args, {});
}

/** Runs the command line with `args`, and with `env` in its environment. */
export function ledgerproxy(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return ended("src/cli/main.ts", ["--allow-all"], args, env);
}

/** The lines of `--json`, parsed. */
export function jsonLines({ stdout }: Ended) {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}

async function ended(
  file: string,
  permissions: readonly string[],
  args: readonly string[],
  env: Record<string, string>,
): Promise<Ended> {
  const flags = ["--config", "deno.json", "--no-check", "--quiet", ...permissions];
  return await runCommand([Deno.execPath(), "run", ...flags, file, ...args], env);
}

/** Runs `command`, such as that of the image, in the root of the repository, and with `env` in its environment. */
export async function runCommand(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const [program, ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
