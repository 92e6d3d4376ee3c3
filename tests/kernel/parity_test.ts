// Netlink, `nft -f` of our text, and the fake kernel must agree about every transaction: whether it is rejected, and
// which ruleset it leaves.

import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { FAMILIES } from "../../src/nft/data_type.ts";
import { type Element, type Ruleset, setPath } from "../../src/nft/ruleset.ts";
import { rulesetText, transactionText } from "../../src/nft/text.ts";
import {
  createTable,
  describeOperation,
  type Operation,
  type Transaction,
} from "../../src/nft/transaction.ts";
import { skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { transactions, world, worldSets, worldStatements } from "../support/arbitrary_transaction.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const OURS = "netlink";
const NFTS = "script";

/** A ruleset as text that does not depend on the order of sets, chains and elements, nor on the table's name. */
function canonical({ tables, elements }: Ruleset): string {
  const byName = <T extends { name: string }>(list: readonly T[]) =>
    [...list].sort((a, b) => a.name < b.name ? -1 : 1);
  const sorted = tables.map((table) => ({
    ...table,
    sets: byName(table.sets),
    chains: byName(table.chains),
  }));
  return rulesetText({ tables: sorted, elements }).replaceAll(` ${NFTS} {`, ` ${OURS} {`);
}

function list(kernel: Kernel, name: string): string {
  return canonical(kernel.list([{ family: "ip", name }, { family: "ip6", name }]));
}

/** What a kernel says to a transaction: "taken", or the error and the operation it names. */
function say(kernel: Kernel, transaction: Transaction): string {
  try {
    kernel.commit(transaction);
    return "taken";
  } catch (error) {
    if (!(error instanceof KernelRejection)) throw error;
    return `${error.code} ${error.operation === null ? "" : describeOperation(error.operation)}`;
  }
}

function saidByNft(text: string): boolean {
  try {
    nft(["-f", "-"], text);
    return true;
  } catch (error) {
    assert.match((error as Error).message, /Error:|No such file|Could not/, "nft must refuse, not crash");
    return false;
  }
}

/**
 * The script for `nft -f`: the whole state before, then the transaction. nft 1.0.6 refuses a dnat through a map that it
 * has read back from the kernel ("conflicting protocols specified: ip vs. th"), so the maps must be in the same file.
 */
function script(transaction: Transaction, held: Ruleset): string {
  const fresh = FAMILIES.map((family) => `add table ${family} ${NFTS}\ndelete table ${family} ${NFTS}\n`)
    .join("");
  const state = rulesetText(held).replaceAll(` ${OURS} {`, ` ${NFTS} {`);
  return fresh + state + transactionText(transaction.map(renamed));
}

const renamed = (operation: Operation): Operation =>
  operation.noun === "element"
    ? { ...operation, set: setPath(operation.set.split(" ")[0] as "ip", NFTS, operation.set.split(" ")[2]!) }
    : { ...operation, table: NFTS };

Deno.test("netlink, nft -f of our text and the fake agree on a random stream of transactions", () => {
  fc.assert(
    fc.property(fc.boolean(), transactions(OURS), (furnished, stream) => {
      using fake = new FakeKernel();
      using real = new NetlinkKernel();
      nft(["flush", "ruleset"]);
      for (const transaction of furnished ? [world(OURS), ...stream] : stream) {
        const before = list(real, OURS);
        const text = script(
          transaction,
          fake.list([{ family: "ip", name: OURS }, { family: "ip6", name: OURS }]),
        );
        const answer = say(real, transaction);
        assert.equal(say(fake, transaction), answer, transactionText(transaction));
        assert.equal(saidByNft(text), answer === "taken", text);
        const after = list(real, OURS);
        if (answer !== "taken") assert.equal(after, before, "a rejected batch leaves no trace");
        assert.equal(list(fake, OURS), after);
        assert.equal(list(real, NFTS), after);
      }
      nft(["list", "ruleset"]);
    }),
    { numRuns: 80, seed: 20261123 },
  );
});

Deno.test("every kind of object is the same through netlink, text and listing", () => {
  nft(["flush", "ruleset"]);
  using kernel = new NetlinkKernel();
  const elements: Record<string, Element> = {
    addresses: { key: "10.0.0.1", comment: "a/b" },
    marks: { key: "0x80000001" },
    pairs: { key: "10.0.0.1 . 10.0.0.2 . sctp . 65535" },
    sources: { key: "10.0.0.1 . tcp . 80 . 10.128.0.0/9", comment: "shop/web:http" },
    verdicts: { key: "10.0.0.1 . udp . 53", value: "goto one", comment: "shop/web:http" },
    leads: { key: "10.0.0.1 . udp . 53", value: "e400:30", comment: "shop/web:http" },
    "drawn-leads": { key: "10.0.0.1 . udp . 53 . 2", value: "none" },
    ways: { key: "0:10", value: "goto one" },
    "other-addresses": { key: "10.0.0.1 . udp . 53", value: "0.1.0.4" },
    ports: { key: "tcp . 30000", value: "jump two" },
    slots: { key: "10.0.0.1 . tcp . 80 . 65535", value: "10.0.0.2 . 8080", comment: "shop/web:http" },
    "other-ports": { key: "tcp . 30000", value: "80" },
    numbers: { key: "10.0.0.1 . tcp . 80 . 3", value: "188.4.226.145", comment: "shop/web:http" },
    numbered: { key: "10.0.0.1 . tcp . 80 . c04e:2910", value: "10.0.0.2 . 8080" },
    "port-slots": { key: "tcp . 30000 . 0", value: "10.0.0.2 . 8080" },
  } as never;
  const operations = (table: string): Operation[] => [
    ...world(table).map((operation) =>
      operation.noun === "table" ? { ...operation, comment: "all of it" } : operation
    ) as Operation[],
    ...worldStatements("ip").map((statements): Operation => ({
      verb: "add",
      noun: "rule",
      family: "ip",
      table,
      chain: "base",
      rule: { statements, comment: "why" },
    })),
    ...worldStatements("ip6").map((statements): Operation => ({
      verb: "add",
      noun: "rule",
      family: "ip6",
      table,
      chain: "base",
      rule: { statements },
    })),
    ...worldSets("ip").filter(({ name }) => name in elements).map((set): Operation => ({
      verb: "add",
      noun: "element",
      set: setPath("ip", table, set.name),
      container: set,
      element: elements[set.name]!,
    })),
  ];
  kernel.commit(operations(OURS));
  nft(["-f", "-"], transactionText(operations(NFTS)));
  assert.equal(list(kernel, NFTS), list(kernel, OURS));
  for (const element of Object.values(elements)) assert.ok(list(kernel, OURS).includes(element.key));
  const text = (name: string) => nft(["list", "table", "ip", name]).replace(/^table .*/, "");
  assert.equal(text(NFTS), text(OURS), "nft prints both alike");
});

for (const countConnections of [false, true]) {
  const name = countConnections ? "with counters the skeleton" : "the skeleton";
  Deno.test(`${name} is listed alike through netlink and through nft -f, and is read back as it was made`, () =>
    skeletonIsListed(countConnections));
}

function skeletonIsListed(countConnections: boolean): void {
  nft(["flush", "ruleset"]);
  using kernel = new NetlinkKernel();
  const tables = skeleton({
    ...DEFAULT_PROXY_CONFIG,
    countConnections,
    detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/56"] },
    nodePortAddresses: ["primary", "192.0.2.0/24", "64.0.0.0/2", "::/0"],
  });
  kernel.commit(tables.flatMap(createTable));
  const names = tables.map(({ family, name }) => ({ family, name }));
  const built = canonical({ tables, elements: new Map() });
  assert.equal(canonical(kernel.list(names)), built);
  const printed = nft(["list", "ruleset"]);
  nft(["flush", "ruleset"]);
  nft(["-f", "-"], rulesetText({ tables, elements: new Map() }));
  assert.equal(nft(["list", "ruleset"]), printed);
  nft(["flush", "ruleset"]);
  nft(["-f", "-"], printed);
  assert.equal(nft(["list", "ruleset"]), printed, "nft reads what it prints");
}
