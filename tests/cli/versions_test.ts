// The ledgers of all released versions are read, verified, replayed and continued. Rules that another version made differently
// are reported as that, not as damage.

import assert from "node:assert/strict";
import { openForWriting } from "../../src/node/start.ts";
import { ledgerproxy } from "../support/run_program.ts";

const ROOT = new URL("../../", import.meta.url);
const LEDGERS = new URL("fixtures/ledgers/", ROOT).pathname;
const VERSIONS = [...Deno.readDirSync(LEDGERS)].map(({ name }) => name).filter((name) => /^\d/.test(name))
  .sort();

async function call(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await ledgerproxy(args);
  return { code, output: stdout + stderr };
}

Deno.test("there is a ledger of each version that was released", () => {
  const changes = Deno.readTextFileSync(new URL("CHANGELOG.md", ROOT));
  const released = [...changes.matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(([, version]) => version!);
  const { version } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const missing = released.filter((release) => !VERSIONS.includes(release) && release !== version);
  assert.deepEqual(missing, [], "add the ledger of that version: see fixtures/ledgers/README.md");
  assert.deepEqual(VERSIONS.slice(0, 6), ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0"]);
});

/** The elements of `shop/web` at the end of a ledger, as its commits recorded them. */
async function recordedElements(ledger: string): Promise<string[]> {
  const { output } = await call("log", "--ledger", ledger, "--json", "--limit", "99");
  const elements = new Map<string, string>();
  for (const line of output.trim().split("\n").reverse()) {
    for (const { verb, set, key, value, comment } of JSON.parse(line).record.changes ?? []) {
      if (verb === "delete") elements.delete(`${set} ${key}`);
      else if (comment?.split(":")[0] === "shop/web") elements.set(`${set} ${key}`, value);
    }
  }
  return [...elements].map(([place, value]) => `${place} ${value}`).sort();
}

for (const version of VERSIONS) {
  Deno.test(`blame has the elements that ${version} recorded, and why and show say what it did not record`, async () => {
    const ledger = `${LEDGERS}${version}`;
    const blamed = await call("blame", "shop/web", "--ledger", ledger, "--json");
    assert.equal(blamed.code, 0, blamed.output);
    const found = blamed.output.trim().split("\n").map((line) => JSON.parse(line))
      .map(({ set, key, value }) => `${set} ${key} ${value}`).sort();
    assert.deepEqual(found, await recordedElements(ledger));
    const shown = await call("show", "HEAD", "--ledger", ledger);
    const traced = await call("why", "10.244.9.9", "10.96.0.10:80/tcp", "--ledger", ledger);
    assert.deepEqual([shown.code, traced.code], [1, 3], shown.output + traced.output);
    assert.match(
      shown.output,
      /another version of the program \(up to 0\.6\.0\) made the rules of @\d+; its chains are/,
    );
    assert.match(traced.output, /where its rules led cannot be said\. `services` .* `blame` .* `log` /);
  });

  Deno.test(`the ledger of ${version} is whole, and each of its commits the same or of another version`, async () => {
    const verified = await call("verify", `${LEDGERS}${version}`);
    assert.equal(verified.code, 0, verified.output);
    assert.match(verified.output, /: whole$/m);
    const replayed = await call("replay", `${LEDGERS}${version}`);
    assert.equal(replayed.code, 0, replayed.output);
    assert.match(replayed.output, /\d+ records, \d+ commits: each as it was/);
  });

  Deno.test(`the ledger of ${version} is continued`, async () => {
    const folder = await Deno.makeTempDir();
    for (const { name } of Deno.readDirSync(`${LEDGERS}${version}`)) {
      Deno.copyFileSync(`${LEDGERS}${version}/${name}`, `${folder}/${name}`);
    }
    const { engine, ledger, renewed } = openForWriting(folder, "never");
    const { next } = ledger;
    ledger[Symbol.dispose]();
    assert.deepEqual([...engine.cluster.services.keys()].sort(), ["shop/local", "shop/sticky", "shop/web"]);
    assert.ok(engine.cluster.committed !== undefined && next > 0 && !renewed);
    assert.ok([...Deno.readDirSync(folder)].every(({ isFile }) => isFile), "nothing was set aside");
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("commits that another version made differently are counted", async () => {
  const { output } = await call("replay", `${LEDGERS}0.5.0`);
  assert.match(output, /but for 5 that another version of the program made/);
  const verified = await call("verify", `${LEDGERS}0.4.0`);
  assert.match(verified.output, /note: \d+\.snapshot\.zst: another version of the program made it/);
});
