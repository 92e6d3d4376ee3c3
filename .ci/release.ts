// Makes everything that a release has, in dist/release: the bundle, the image for both architectures, the SBOM, the Helm
// chart, the kustomize base, and checksums. It publishes nothing: it prints the commands that would.
//
//   deno task release

import { createHash } from "node:crypto";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url).pathname;
const FOLDER = `${ROOT}dist/release`;
const { version } = config;

async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: ROOT }).output();
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

const changed = await run("git", "status", "--porcelain");
if (changed !== "") {
  throw new Error(`the checkout has changes:\n${changed}\ncommit them: a release is made of a commit`);
}
const changelog = await Deno.readTextFile(`${ROOT}CHANGELOG.md`);
if (!changelog.includes(`## [${version}]`)) {
  throw new Error(`CHANGELOG.md has no section [${version}], the version in deno.json`);
}
await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
await Deno.mkdir(FOLDER, { recursive: true });
console.error("the image, its SBOM and the bundle");
await run("deno", "task", "image", "--output", FOLDER);
for (const task of ["chart", "kustomize"]) {
  await run("deno", "task", task, `${FOLDER}/${task}/ledgerproxy`);
  const archive = `${FOLDER}/ledgerproxy-${task}-${version}.tgz`;
  await run("tar", "-C", `${FOLDER}/${task}`, "-czf", archive, "ledgerproxy");
  await Deno.remove(`${FOLDER}/${task}`, { recursive: true });
}
await Deno.copyFile(`${ROOT}dist/ledgerproxy.js`, `${FOLDER}/ledgerproxy.js`);
await Deno.copyFile(`${ROOT}src/install/kubectl-ledgerproxy`, `${FOLDER}/kubectl-ledgerproxy`);
const sums: string[] = [];
for (const { name } of [...Deno.readDirSync(FOLDER)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  const hash = createHash("sha256");
  const file = await Deno.open(`${FOLDER}/${name}`);
  for await (const chunk of file.readable) hash.update(chunk);
  sums.push(`${hash.digest("hex")}  ${name}`);
}
await Deno.writeTextFile(`${FOLDER}/SHA256SUMS`, `${sums.join("\n")}\n`);
console.log(sums.join("\n"));
const unreleased = changelog.split(/^## /m).find((section) => section.startsWith("[Unreleased]")) ?? "";
if (/^- /m.test(unreleased)) {
  console.log(`
Nothing was published, and this is not ${version}: CHANGELOG.md has changes under [Unreleased].
Give them a version there and in deno.json first.`);
  Deno.exit(0);
}
console.log(`
Nothing was published. To publish ${version}:

  git tag -s v${version} -m "ledgerproxy ${version}" && git push origin v${version}
  skopeo copy --all oci-archive:${FOLDER}/ledgerproxy-image.tar docker://REGISTRY/ledgerproxy:${version}
  gh release create v${version} --notes-file CHANGELOG.md ${FOLDER}/*`);
