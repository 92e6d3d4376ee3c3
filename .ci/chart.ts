// Writes the Helm chart to a folder: `deno task chart DIR` (dist/chart unless given).

import config from "../deno.json" with { type: "json" };
import { chartFiles } from "../src/install/chart.ts";

const [folder = new URL("../dist/chart", import.meta.url).pathname] = Deno.args;
for (const [path, text] of chartFiles(config.version)) {
  const file = `${folder}/${path}`;
  await Deno.mkdir(file.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(file, text);
}
console.log(folder);
