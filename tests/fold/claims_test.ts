// Which Service holds an address: on every port of it the owner of the cluster IP, then a load balancer, then an external
// IP; within a rank the older Service. Neither the order of events nor edits change that.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ClusterState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import type { KubeObject, Service } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, lines, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

/** Who serves each frontend of a Service, by its comment. */
function holders(state: ClusterState): string[] {
  return lines(state.desired, true).flatMap((line) => {
    const match =
      /^ip6? (?:service-ips|service-nodeports|single-endpoints|single-external-endpoints) (.*) comment "([^"]+)"/
        .exec(line);
    return match === null ? [] : [`${match[1]} ${match[2]!.split(":")[0]}`];
  }).sort();
}

const OLD = "2024-01-01T00:00:00Z";
const YOUNG = "2026-01-01T00:00:00Z";
const spec = (name: string, fields: Partial<Service["spec"]>, born: string, ports = "http:80/tcp") =>
  service(`bug/${name} ${name === "dns" ? "10.96.0.16" : "10.96.0.200"} ${ports}`, born, fields);
const balanced = (one: Service, ...ips: string[]): Service => ({
  ...one,
  status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
});
const SLICES: KubeObject[] = [
  slice("bug/dns-a http:8080/tcp other:8080/tcp 10.244.0.1"),
  slice("bug/evil-a http:8080/tcp other:8080/tcp 10.244.9.9"),
];
const both = (...objects: KubeObject[]) => {
  const one = folded(...[...objects, ...SLICES].map(appears));
  const other = folded(...[...objects, ...SLICES].reverse().map(appears));
  assert.deepEqual(
    lines(one.desired, true),
    lines(other.desired, true),
    "the order of events decides nothing",
  );
  return one;
};

Deno.test("a cluster IP stays with its Service, also if an older one has it as an external or load balancer address", () => {
  const dns = spec("dns", {}, YOUNG);
  for (
    const evil of [
      spec("evil", { externalIPs: ["10.96.0.16"] }, OLD),
      balanced(spec("evil", {}, OLD), "10.96.0.16"),
    ]
  ) {
    const state = both(dns, evil);
    assert.deepEqual(holders(state), ["10.96.0.16 . tcp . 80 bug/dns", "10.96.0.200 . tcp . 80 bug/evil"]);
    assert.deepEqual([...state.contested], ["ip frontend 10.96.0.16 . tcp . 80"]);
  }
});

Deno.test("no other Service serves another port of a cluster IP until the owner is deleted", () => {
  const dns = spec("dns", {}, YOUNG);
  const evil = spec("evil", { externalIPs: ["10.96.0.16"] }, OLD, "other:443/tcp");
  const state = both(dns, evil);
  const apart = ["10.96.0.16 . tcp . 80 bug/dns", "10.96.0.200 . tcp . 443 bug/evil"];
  assert.deepEqual(holders(state), apart);
  foldRecord(state, 20 as Offset, vanishes(dns));
  assert.deepEqual(holders(state), ["10.96.0.16 . tcp . 443 bug/evil", "10.96.0.200 . tcp . 443 bug/evil"]);
  foldRecord(state, 21 as Offset, appears(dns));
  assert.deepEqual(holders(state), apart);
  assert.deepEqual([...state.contested], ["ip frontend 10.96.0.16 . tcp . 443"]);
  foldRecord(state, 22 as Offset, vanishes(evil));
  assert.deepEqual([[...state.contested], state.claims.has("ip frontend 10.96.0.16 . tcp . 443")], [
    [],
    false,
  ]);
});

Deno.test("an address in a status ranks before an external IP, and age decides within a rank", () => {
  const listed = { externalIPs: ["203.0.113.80"] };
  const holder = (...objects: Service[]) =>
    holders(both(...objects)).find((line) => line.startsWith("203.0.113.80"))?.split(" ").at(-1);
  assert.equal(
    holder(balanced(spec("dns", {}, YOUNG), "203.0.113.80"), spec("evil", listed, OLD)),
    "bug/dns",
  );
  assert.equal(holder(spec("dns", listed, YOUNG), spec("evil", listed, OLD)), "bug/evil");
  const balancers = [spec("dns", {}, OLD), spec("evil", {}, YOUNG)].map((one) =>
    balanced(one, "203.0.113.80")
  );
  assert.equal(holder(...balancers), "bug/dns");
  assert.equal(
    holder(balanced(spec("dns", listed, YOUNG), "203.0.113.80"), spec("evil", listed, OLD)),
    "bug/dns",
    "an address that is both is the balancer's",
  );
});

Deno.test("a Service without creationTimestamp is younger than one with it", () => {
  const { creationTimestamp: _, ...metadata } = spec("dns", { externalIPs: ["203.0.113.80"] }, "").metadata;
  const undated = { ...spec("dns", { externalIPs: ["203.0.113.80"] }, ""), metadata };
  const state = both(undated, spec("evil", { externalIPs: ["203.0.113.80"] }, YOUNG));
  assert.ok(holders(state).includes("203.0.113.80 . tcp . 80 bug/evil"));
});

Deno.test("an edit moves an address within a Service from one rank to another", () => {
  const listed = spec("dns", { externalIPs: ["10.96.0.17"] }, OLD);
  const state = folded(appears(listed), ...SLICES.map(appears));
  const moved = service("bug/dns 10.96.0.17 http:80/tcp", OLD, { externalIPs: ["10.96.0.16"] });
  foldRecord(state, 9 as Offset, appears(moved));
  assert.deepEqual(
    lines(state.desired, true),
    lines(folded(...[moved, ...SLICES].map(appears)).desired, true),
  );
});

Deno.test("a Service that waits to be removed keeps its address until then, also where another one is made before it", () => {
  const external = { externalIPs: ["198.51.100.1"] };
  const [first, second] = [spec("dns", external, OLD), spec("evil", external, YOUNG)];
  const config: LedgerRecord = {
    ...{ kind: "config", time: YOUNG, version: "0", nodeName: "node-a" },
    bounds: { most: 100, large: 100, step: 1, burst: { small: 0, most: 0 } },
  };
  const step: LedgerRecord = {
    ...{ kind: "commit", time: YOUNG, from: 0, through: 0, digest: "", outcome: "committed", advances: true },
    ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
  };
  const steps = (count: number) => Array.from({ length: count }, () => step);
  const records = [config, appears(first), appears(second), ...SLICES.map(appears), ...steps(8)];
  const moved = slice("bug/evil-a http:8080/tcp other:8080/tcp 10.244.9.8");
  const waiting = [...records, appears(moved), vanishes(first)];
  const at = (...more: LedgerRecord[]) =>
    holders(folded(...waiting, ...more)).filter((line) => line.startsWith("198.51.100.1"));
  const held = ["198.51.100.1 . tcp . 80 bug/dns"];
  assert.deepEqual(at().filter((line) => line.includes("bug/")), held);
  assert.deepEqual(at(step), held, "the younger Service is made, and the older one still waits");
  assert.deepEqual(at(...steps(4)), ["198.51.100.1 . tcp . 80 bug/evil"]);
});

Deno.test("flows of a UDP frontend are stale when it goes to another Service", () => {
  const young = balanced(service("bug/young 10.96.0.1 dns:53/udp", YOUNG), "203.0.113.53");
  const old = service("bug/old 10.96.0.2 dns:53/udp", OLD, { externalIPs: ["203.0.113.53"] });
  const slices = [
    slice("bug/young-a dns:53/udp 10.244.0.1"),
    slice("bug/old-a dns:53/udp 10.244.0.2"),
  ];
  const state = folded(...[young, old, ...slices].map(appears));
  const { staleFlows } = foldRecord(
    state,
    9 as Offset,
    appears({ ...young, status: {}, spec: { ...young.spec, externalIPs: ["203.0.113.53"] } }),
  );
  const stale = [...staleFlows.values()].map(({ address, serving }) => [address, serving]);
  assert.deepEqual(stale, [["203.0.113.53", ["10.244.0.2 . 53"]]]);
});

Deno.test("special addresses and the node's link-local ones are left out with a remark", () => {
  const node: KubeObject = {
    kind: "Node",
    metadata: { name: "node-a" },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "169.254.7.7" }] },
  };
  const config = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
  const web = balanced(
    service("bug/web 10.96.0.1,fd00:96::1 http:80/tcp", OLD, {
      externalIPs: [
        "127.0.0.53",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "::1",
        "ff02::fb",
        "169.254.1.1",
      ],
    }),
    ...["127.0.0.1", "169.254.7.7", "169.254.8.8", "fe80::1", "::", "::ffff:127.0.0.1", "203.0.113.80"],
  );
  const served = (...records: LedgerRecord[]) =>
    lines(folded(config, ...records).desired).filter((line) => line.includes(" cluster-ips ") === false)
      .filter((line) => line.includes(" nodeport-ips ") === false).map((line) => line.split(" ")[2]);
  assert.deepEqual(served(appears(node), appears(web)), [
    "10.96.0.1",
    "169.254.8.8",
    "203.0.113.80",
    "fd00:96::1",
  ]);
  assert.ok(
    served(appears(web), appears({ ...node, status: {} })).includes("169.254.7.7"),
    "not this node's",
  );
  assert.deepEqual(served(appears(web), appears(node)), served(appears(node), appears(web)));
});

Deno.test("a port that the owner of a cluster IP gives up is not another Service's", () => {
  const evil = spec("evil", { externalIPs: ["10.96.0.16"] }, OLD);
  const rival = spec("rival", { externalIPs: ["10.96.0.16"] }, OLD);
  const state = both(spec("dns", {}, YOUNG, "http:80/tcp other:81/tcp"), evil, rival);
  foldRecord(
    state,
    (state.folded + 1) as Offset,
    appears(spec("dns", {}, YOUNG, "other:81/tcp")),
    noChanges(),
  );
  assert.equal(state.claims.get("ip frontend 10.96.0.16 . tcp . 80")![0], "bug/dns");
  foldRecord(state, (state.folded + 1) as Offset, vanishes(rival), noChanges());
  assert.equal(state.claims.get("ip frontend 10.96.0.16 . tcp . 80")![0], "bug/dns");
  assert.deepEqual(holders(state).filter((line) => line.startsWith("10.96.0.16 . tcp . 80 ")), []);
});

Deno.test("however many Services claim a frontend, one that changes or goes is placed by a few looks at the others", () => {
  /** Looks at programs for a change of one of `count` Services that claim the same address. */
  const looks = (count: number) => {
    const rivals = Array.from(
      { length: count },
      (_, i) =>
        service(`bug/s${i} 10.97.${i >> 8}.${i & 255} http:80/tcp`, YOUNG, { externalIPs: ["203.0.113.80"] }),
    );
    const state = folded(...rivals.map(appears));
    const get = state.programs.get.bind(state.programs);
    let looks = 0;
    state.programs.get = (name) => (looks++, get(name));
    const changed = {
      ...rivals[7]!,
      spec: { ...rivals[7]!.spec, externalIPs: ["203.0.113.80", "203.0.113.81"] },
    };
    foldRecord(state, (state.folded + 1) as Offset, appears(changed), noChanges());
    assert.equal(state.claims.get("ip frontend 203.0.113.80 . tcp . 80")!.length, count);
    foldRecord(state, (state.folded + 1) as Offset, vanishes(rivals[9]!), noChanges());
    assert.equal(state.claims.get("ip frontend 203.0.113.80 . tcp . 80")!.length, count - 1);
    return looks;
  };
  const [few, many] = [looks(50), looks(400)];
  assert.ok(many < 2 * few, `${few} looks among 50, ${many} among 400`);
});

Deno.test("claims and titles follow from the present objects, however they came", () => {
  const address = fc.constantFrom("10.96.0.1", "10.96.0.2", "203.0.113.80");
  const change = fc.record({
    name: fc.integer({ min: 1, max: 5 }),
    gone: fc.boolean(),
    born: fc.constantFrom(OLD, YOUNG),
    ports: fc.constantFrom("a:80/tcp", "a:80/tcp b:81/tcp", "b:81/tcp"),
    external: fc.uniqueArray(address, { maxLength: 3 }),
    balanced: fc.uniqueArray(address, { maxLength: 2 }),
  });
  const objectOf = (
    { name, born, ports, external, balanced: ips }: typeof change extends fc.Arbitrary<infer T> ? T : never,
  ) => balanced(service(`bug/s${name} 10.96.0.${name} ${ports}`, born, { externalIPs: external }), ...ips);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
      const present = new Map<number, Service>();
      const state = folded();
      for (const one of changes) {
        const known = present.get(one.name);
        const object = objectOf(one);
        if (one.gone && known === undefined) continue;
        if (one.gone) present.delete(one.name);
        else present.set(one.name, object);
        foldRecord(
          state,
          (state.folded + 1) as Offset,
          one.gone ? vanishes(object) : appears(object),
          noChanges(),
        );
      }
      const fresh = folded(...[...present.values()].map(appears));
      for (const part of ["claims", "titles"] as const) {
        assert.deepEqual([...state[part]].sort(), [...fresh[part]].sort(), part);
      }
      assert.deepEqual([...state.contested].sort(), [...fresh.contested].sort());
      assert.deepEqual(lines(state.desired, true), lines(fresh.desired, true));
    }),
    { numRuns: 300 },
  );
});
