// Objects: chains and sets of one Service, as elements and back.

import assert from "node:assert/strict";
import { assembled, chainOf, objectPath, plainElement, separated, setOf } from "../../src/nft/objects.ts";
import { canonicalKey, type Ruleset, setPath } from "../../src/nft/ruleset.ts";
import { rule } from "../../src/nft/statement.ts";

const CHAIN = {
  name: "affinity/web",
  rules: [rule([{ kind: "lookup", key: ["ip saddr"], set: "pins/web" }])],
} as const;
const PINS = { kind: "set", name: "pins/web", key: ["ipv4_addr"], flag: "dynamic" } as const;
const IPS = { kind: "set", name: "cluster-ips", key: ["ipv4_addr"] } as const;
const LISTED: Ruleset = {
  tables: [{ family: "ip", name: "t", sets: [IPS, PINS], chains: [{ name: "services", rules: [] }, CHAIN] }],
  elements: new Map([
    [setPath("ip", "t", "cluster-ips"), new Map()],
    [setPath("ip", "t", "pins/web"), new Map()],
  ]),
};

Deno.test("separated moves the objects of Services from the tables to the elements", () => {
  const { tables: [table], elements } = separated(LISTED);
  assert.deepEqual(table!.sets, [IPS]);
  assert.deepEqual(table!.chains.map(({ name }) => name), ["services"]);
  const chain = elements.get(objectPath("ip", "t", "chain"))!.get(canonicalKey("affinity/web"));
  assert.equal(chain!.value, "ip saddr @pins/web");
  assert.equal(chainOf(chain), CHAIN);
  assert.equal(setOf(chain), undefined);
  const set = elements.get(objectPath("ip", "t", "set"))!.get(canonicalKey("pins/web"));
  assert.equal(set!.value, "type ipv4_addr; flags dynamic,timeout");
  assert.equal(setOf(set), PINS);
  assert.ok(
    !elements.has(setPath("ip", "t", "pins/web")),
    "a set that is an object has no elements of its own",
  );
});

Deno.test("assembled puts the objects back into the tables", () => {
  assert.deepEqual(
    assembled(separated(LISTED)).tables,
    LISTED.tables.map((table) => ({
      ...table,
      sets: [IPS, PINS],
      chains: [{ name: "services", rules: [] }, CHAIN],
    })),
  );
});

Deno.test("a plain element has no definition, and other elements represent no object", () => {
  const element = { key: canonicalKey("k"), value: "drop" };
  assert.equal(chainOf(element), undefined);
  assert.equal(setOf(undefined), undefined);
  assert.deepEqual(plainElement({ ...element, ...{ definition: CHAIN } }), element);
});
