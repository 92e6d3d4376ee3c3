// Source ranges as rules: the chain of a frontend lets exactly the sources through that its ranges have, whatever their lengths.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { guardChain, guardResource } from "../../src/fold/source_ranges.ts";
import { terrainOf, walkChain } from "../../src/history/packet_walk.ts";
import { contains, parseCidr } from "../../src/kube/address.ts";
import type { Service } from "../../src/kube/objects.ts";
import type { Offset } from "../../src/ledger/record.ts";
import { addressBytes, addressOfBytes } from "../../src/nft/address_bytes.ts";
import { NAME_BYTES_MAX } from "../../src/limits/rules.ts";
import {
  type Address,
  ADDRESS_BITS,
  canonicalAddress,
  FAMILIES,
  type Family,
} from "../../src/nft/data_type.ts";
import { assembled } from "../../src/nft/objects.ts";
import { appears, lines, service, vanishes } from "../support/cluster_notation.ts";

const BALANCER = { ip: canonicalAddress("198.51.100.20"), ip6: canonicalAddress("2001:db8::20") };
const CLUSTER_IP = { ip: "10.96.0.1", ip6: "fd00:96::1" };

function web(
  family: Family,
  ranges: readonly string[],
  name = "web",
  ip: string = BALANCER[family],
): Service {
  const base = service(`shop/${name} ${CLUSTER_IP[family]} http:80/tcp`, undefined, {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ranges,
  });
  return { ...base, status: { loadBalancer: { ingress: [{ ip }] } } };
}

function folded(...services: Service[]): ClusterState {
  const state = emptyState();
  foldRecord(state, 0 as Offset, { kind: "config", time: "", version: "0", nodeName: "node-a" });
  services.forEach((one, i) => foldRecord(state, i + 1 as Offset, appears(one)));
  return state;
}

/** How a packet from `source` to the balancer's address leaves the guard: `through` or `drop`. */
function guarded({ tables, desired }: ClusterState, family: Family, source: Address): string {
  const ruleset = assembled({ tables, elements: desired });
  const table = ruleset.tables.find((one) => one.family === family)!;
  const terrain = terrainOf(ruleset, table, { isLocal: () => false, note: () => {} });
  const destination = BALANCER[family];
  const packet = {
    source,
    sender: source,
    destination,
    original: destination,
    pins: {},
    protocol: "tcp",
    port: 80,
    interface: "eth0",
    mark: 0,
    priority: "none",
    translated: false,
    masqueraded: false,
  } as const;
  return walkChain(terrain, "guard-prerouting", { packet, probability: 1 }).map(({ end }) => end).join();
}

/** `address` with one bit of it turned over. */
function neighbour(address: Address, bit: number): Address {
  const bytes = addressBytes(address);
  bytes[bit >> 3]! ^= 0x80 >> (bit & 7);
  return addressOfBytes(bytes);
}

Deno.test("a source is let through where a range has it, and dropped elsewhere, of any lengths in both families", () => {
  for (const [family, bytes] of [["ip", 4], ["ip6", 16]] as const) {
    const address = fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(addressOfBytes);
    const range = fc.tuple(address, fc.nat(8 * bytes)).map(([address, length]) => `${address}/${length}`);
    const ranges = fc.array(range, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ranges, address, fc.nat(8 * bytes - 1), (ranges, other, bit) => {
        const blocks = ranges.map((text) => parseCidr(text)!).filter((block) => block.family === family);
        const state = folded(web(family, ranges));
        // The addresses of a range, and those beside it: one bit makes the difference.
        const near = blocks.flatMap(({ address }) => [address, neighbour(address, bit)]);
        for (const source of [other, ...near]) {
          const open = blocks.length === 0 || blocks.some((block) => contains(block, source));
          assert.equal(guarded(state, family, source), open ? "through" : "drop", `${ranges} ${source}`);
        }
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("a prefix of one length lets nothing through that has its bits but not its length", () => {
  // 10.0.0.0 is also the beginning of 10.0.0.0/16, which 10.0.1.2 is in.
  const state = folded(web("ip", ["10.0.0.0/24", "192.0.0.0/16"]));
  assert.equal(guarded(state, "ip", canonicalAddress("10.0.0.2")), "through");
  assert.equal(guarded(state, "ip", canonicalAddress("10.0.1.2")), "drop");
});

Deno.test("ranges that have every source are no guard", () => {
  assert.deepEqual(
    lines(folded(web("ip", ["0.0.0.0/0", "10.0.0.0/8"])).desired).filter((line) => line.includes("firewall")),
    [],
  );
});

Deno.test("a frontend leads to the chain of its lengths, which goes with the last Service that has them", () => {
  const chains = (state: ClusterState) =>
    lines(state.desired).filter((line) => /firewall/.test(line)).map((line) => line.slice(3));
  const rule = (mask: string, length: string) =>
    `ip daddr . meta l4proto . th dport . ip saddr${mask} . meta mark & ${length} | ${length} @firewall-sources return`;
  const state = folded(web("ip", ["192.0.2.0/24", "203.0.113.7/32"]));
  const chain = [
    `(chains) firewall/32.24 : ${rule("", "0x00000020")}; ${rule(" & 255.255.255.0", "0x00000018")}; ` +
    'drop comment "not in LoadBalancerSourceRanges"',
  ];
  assert.deepEqual(chains(state), [
    ...chain,
    "firewall-ips 198.51.100.20 . tcp . 80 : goto firewall/32.24",
    "firewall-sources 198.51.100.20 . tcp . 80 . 192.0.2.0 . 0x00000018",
    "firewall-sources 198.51.100.20 . tcp . 80 . 203.0.113.7 . 0x00000020",
  ]);
  const same = web("ip", ["192.0.2.0/24", "203.0.113.7/32"], "other", "198.51.100.21");
  foldRecord(state, 2 as Offset, appears(same));
  foldRecord(state, 3 as Offset, vanishes(web("ip", [])));
  assert.deepEqual(chains(state).filter((line) => line.startsWith("(chains)")), chain);
  foldRecord(state, 4 as Offset, vanishes(same));
  assert.deepEqual(chains(state), []);
});

Deno.test("a tenant makes few chains, whatever lengths its ranges have, with names that the kernel takes", () => {
  for (const family of FAMILIES) {
    const length = fc.integer({ min: 1, max: ADDRESS_BITS[family] });
    const names = new Set(
      fc.sample(fc.uniqueArray(length, { minLength: 1, maxLength: 16 }), 3000).map((lengths) =>
        guardChain(family, lengths.map((length) => `${BALANCER[family]}/${length}`))
      ),
    );
    assert.ok(names.size <= 256 + ADDRESS_BITS[family], `${names.size} chains`);
    for (const name of names) assert.ok(name.length <= NAME_BYTES_MAX, name);
  }
});

Deno.test("a length that is seldom shares a chain with those beside it, unless a Service has no other", () => {
  assert.equal(guardChain("ip", ["10.0.0.0/8", "192.0.2.0/24", "192.0.2.7"]), "firewall/32.24.8");
  assert.equal(guardChain("ip", ["192.0.2.0/28", "198.51.100.0/28"]), "firewall/28");
  assert.equal(guardChain("ip", ["192.0.2.0/28", "10.0.0.0/8"]), "firewall/31.30.29.28.27.26.25.8");
  assert.equal(
    guardChain("ip", ["128.0.0.0/1", "64.0.0.0/2"]),
    guardChain("ip", ["16.0.0.0/6", "192.0.0.0/7"]),
  );
  assert.equal(guardChain("ip6", ["fd00::/56", "fd02::/57"]), guardChain("ip6", ["fd00::/49", "fd01::/63"]));
  assert.equal(guardChain("ip6", ["fd00::/64", "fd00:1::/48", "2001:db8::1"]), "firewall/128.64.48");
  assert.equal(guardChain("ip6", ["fd00::/96", "fd01::/97"]), "firewall/all");
});

Deno.test("ports and Services with the same lengths have one chain, which is made once", () => {
  const made = guardResource("ip6", ["fd00::/96", "fd01::/97"]);
  assert.equal(guardResource("ip6", ["fd00:1::/65", "fd00:2::/70"]), made);
  assert.notEqual(guardResource("ip6", ["fd00::/64"]), made);
});
