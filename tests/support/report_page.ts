// Makes src/report/page.generated.ts: the script and style of a report's page, bundled into text. A compiled program cannot
// bundle, so the result is committed, and a test makes it again and compares.
//
//   deno task report-page

import { createHash } from "node:crypto";

const ROOT = new URL("../../", import.meta.url);
/** The file that is made. */
export const PAGE_FILE = new URL("src/report/page.generated.ts", ROOT);
/** Text in a script that would end its element. */
const ENDS_SCRIPT = /<\/script|<!--/i;

/** The text of {@link PAGE_FILE}, made now. */
export async function pageSource(): Promise<string> {
  const folder = await Deno.makeTempDir();
  const args = ["bundle", "--quiet", "--minify", "--platform", "browser", "--outdir", folder];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "src/report/page/main.ts"],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr)}`);
  const [script, style] = await Promise.all(
    ["main.js", "main.css"].map(async (name) => (await Deno.readTextFile(`${folder}/${name}`)).trim()),
  ) as [string, string];
  await Deno.remove(folder, { recursive: true });
  if (ENDS_SCRIPT.test(script) || style.includes("</style")) throw new Error("the page would end itself");
  return `// Made by \`deno task report-page\` from src/report/page. Do not edit.

import type { PageAsset } from "./html.ts";

/** Script and style of a report's page. */
export const PAGE: PageAsset = {
  script: ${JSON.stringify(script)},
  scriptHash: ${JSON.stringify(hashOf(script))},
  style: ${JSON.stringify(style)},
  styleHash: ${JSON.stringify(hashOf(style))},
};
`;
}

/** The hash by which a Content-Security-Policy allows a script or style. */
function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.main) await Deno.writeTextFile(PAGE_FILE, await pageSource());
