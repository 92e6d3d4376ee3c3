// Writes the kustomize base and components to a folder: `deno task kustomize DIR` (dist/kustomize unless given).

import config from "../deno.json" with { type: "json" };
import { kustomizeFiles } from "../src/install/kustomize.ts";

const [folder = new URL("../dist/kustomize", import.meta.url).pathname] = Deno.args;
for (const [path, text] of kustomizeFiles(config.version)) {
  const file = `${folder}/${path}`;
  await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(file, text);
}
console.log(folder);
