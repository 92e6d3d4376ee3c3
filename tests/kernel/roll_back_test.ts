// A roll back: this version meets the ledger and the tables of a later one. The rules stand until the source is read, the later
// ledger is kept as it was, and this version serves with a ledger of its own.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { NewerVersion } from "../support/newer_version.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  inKernel,
  newNodeFolder,
  removeTables,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** Objects that no version of today makes, in the language of nft. */
const UNKNOWN = `
table ip ledgerproxy {
  counter counted { }
  map objects { type inet_service : counter; elements = { 80 : "counted" } }
  set with-times { type ipv4_addr; flags timeout; elements = { 10.9.0.1 timeout 1h } }
  map with-a-default { type ipv4_addr : verdict; elements = { 10.9.0.2 : accept, * : continue } }
  set of-interfaces { type ifname . mark; }
  chain of-a-later-version {
    type route hook output priority -150; policy accept;
    ip daddr vmap @with-a-default
    limit rate 1/second counter log prefix "later "
  }
}`;

function nft(...args: readonly string[]): string {
  const { success, stdout, stderr } = new Deno.Command("nft", { args: [...args] }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Our tables in the language of nft, without what counts or runs down. */
const tables = () =>
  nft("--stateless", "list", "ruleset").replaceAll(/ expires \S+/g, "").replaceAll(/ used \d+ \w+/g, "");

function filesIn(folder: string): Map<string, string> {
  const files = [...Deno.readDirSync(folder)].filter(({ isFile, name }) => isFile && name !== "writer.lock");
  return new Map(files.map(({ name }) => [name, Deno.readTextFileSync(`${folder}/${name}`)] as const).sort());
}

for (const unknown of ["", UNKNOWN]) {
  const what = unknown === "" ? "tables" : "tables, with objects that this version cannot read,";
  Deno.test(`the ${what} and the ledger of a later version stay until the source is read`, async () => {
    const folder = newNodeFolder();
    const ledger = `${folder}/store/ledger`;
    using kernel = new NetlinkKernel();
    removeTables(kernel);
    writeSource(folder, 3);
    using newer = new NewerVersion();
    newer.run("run", "--once", "--node", "node-a", "--source", `${folder}/source`, "--ledger", ledger);
    assert.match(tables(), /set later/);
    if (unknown !== "") {
      Deno.writeTextFileSync(`${folder}/unknown.nft`, unknown);
      nft("-f", `${folder}/unknown.nft`);
    }
    const [rules, files] = [tables(), filesIn(ledger)];
    assert.match(files.values().next().value!, /"version":2/);

    Deno.writeTextFileSync(`${folder}/source/all.json`, "{");
    for (let start = 0; start < 2; start++) {
      Deno.writeTextFileSync(`${folder}/log`, "");
      await using program = new SourceProgram(folder, "store");
      await until("the source is found unreadable", () => /all\.json/.test(program.log));
      assert.ok(tables() === rules, program.log);
      await program.stop();
      assert.ok(tables() === rules, program.log);
    }
    const [aside] = [...Deno.readDirSync(ledger)].filter(({ isDirectory }) => isDirectory);
    assert.match(aside!.name, /^version-2-/);
    assert.deepEqual(filesIn(`${ledger}/${aside!.name}`), files, "the later ledger is as it was");

    writeSource(folder, 2);
    Deno.writeTextFileSync(`${folder}/log`, "");
    await using program = new SourceProgram(folder, "store");
    await until("this version serves", () => /in sync|operations/.test(program.log));
    await until("with two endpoints", served(kernel, 2));
    assert.doesNotMatch(tables(), /later/);
    assert.equal(inKernel(kernel).length > 0, true);
    await program.stop();
    assertWhole(ledger, kernel);
    removeTables(kernel);
    Deno.removeSync(folder, { recursive: true });
  });
}
