// The comparison in pieces on the real kernel: what was committed counts as equal, and what nft changes is found.

import assert from "node:assert/strict";
import { comparedInPieces } from "../../src/engine/comparison.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { largeService, smallServices } from "../support/large_service.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const SERVICES = 300;
const decoded = (objects: readonly object[]) =>
  objects.map(decodeObject).flatMap((one): KubeObject[] => one.ok ? [one.object] : []);

function compared(process: EngineProcess, kernel: NetlinkKernel): { equal: boolean; pieces: number } {
  const comparison = comparedInPieces(process.engine, kernel);
  for (let pieces = 0;; pieces++) {
    const { done, value } = comparison.next();
    if (done) return { equal: value, pieces };
  }
}

Deno.test("what was committed counts as equal, what nft changes does not, and what it puts back does again", () => {
  using kernel = new NetlinkKernel();
  using process = new EngineProcess(kernel, memoryStorage());
  process.list(...decoded([...smallServices(SERVICES, 2), ...largeService("shop/pinned", 1, 2, 20, true)]));
  const { equal, pieces } = compared(process, kernel);
  assert.ok(equal);
  assert.ok(pieces > 30, `${pieces} pieces`);
  nft(["-f", "-"], `add element ip ledgerproxy cluster-ips { 203.0.113.9 comment "x" }`);
  assert.equal(compared(process, kernel).equal, false, "an element too many");
  nft(["-f", "-"], "delete element ip ledgerproxy cluster-ips { 203.0.113.9 }");
  assert.ok(compared(process, kernel).equal);
  nft(["-f", "-"], "flush map ip ledgerproxy endpoints");
  assert.equal(compared(process, kernel).equal, false);
  nft(["-f", "-"], "delete table ip6 ledgerproxy");
  assert.equal(compared(process, kernel).equal, false);
});
