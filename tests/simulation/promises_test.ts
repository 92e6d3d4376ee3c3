// What the promises allow a program that started without a listing: an error that a commit hid from it, and no other.

import assert from "node:assert/strict";
import { newEngine } from "../../src/engine/engine.ts";
import { CONTAINERS, PATHS, skeleton } from "../../src/fold/skeleton.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { canonicalKey, type Elements } from "../../src/nft/ruleset.ts";
import { createTable, type Operation } from "../../src/nft/transaction.ts";
import { tablesDigest } from "../../src/plan/digest.ts";
import { heldBy } from "./agreement.ts";
import type { Chance } from "./chance.ts";
import { UnreliableKernel } from "./kernel.ts";
import type { Process } from "./process.ts";
import { Promises } from "./promises.ts";

const TABLES = skeleton(DEFAULT_PROXY_CONFIG);
/** No chance: the first of each. */
const FIRST = { pick: <T>(list: readonly T[]) => list[0]!, once: () => false } as unknown as Chance;

/** A kernel with our rules, from which another program deletes one, and the promises of its world. */
class Scene {
  readonly kernel = new UnreliableKernel();
  readonly promises = new Promises(false);
  /** Our rules before that. */
  readonly whole: Elements;

  constructor() {
    this.kernel.commit([...TABLES.flatMap(createTable), added("10.96.0.1"), added("10.96.0.2")]);
    this.whole = heldBy(this.kernel);
    assert.ok(this.kernel.disturb(FIRST, false));
    this.promises.noteDisturbed();
  }

  /** A program that takes `elements` for those in the kernel commits an element, and its mirror follows. */
  commit(elements: Elements, address: string): Elements {
    const { kernel, promises } = this;
    kernel.hides = () => promises.hides(programWith(elements).engine, kernel);
    const before = heldBy(kernel);
    kernel.commit([added(address)]);
    const [path, key] = [PATHS.ip["cluster-ips"], canonicalKey(address)];
    assert.ok(!before.get(path)!.has(key));
    const keyed = new Map(elements.get(path)).set(key, heldBy(kernel).get(path)!.get(key)!);
    return new Map(elements).set(path, keyed);
  }

  /** A program starts that takes `elements` for those in the kernel; without a listing they are the ledger's. */
  start(elements: Elements, listed: boolean, now: number): boolean {
    const { kernel, promises } = this;
    const untouched = kernel.generation() !== kernel.disturbedAt;
    return promises.noteStart(programWith(elements, listed), kernel, untouched, now);
  }

  check(elements: Elements, now: number): void {
    this.promises.check(programWith(elements), this.kernel, now);
  }

  end(): void {
    this.promises.noteEnd(false);
  }
}

/** As much of a program as the promises look at. */
function programWith(elements: Elements, listed = true): Process {
  const mutable = new Map([...elements].map(([path, keyed]) => [path, new Map(keyed)]));
  const tables = {
    kind: "in place",
    listed,
    elements: mutable,
    digest: tablesDigest(TABLES),
    positioned: true,
  } as const;
  return {
    engine: { ...newEngine(), tables },
    listed,
    client: { connections: () => [] },
    server: { tooEarly: 0, deepest: 0, unlisted: 0 },
    ledger: { failure: undefined, next: 1 },
  } as unknown as Process;
}

function added(address: string): Operation {
  const set = PATHS.ip["cluster-ips"];
  const element = { key: canonicalKey(address) };
  return { verb: "add", noun: "element", set, container: CONTAINERS.get(set)!, element };
}

Deno.test("a commit hides a change also where a program that commits nothing has listed the tables since", () => {
  const scene = new Scene();
  const ledger = scene.commit(scene.whole, "10.96.0.3");
  scene.end();
  assert.equal(scene.start(heldBy(scene.kernel), true, 1000), false);
  scene.check(heldBy(scene.kernel), 1000);
  scene.end();
  assert.equal(scene.start(ledger, false, 2000), true);
  scene.check(ledger, 7000);
  assert.throws(() => scene.check(ledger, 9000), /a change that a commit hid is noticed/);
});

Deno.test("a commit hides a change also where the rules were listed, and the kernel refused to take them back", () => {
  const scene = new Scene();
  const ledger = scene.commit(scene.whole, "10.96.0.3");
  scene.check(ledger, 1000);
  scene.kernel.refusals = 1;
  assert.throws(() => scene.commit(heldBy(scene.kernel), "10.96.0.4"));
  scene.check(heldBy(scene.kernel), 1000);
  scene.end();
  assert.equal(scene.start(ledger, false, 2000), true);
  scene.check(ledger, 7000);
});

Deno.test("a commit of a program that knew the change hides nothing: a start that is wrong then is a fault", () => {
  const scene = new Scene();
  const ledger = scene.commit(heldBy(scene.kernel), "10.96.0.3");
  scene.check(ledger, 1000);
  scene.end();
  assert.throws(() => {
    scene.start(scene.whole, false, 2000);
    scene.check(scene.whole, 2000);
  }, /a start without a list is right/);
});

Deno.test("a later commit by a program that is right ends what an earlier one hid", () => {
  const scene = new Scene();
  const hidden = scene.commit(scene.whole, "10.96.0.3");
  scene.end();
  scene.start(heldBy(scene.kernel), true, 1000);
  scene.check(heldBy(scene.kernel), 1000);
  scene.commit(heldBy(scene.kernel), "10.96.0.4");
  scene.check(heldBy(scene.kernel), 1000);
  scene.end();
  assert.throws(() => scene.start(hidden, false, 2000), /a start without a list is right/);
});
