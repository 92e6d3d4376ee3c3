// The comparison of the kernel with what was committed: in pieces, between which commits go on.

import assert from "node:assert/strict";
import { comparedInPieces } from "../../src/engine/comparison.ts";
import type { EngineState } from "../../src/engine/engine.ts";
import { OUR_TABLES } from "../../src/engine/run_loop.ts";
import { newRunning, wake, wakeAt } from "../../src/engine/running.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { TableName } from "../../src/kernel/kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { Operation } from "../../src/nft/transaction.ts";
import { elementKey } from "../../src/nft/ruleset.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const SERVICES = 250;
const AUDIT_MILLISECONDS = 15 * 60_000;

/** A kernel that counts whole listings. */
class CountingKernel extends FakeKernel {
  listings = 0;

  override list(tables: readonly TableName[]) {
    if (tables === OUR_TABLES) this.listings++;
    return super.list(tables);
  }
}

const sliceOf = (i: number, endpoint: number) =>
  slice(`shop/s${i}-a http:8080/tcp 10.244.${i}.${endpoint} 10.244.${i}.9`);
const objects: KubeObject[] = Array.from({ length: SERVICES }, (_, i) => [
  service(`shop/s${i} 10.96.0.${i} http:80/tcp`),
  sliceOf(i, 1),
]).flat();
const pinned = service("shop/pinned 10.96.1.1 http:80/tcp");
/** Its affinity has a chain of its own. */
const PINNED = { ...pinned, spec: { ...pinned.spec, sessionAffinity: "ClientIP" } } as const;

function started(): { readonly process: EngineProcess; readonly kernel: CountingKernel } {
  const kernel = new CountingKernel();
  const process = new EngineProcess(kernel, memoryStorage());
  process.list(...objects, PINNED, slice("shop/pinned-a http:80/tcp 10.245.1.1"));
  return { process, kernel };
}

/** The result of a comparison, and how many pieces it had; `between` is called after each. */
function compared(
  engine: EngineState,
  kernel: FakeKernel,
  between: (piece: number) => void = () => {},
): { readonly equal: boolean; readonly pieces: number } {
  const comparison = comparedInPieces(engine, kernel);
  let pieces = 0;
  for (;; pieces++) {
    const { done, value } = comparison.next();
    if (done) return { equal: value, pieces };
    between(pieces);
  }
}

Deno.test("it has many pieces, and what is committed between them counts as equal", () => {
  const { process, kernel } = started();
  using _process = process;
  const quiet = compared(process.engine, kernel);
  assert.ok(quiet.equal && quiet.pieces > SERVICES * 3 / 100, `${quiet.pieces} pieces`);
  const busy = compared(process.engine, kernel, (piece) => {
    process.commit([
      appears(sliceOf(piece, 2)),
      appears(service(`shop/new${piece} 10.96.2.${piece} http:80/tcp`)),
      appears(slice(`shop/new${piece}-a http:80/tcp 10.245.0.1 10.245.0.2`)),
    ]);
  });
  assert.equal(busy.equal, true);
});

Deno.test("a change of another program is found, whatever it changes", () => {
  const { process, kernel } = started();
  using _process = process;
  const { engine } = process;
  const set = PATHS.ip.endpoints;
  const { tables, elements } = kernel.list(OUR_TABLES);
  const container = tables[0]!.sets.find(({ name }) => name === "endpoints")!;
  const one = [...elements.get(set)!.values()].at(-1)!;
  const more = { ...one, key: elementKey([...one.key.split(" . ").slice(0, -1), "77"]) };
  const element = { noun: "element", set, container } as const;
  const other = { ...one, value: "10.1.1.1 . 80" };
  const chain = { noun: "chain", family: "ip", table: "ledgerproxy" } as const;
  /** What another program does, and what puts it back. */
  const changes: Record<string, readonly [readonly Operation[], readonly Operation[]]> = {
    "an element is missing": [
      [{ verb: "delete", ...element, element: one }],
      [{ verb: "add", ...element, element: one }],
    ],
    "an element is another one": [
      [{ verb: "delete", ...element, element: one }, { verb: "add", ...element, element: other }],
      [{ verb: "delete", ...element, element: other }, { verb: "add", ...element, element: one }],
    ],
    "an element is too many": [
      [{ verb: "add", ...element, element: more }],
      [{ verb: "delete", ...element, element: more }],
    ],
    "a chain is too many": [
      [{ verb: "add", ...chain, chain: { name: "more" } }],
      [{ verb: "delete", ...chain, name: "more" }],
    ],
  };
  for (const [what, [done, undone]] of Object.entries(changes)) {
    kernel.commit(done);
    assert.equal(compared(engine, kernel).equal, false, what);
    kernel.commit(undone);
    assert.equal(compared(engine, kernel).equal, true, `${what} no more`);
  }
  kernel.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  assert.equal(compared(engine, kernel).equal, false, "a table is missing");
});

Deno.test("an audit lists nothing as a whole, and a change that no notification reported is put back", () => {
  const { process, kernel } = started();
  using _process = process;
  const monitor = {
    poll: () => ({ foreign: [], lost: false }),
    withoutNotifications: <T>(_generation: () => number, commit: () => T) => commit(),
  };
  const running = newRunning(process.engine, { ...process.ports, monitor }, 0);
  let now = 0;
  const pass = (milliseconds: number) => {
    const end = now + milliseconds;
    for (; wakeAt(running) <= end; wake(running, now)) now = wakeAt(running);
    now = end;
  };
  kernel.listings = 0;
  pass(2 * AUDIT_MILLISECONDS);
  assert.equal(kernel.listings, 0, "whole listings");
  kernel.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  pass(AUDIT_MILLISECONDS + 60_000);
  assert.equal(kernel.list(OUR_TABLES).elements.get(PATHS.ip.endpoints)!.size, 2 * SERVICES);
});
