// Runs a TypeScript program of this repository as a process, and keeps its output.

const ROOT = new URL("../../", import.meta.url);

/** How a program ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in `file` with `permissions` and `args`, in the root of the repository. */
export async function runProgram(
  file: string,
  permissions: readonly string[],
  ...args: readonly string[]
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--config", "deno.json", "--no-check", "--quiet", ...permissions, file, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
