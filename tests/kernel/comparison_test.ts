// The comparison in pieces on the real kernel: what was committed counts as equal, and what nft changes is found.

import assert from "node:assert/strict";
import { deviations } from "../../src/engine/comparison.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { elementsInPlace, OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { newRunningProxy, wake, wakeAt } from "../../src/engine/running_proxy.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { separated } from "../../src/nft/objects.ts";
import { diff } from "../../src/plan/delta.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { largeService, smallServices } from "../support/large_service.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const SERVICES = 1000;
const decoded = (objects: readonly object[]) =>
  objects.map(decodeObject).flatMap((one): KubeObject[] => one.ok ? [one.object] : []);

function compared(
  process: EngineProcess,
  kernel: NetlinkKernel,
  between: (piece: number) => void = () => {},
): { equal: boolean; pieces: number } {
  let [pieces, equal] = [0, true];
  for (const deviation of deviations(process.engine, kernel)) {
    equal &&= deviation === undefined;
    between(pieces++);
  }
  return { equal, pieces };
}

/** A Service with so many source ranges. */
function ranged(count: number): KubeObject {
  const { metadata, ...rest } = service("shop/ranged 10.96.200.1 http:80/tcp", undefined, {
    type: "LoadBalancer",
    loadBalancerSourceRanges: Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`),
  });
  return { metadata, ...rest, status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } } } as KubeObject;
}

const small = (endpoints: number) => decoded(smallServices(SERVICES, endpoints));
const RANGES = 500;

function started(kernel: NetlinkKernel): EngineProcess {
  const process = new EngineProcess(kernel, memoryStorage());
  const pinned = decoded(largeService("shop/pinned", 1, 2, 20, true));
  process.list(...small(2), ...pinned, ranged(RANGES), slice("shop/ranged-a http:80/tcp 10.244.250.1"));
  return process;
}

/** How many elements of the kernel's are not what was committed. */
function differing({ engine }: EngineProcess, kernel: NetlinkKernel): number {
  return diff(elementsInPlace(engine.tables), separated(kernel.list(OUR_TABLES)).elements).length;
}

Deno.test("what was committed counts as equal, what nft changes does not, and what it puts back does again", () => {
  using kernel = new NetlinkKernel();
  using process = started(kernel);
  const { equal, pieces } = compared(process, kernel);
  assert.ok(equal);
  assert.ok(pieces > 10, `${pieces} pieces`);
  nft(["-f", "-"], `add element ip ledgerproxy cluster-ips { 203.0.113.9 comment "x" }`);
  assert.equal(compared(process, kernel).equal, false, "an element too many");
  nft(["-f", "-"], "delete element ip ledgerproxy cluster-ips { 203.0.113.9 }");
  assert.ok(compared(process, kernel).equal);
  nft(["-f", "-"], "flush map ip ledgerproxy endpoints");
  assert.equal(compared(process, kernel).equal, false);
  nft(["-f", "-"], "delete table ip6 ledgerproxy");
  assert.equal(compared(process, kernel).equal, false);
});

Deno.test("what is committed between the pieces, also to the set that is being listed, counts as equal", () => {
  using kernel = new NetlinkKernel();
  using process = started(kernel);
  const slices = [3, 1, 4].map((count) => small(count).filter(({ kind }) => kind === "EndpointSlice"));
  const { equal } = compared(process, kernel, (piece) => {
    const changed = slices[piece % slices.length]!.filter((_, i) => i % 7 === piece % 7);
    process.commit([...changed, ranged(RANGES - piece)].map(appears));
  });
  assert.ok(equal);
  nft(["-f", "-"], "delete table ip ledgerproxy; delete table ip6 ledgerproxy");
});

Deno.test("a repair puts back what nft took, portion by portion, while changes are committed", () => {
  using kernel = new NetlinkKernel();
  using process = started(kernel);
  const monitor = {
    poll: () => ({ foreign: foreign.splice(0), lost: false }),
    withoutNotifications: <T>(_generation: () => number, commit: () => T) => commit(),
  };
  const foreign: { process: string; pid: number; changes: string[] }[] = [];
  const running = newRunningProxy(process.engine, { ...process.ports, monitor }, 0);
  nft(
    ["-f", "-"],
    `flush map ip ledgerproxy endpoints
     delete element ip ledgerproxy firewall-sources { 203.0.113.1 . tcp . 80 . 10.0.7.0 . 24 }
     delete element ip ledgerproxy cluster-ips { 10.96.0.1 }
     add element ip ledgerproxy cluster-ips { 203.0.113.9 comment "x" }`,
  );
  foreign.push({ process: "nft", pid: 1, changes: ["flush map ip ledgerproxy endpoints"] });
  let steps = 0;
  const endpoints = () => kernel.list(OUR_TABLES).elements.get(PATHS.ip.endpoints)!.size;
  assert.ok(differing(process, kernel) > 2 * SERVICES);
  const sizes = new Set<number>();
  for (; wakeAt(running) < 3000; wake(running, wakeAt(running))) {
    if (steps++ % 5 !== 0) continue;
    sizes.add(endpoints());
    process.commit([
      appears(service(`shop/new${steps} 10.96.100.${steps % 250} http:80/tcp`)),
      appears(slice(`shop/new${steps}-a http:8080/tcp 10.244.9.1 10.244.9.2`)),
    ]);
  }
  assert.ok(sizes.size > 3, `as many as ${[...sizes].join()} endpoints were in place`);
  assert.equal(differing(process, kernel), 0);
  assert.equal(running.comparison.pieces, undefined);
  assert.deepEqual(process.warnings.filter((text) => !/nft \(process 1\) changed our tables/.test(text)), []);
});

Deno.test("a table that nft makes anew, with other keys, while it is compared is unreadable, and no error", () => {
  using kernel = new NetlinkKernel();
  using process = started(kernel);
  const kinds: (string | undefined)[] = [];
  const compareAll = () => {
    for (const deviation of deviations(process.engine, kernel)) {
      kinds.push(deviation?.kind);
      // Both tables were listed, and none of their elements.
      if (kinds.length === OUR_TABLES.length) nft(["-f", "-"], anew);
    }
  };
  const anew = `delete table ip ledgerproxy
    add table ip ledgerproxy
    add set ip ledgerproxy cluster-ips { type inet_service; }`;
  assert.doesNotThrow(compareAll);
  assert.deepEqual(kinds, [undefined, undefined, "unreadable"]);
  nft(["-f", "-"], "delete table ip ledgerproxy; delete table ip6 ledgerproxy");
});
