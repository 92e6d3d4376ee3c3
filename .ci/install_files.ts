// Writes files for an installation to a folder: the Helm chart, or the kustomize base and components.
//
//   deno task chart [DIR]         dist/chart unless given
//   deno task kustomize [DIR]     dist/kustomize unless given

import config from "../deno.json" with { type: "json" };
import { chartFiles } from "../src/install/chart.ts";
import { kustomizeFiles } from "../src/install/kustomize.ts";

const [kind, ...args] = Deno.args;
const flag = args.find((arg) => arg.startsWith("-"));
if (flag !== undefined || args.length > 1) {
  const isHelp = flag === "--help" || flag === "-h";
  const usage = `usage: deno task ${kind} [DIR]    writes to dist/${kind} unless given`;
  if (isHelp) console.log(usage);
  else console.error(usage);
  Deno.exit(isHelp ? 0 : 2);
}
const [folder = new URL(`../dist/${kind}`, import.meta.url).pathname] = args;
const files = kind === "chart" ? chartFiles : kustomizeFiles;
for (const [path, text] of files(config.version)) {
  const file = `${folder}/${path}`;
  await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(file, text);
}
console.log(folder);
