// The workflow that publishes a release does what `deno task release` prints, with tasks and files that exist.

import assert from "node:assert/strict";
import { parse } from "yaml";
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

interface Workflow {
  readonly on: { readonly push: { readonly tags: readonly string[] } };
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: {
    readonly release: {
      readonly permissions: Readonly<Record<string, string>>;
      readonly steps: readonly { readonly uses?: string; readonly run?: string }[];
    };
  };
}

const workflow: Workflow = parse(read(".github/workflows/release.yaml"));
const { steps, permissions } = workflow.jobs.release;
const commands = steps.flatMap(({ run }) => run === undefined ? [] : [run]);

Deno.test("only a tag of a version publishes, and only that job may write", () => {
  assert.deepEqual(workflow.on, { push: { tags: ["v*"] } });
  assert.deepEqual([workflow.permissions, permissions], [{}, { contents: "write", packages: "write" }]);
  assert.match(commands[0]!, /"\$GITHUB_REF_NAME" = "v\$\(/);
});

Deno.test("a changelog with changes that have no version is not published", async () => {
  const [, line] = commands[0]!.split("\n").filter((one) => /CHANGELOG|GITHUB_REF/.test(one));
  const folder = await Deno.makeTempDir();
  const publishes = async (unreleased: string) => {
    const text = `# Changelog\n\n## [Unreleased]\n\n${unreleased}## [0.6.0]\n\n- One thing.\n`;
    await Deno.writeTextFile(`${folder}/CHANGELOG.md`, text);
    return (await new Deno.Command("sh", { args: ["-c", line!], cwd: folder }).output()).code === 0;
  };
  try {
    assert.deepEqual([await publishes(""), await publishes("### Added\n\n- Another.\n\n")], [true, false]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("all tests run before anything is made, and that before anything is published", () => {
  const at = (part: string) => commands.findIndex((command) => command.includes(part));
  const order = [".ci/run", "deno task release", "skopeo copy", "gh release create"].map(at);
  assert.deepEqual(order, [...order].sort((a, b) => a - b));
  assert.ok(order[0]! >= 0 && order[1]! > order[0]! && order[2]! > order[1]!, order.join(" "));
});

Deno.test("its tasks, scripts and Go version are those of the project", () => {
  const text = commands.join("\n");
  for (const [, task] of text.matchAll(/deno task ([\w:-]+)/g)) assert.ok(task! in config.tasks, task!);
  for (const [, path] of text.matchAll(/bash (\S+)/g)) {
    assert.ok(Deno.statSync(new URL(path!, ROOT)).isFile);
  }
  const [, go] = /FROM golang:([\d.]+)-/.exec(read("Dockerfile"))!;
  assert.ok(read(".github/workflows/release.yaml").includes(`go-version: "${go}"`), go!);
});

Deno.test("it publishes the image and the files that the release names", () => {
  const release = read(".ci/release.ts");
  const text = commands.join("\n");
  for (const part of ["oci-archive:", "ledgerproxy-image.tar", "--notes-file CHANGELOG.md"]) {
    assert.ok(release.includes(part) && text.includes(part), part);
  }
  const folder = /FOLDER = `\$\{ROOT\}([^`]*)`/.exec(release)![1]!;
  assert.ok(text.includes(`${folder}/*`), folder);
});
