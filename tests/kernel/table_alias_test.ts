// Several instances in one kernel: each sees its own table under the name that rules and ledger have, and no other's.

import assert from "node:assert/strict";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { kernelTable, POSITION_SET, skeleton, TABLE } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { UnreadableRuleset } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { elementKey, setPath } from "../../src/nft/ruleset.ts";
import { createTable, type Operation } from "../../src/nft/transaction.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const TABLES = skeleton(DEFAULT_PROXY_CONFIG);
const IPS = TABLES[0]!.sets.find(({ name }) => name === "cluster-ips")!;
const PATH = setPath("ip", TABLE, "cluster-ips");
const address = (verb: "add" | "delete", text: string): Operation => ({
  verb,
  noun: "element",
  set: PATH,
  container: IPS,
  element: { key: elementKey([text]) },
});

function instance(name: string | undefined, ...addresses: string[]): NetlinkKernel {
  const kernel = new NetlinkKernel({ model: TABLE, kernel: kernelTable(name) });
  kernel.commit([...TABLES.flatMap(createTable), ...addresses.map((text) => address("add", text))]);
  return kernel;
}

Deno.test("instances with and without a name have tables of their own, and each lists its own", () => {
  nft(["flush", "ruleset"]);
  using plain = instance(undefined, "10.96.0.1");
  using blue = instance("blue", "10.96.0.2");
  using green = instance("Trial.green_1", "10.96.0.3");
  const listed = [plain, blue, green].map((kernel) => kernel.list(OUR_TABLES));
  assert.deepEqual(
    listed.map(({ elements }) => [...elements.get(PATH)!.keys()].join()),
    ["10.96.0.1", "10.96.0.2", "10.96.0.3"],
  );
  for (const { tables, elements } of listed) {
    assert.deepEqual(tables.map(({ name }) => name), [TABLE, TABLE]);
    assert.deepEqual(tables.map(({ chains }) => chains.length), TABLES.map(({ chains }) => chains.length));
    assert.ok([...elements.keys()].every((path) => path.split(" ")[1] === TABLE));
  }
  const names = (kernel: NetlinkKernel) => kernel.tables().map(({ family, name }) => `${family} ${name}`);
  assert.deepEqual(names(blue).filter((name) => name.startsWith("ip ")).sort(), [
    "ip ledgerproxy",
    "ip ledgerproxy/Trial.green_1",
  ]);
  assert.equal(blue.chains({ family: "ip", name: TABLE }).length, TABLES[0]!.chains.length);
  assert.equal(
    blue.elements({ family: "ip", name: TABLE }, TABLES[0]!.sets.find(({ name }) => name === POSITION_SET)!)
      .size,
    0,
  );
  blue.commit(TABLES.map(({ family }) => ({ verb: "delete", noun: "table", family, table: TABLE })));
  assert.deepEqual(blue.list(OUR_TABLES).tables, [], "the tables of others are not its own");
  assert.match(nft(["list", "ruleset"]), /ledgerproxy \{(.|\n)*ledgerproxy\/Trial\.green_1 \{/);
  // Without its own table, that of the instance without a name is still not taken for it.
  assert.ok(!names(blue).includes("ip ledgerproxy"));
});

Deno.test("a rejection and an unreadable table are about the instance's own objects", () => {
  nft(["flush", "ruleset"]);
  using blue = instance("blue", "10.96.0.2");
  const wrong = address("delete", "10.96.0.9");
  assert.throws(
    () => blue.commit([wrong]),
    (error) => error instanceof KernelRejection && error.operation === wrong && error.code === "ENOENT",
  );
  nft(["add", "chain", "ip", "ledgerproxy/blue", "strange", "'{ type route hook output priority 0; }'"]);
  assert.throws(
    () => blue.list(OUR_TABLES),
    (error) =>
      error instanceof UnreadableRuleset && error.tables.every(({ name }) => name === TABLE) &&
      error.message.includes("table ip ledgerproxy/blue"),
  );
});
