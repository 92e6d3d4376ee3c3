// Writes files for an installation to a folder: the Helm chart, or the kustomize base and components.
//
//   deno task chart [DIR]         dist/chart unless given
//   deno task kustomize [DIR]     dist/kustomize unless given

import config from "../deno.json" with { type: "json" };
import { chartFiles } from "../src/install/chart.ts";
import { kustomizeFiles } from "../src/install/kustomize.ts";

const [kind, folder = new URL(`../dist/${kind}`, import.meta.url).pathname] = Deno.args;
const files = kind === "chart" ? chartFiles : kustomizeFiles;
for (const [path, text] of files(config.version)) {
  const file = `${folder}/${path}`;
  await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(file, text);
}
console.log(folder);
