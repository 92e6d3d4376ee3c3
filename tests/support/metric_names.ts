// The names that a scrape of this program has, and those that a PromQL query uses.

import { idleMetrics } from "./process_gauged.ts";

/** All series names of the program, with the suffixes of histograms; and \`up\`, which Prometheus adds. */
export async function metricNames(): Promise<ReadonlySet<string>> {
  const metrics = idleMetrics();
  metrics.measureLoopDelay()[Symbol.dispose]();
  const names = new Set(["up"]);
  for (const [, name, type] of (await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const suffix of suffixes) names.add(`${name}${suffix}`);
  }
  return names;
}

/** The metrics in a query: identifiers that a brace follows. */
export function metricsOf(query: string): string[] {
  return [...query.matchAll(/([a-zA-Z_:][\w:]*)\s*\{/g)].map(([, name]) => name!);
}

/** Runs promtool on a file with `text`; returns what it complains about. */
export function promtool(text: string, ...args: string[]): string {
  const file = Deno.makeTempFileSync({ suffix: ".yaml" });
  try {
    Deno.writeTextFileSync(file, text);
    const { success, stdout, stderr } = new Deno.Command("promtool", { args: [...args, file] }).outputSync();
    return success ? "" : [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  } finally {
    Deno.removeSync(file);
  }
}
