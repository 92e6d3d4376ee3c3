// A command of the program as it is shipped, run to its end, and the most memory that its process had.

import { imageCommand, preloaded } from "./bundle.ts";

const AT_END = new URL("wait_at_end.ts", import.meta.url).pathname;

/** Runs the command line with `args` in the image's way. */
export async function shippedCommand(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string; readonly peakKilobytes: number }> {
  const [program, ...rest] = preloaded(imageCommand(...args), AT_END, [AT_END]);
  const process = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", program!, ...rest],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let [output, peakKilobytes] = ["", 0];
  for await (const chunk of process.stdout) {
    output += decoder.decode(chunk, { stream: true });
    if (peakKilobytes > 0 || !output.endsWith("(at its end)\n")) continue;
    const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
    peakKilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]);
    await process.stdin.close();
  }
  return { code: (await process.status).code, output, peakKilobytes };
}
