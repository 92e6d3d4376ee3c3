// The comparison of the kernel with what was committed: in pieces, between which commits go on.

import assert from "node:assert/strict";
import { deviations } from "../../src/engine/comparison.ts";
import type { EngineState } from "../../src/engine/engine.ts";
import { elementsInPlace, OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { newRunningProxy, wake, wakeAt } from "../../src/engine/running_proxy.ts";
import { CONTAINERS, PATHS } from "../../src/fold/skeleton.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { TableName } from "../../src/kernel/kernel.ts";
import type { ForeignChange } from "../../src/kernel/ruleset_monitor.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import type { Operation } from "../../src/nft/transaction.ts";
import { ELEMENTS_ASKED_AT_ONCE } from "../../src/limits/commits.ts";
import { separated } from "../../src/nft/objects.ts";
import { elementKey, type SetPath } from "../../src/nft/ruleset.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH, positionOf } from "../../src/plan/position.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const SERVICES = 250;
const AUDIT_MILLISECONDS = 15 * 60_000;

/** A kernel that counts whole listings, and those in pieces. */
class CountingKernel extends FakeKernel {
  listings = 0;
  comparisons = 0;

  override *listInPieces(tables: readonly TableName[]) {
    this.comparisons++;
    yield* super.listInPieces(tables);
  }

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

/** Whether a comparison found nothing, and how many pieces it had; `between` is called after each. */
function compared(
  engine: EngineState,
  kernel: FakeKernel,
  between: (piece: number) => void = () => {},
): { readonly equal: boolean; readonly pieces: number } {
  let [pieces, equal] = [0, true];
  for (const deviation of deviations(engine, kernel)) {
    equal &&= deviation === undefined;
    between(pieces++);
  }
  return { equal, pieces };
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

/** A proxy at work on `process`, beside a program whose changes `notice` reports. */
function atWork(process: EngineProcess) {
  const foreign: ForeignChange[] = [];
  const lost: true[] = [];
  const monitor = {
    poll: () => ({ foreign: foreign.splice(0), lost: lost.splice(0).length > 0 }),
    withoutNotifications: <T>(_generation: () => number, commit: () => T) => commit(),
  };
  const running = newRunningProxy(process.engine, { ...process.ports, monitor }, 0);
  let now = 0;
  return {
    running,
    lose: () => void lost.push(true),
    notice: () => void foreign.push({ process: "thief", pid: 7, changes: ["delete element"] }),
    /** A commit takes so long. */
    late: (milliseconds: number) => void (now += milliseconds),
    pass(milliseconds: number, between = () => {}) {
      const end = now + milliseconds;
      for (; wakeAt(running) <= end; wake(running, now), between()) now = Math.max(now, wakeAt(running));
      now = Math.max(now, end);
    },
  };
}

/** Another program deletes the elements of `set`. */
function steal(kernel: FakeKernel, set: SetPath): number {
  const container = CONTAINERS.get(set)!;
  const elements = [...kernel.list(OUR_TABLES).elements.get(set)!.values()];
  kernel.commit(
    elements.map((element) => ({ verb: "delete", noun: "element", set, container, element }) as const),
  );
  return elements.length;
}

Deno.test("an audit lists nothing as a whole, and a change that no notification reported is put back", () => {
  const { process, kernel } = started();
  using _process = process;
  const { pass } = atWork(process);
  kernel.listings = 0;
  pass(2 * AUDIT_MILLISECONDS);
  assert.equal(kernel.listings, 0, "whole listings");
  kernel.commit([{ verb: "delete", noun: "table", family: "ip", table: "ledgerproxy" }]);
  pass(AUDIT_MILLISECONDS + 60_000);
  assert.equal(kernel.list(OUR_TABLES).elements.get(PATHS.ip.endpoints)!.size, 2 * SERVICES);
});

Deno.test("what an audit finds is put back by the same comparison", () => {
  const { process, kernel } = started();
  using _process = process;
  const { pass } = atWork(process);
  steal(kernel, PATHS.ip["cluster-ips"]);
  pass(60_000);
  assert.equal(kernel.list(OUR_TABLES).elements.get(PATHS.ip["cluster-ips"])!.size, SERVICES + 1);
  assert.equal(kernel.comparisons, 1);
});

Deno.test("a repair lists nothing as a whole, and puts back what is missing while changes are committed", () => {
  const { process, kernel } = started();
  using _process = process;
  const { pass, notice, running } = atWork(process);
  const stolen = [PATHS.ip.endpoints, PATHS.ip["cluster-ips"]].map((set) => steal(kernel, set));
  assert.deepEqual(stolen, [2 * SERVICES, SERVICES + 1]);
  notice();
  kernel.listings = 0;
  let [changes, largest] = [0, 0];
  const missing = () => 2 * SERVICES - kernel.list([...OUR_TABLES]).elements.get(PATHS.ip.endpoints)!.size;
  let before = missing();
  pass(1000, () => {
    const now = missing();
    [largest, before] = [Math.max(largest, before - now), now];
    if (running.comparison.pieces === undefined || changes === 3) return;
    const name = `new${changes++}`;
    process.append([
      appears(service(`shop/${name} 10.96.2.${changes} http:80/tcp`)),
      appears(slice(`shop/${name}-a http:80/tcp 10.245.0.1`)),
    ]);
  });
  assert.equal(kernel.listings, 0, "whole listings");
  assert.ok(changes > 0);
  assert.ok(largest > 0 && largest <= ELEMENTS_ASKED_AT_ONCE, `${largest} elements came back at once`);
  const { elements } = separated(kernel.list(OUR_TABLES));
  assert.deepEqual(diff(elementsInPlace(process.engine.tables), elements), []);
  assert.deepEqual(
    diff(process.engine.cluster.desired, elements).filter(({ set }) => set !== POSITION_PATH),
    [],
  );
  assert.equal(running.comparison.pieces, undefined);
});

for (const how of ["notice", "lose"] as const) {
  Deno.test(`what another program does while rules are put back is put back too (${how})`, () => {
    const { process, kernel } = started();
    using _process = process;
    const work = atWork(process);
    const { pass, running } = work;
    steal(kernel, PATHS.ip.endpoints);
    work.notice();
    let again = false;
    pass(1000, () => {
      const whole = kernel.list([...OUR_TABLES]).elements.get(PATHS.ip.endpoints)!.size === 2 * SERVICES;
      if (again || !whole || running.comparison.pieces === undefined) return;
      again = true;
      steal(kernel, PATHS.ip["cluster-ips"]);
      work[how]();
      work.late(100);
    });
    assert.ok(again);
    assert.equal(kernel.list(OUR_TABLES).elements.get(PATHS.ip["cluster-ips"])!.size, SERVICES + 1);
  });
}

Deno.test("a stolen position is put back", () => {
  const { process, kernel } = started();
  using _process = process;
  const { pass, notice } = atWork(process);
  const position = () => positionOf(kernel.list([...OUR_TABLES]).elements);
  const before = position();
  steal(kernel, POSITION_PATH);
  notice();
  pass(1000);
  assert.equal(position()?.digest, before!.digest);
});
