// A ledger of each version that was released: read, verified, replayed and gone on with. What another version made otherwise
// is said to be that, not damage.

import assert from "node:assert/strict";
import { openForWriting } from "../../src/node/start.ts";

const ROOT = new URL("../../", import.meta.url);
const LEDGERS = new URL("fixtures/ledgers/", ROOT).pathname;
const VERSIONS = [...Deno.readDirSync(LEDGERS)].map(({ name }) => name).filter((name) => /^\d/.test(name))
  .sort();

async function call(...args: readonly string[]): Promise<{ code: number; told: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "src/cli/main.ts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return { code, told: text.decode(stdout) + text.decode(stderr) };
}

Deno.test("there is a ledger of each version that was released", () => {
  const changes = Deno.readTextFileSync(new URL("CHANGELOG.md", ROOT));
  const released = [...changes.matchAll(/^## \[?(\d+\.\d+\.\d+)/gm)].map(([, version]) => version!);
  const { version } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const missing = released.filter((release) => !VERSIONS.includes(release) && release !== version);
  assert.deepEqual(missing, [], "make one before it is too late: see fixtures/ledgers/README.md");
  assert.deepEqual(VERSIONS.slice(0, 6), ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0"]);
});

for (const version of VERSIONS) {
  Deno.test(`the ledger of ${version} is whole, and each of its commits as it was or another version's`, async () => {
    const verified = await call("verify", `${LEDGERS}${version}`);
    assert.equal(verified.code, 0, verified.told);
    assert.match(verified.told, /: whole$/m);
    const replayed = await call("replay", `${LEDGERS}${version}`);
    assert.equal(replayed.code, 0, replayed.told);
    assert.match(replayed.told, /\d+ records, \d+ commits: each as it was/);
  });

  Deno.test(`the ledger of ${version} is gone on with`, async () => {
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

Deno.test("where another version made other rules of the same records, that is said", async () => {
  const { told } = await call("replay", `${LEDGERS}0.5.0`);
  assert.match(told, /but for 5 that another version of the program made/);
  const verified = await call("verify", `${LEDGERS}0.4.0`);
  assert.match(verified.told, /note: \d+\.snapshot\.zst: another version of the program made it/);
});
