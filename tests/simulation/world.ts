// A world that misbehaves by seed: an API server and the way to it, a disk, a kernel that others write to, and a program that
// ends at any call. Time is virtual. While faults last certain promises hold at every moment; when they have ended all agrees
// within a stated time.

import assert from "node:assert/strict";
import { resources } from "../../src/ingest/resources.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { diff } from "../../src/plan/delta.ts";
import { act } from "./acts.ts";
import { disagreement, heldBy } from "./agreement.ts";
import { Chance } from "./chance.ts";
import { Cluster, FIXTURES, idleSlice, keyOf, someObject } from "./cluster.ts";
import { Disk } from "./disk.ts";
import { FaultCounts } from "./faults.ts";
import type { Manners } from "./honest_api.ts";
import { UnreliableKernel } from "./kernel.ts";
import { moment, Process } from "./process.ts";
import { Server } from "./server.ts";

/** How long faults last. */
const FAULTY_MILLISECONDS = 120_000;
/** How long after the last fault the kernel, the ledger and the server may still disagree. */
export const CONVERGES_MILLISECONDS = 240_000;
/** How long they must then agree without a break. */
const STABLE_MILLISECONDS = 20_000;
/** How often it is looked at whether they agree. */
const LOOK_MILLISECONDS = 5000;
/** How long a dead connection may stay unnoticed: one that all requests share, and one of a list that nothing answers. */
const DEAD_MILLISECONDS = 40_000;
const DEAD_ALONE_MILLISECONDS = 75_000;
/** Most requests for one resource in a minute, whatever the server does: some lists of 17 pages that lead nowhere. */
const REQUESTS_MAX = 300;

/** The process ends here, whatever it was doing. */
export class Killed extends Error {}

/** One run; throws when a promise is broken. Adds to `counts` what fired. */
export function simulate(seed: number, counts: FaultCounts): void {
  const world = new World(seed);
  try {
    world.run();
  } catch (error) {
    (error as Error).message = `${(error as Error).message} (at ${moment(world.now).time.slice(11)})`;
    throw error;
  } finally {
    counts.add(world.counts);
  }
}

export class World {
  readonly chance: Chance;
  readonly counts = new FaultCounts();
  readonly cluster = new Cluster();
  readonly server: Server;
  readonly disk = new Disk();
  kernel = new UnreliableKernel();
  /** How many Services there may be. */
  readonly size: number;
  /** Slices beside theirs: so many that a list is delivered in parts. */
  readonly #idle: number;
  now = 0;
  /** Calls of disk and kernel until the process is killed. */
  life = Infinity;
  /** Whether the process outlives the connections that died last. */
  #outlives = false;
  /** Connections that died, and when. */
  readonly #dead = new Map<number, number>();
  readonly #shared: boolean;
  #process: Process | undefined;
  #restartAt = Infinity;
  #checkedGeneration = -1;
  /** Whether another program has written to our tables since they were last whole. */
  #disturbed = false;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    const { chance } = this;
    this.size = chance.pick([4, 6, 20, 24]);
    this.#idle = chance.once(5) ? 505 : 0;
    this.#shared = !chance.once(3);
    for (const object of FIXTURES) this.cluster.put(object);
    this.refill(this.size);
    this.disk.onCall = () => this.#count();
    const known = (kind: string) =>
      [...this.#process?.engine.cluster.objects.keys() ?? []].filter((key) => key.startsWith(kind)).length;
    const asked = resources("node-a");
    this.server = new Server(this.cluster, someManners(chance), chance, this.counts, asked, known);
  }

  get process(): Process | undefined {
    return this.#process;
  }

  /** Whether the process is not to end now: it has a dead connection to notice. */
  get outlives(): boolean {
    return this.#outlives && this.#dead.size > 0;
  }

  run(): void {
    this.server.faulty = true;
    this.#restartAt = 0;
    let actAt = 1000;
    while (this.now < FAULTY_MILLISECONDS) {
      this.#advance(actAt);
      if (this.now < actAt) continue;
      actAt = this.now + this.chance.between(100, 4000);
      this.life = this.chance.once(8) && !this.outlives ? 1 + this.chance.below(12) : Infinity;
      this.#alive(() => act(this));
    }
    this.#endFaults();
    this.#converge();
  }

  /** Puts objects of up to `count` Services. */
  refill(count: number): void {
    for (let i = 0; i < this.#idle; i++) {
      const slice = idleSlice(i);
      if (!this.cluster.objects.has(keyOf(slice))) this.cluster.put(slice);
    }
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < 3; k++) this.cluster.put(someObject(this.chance, i));
    }
  }

  /** Another program has changed our tables. */
  noteDisturbed(): void {
    this.#disturbed = true;
  }

  /** The connections that are open die without a word. */
  deaden(): boolean {
    this.#outlives = this.chance.once(2);
    for (const connection of this.#process?.client.connections() ?? []) this.#dead.set(connection, this.now);
    return this.server.connections.deaden();
  }

  /** The process ends, and begins with an empty disk. */
  replaceDisk(): void {
    this.end(false);
    this.disk.replace();
  }

  /** The process ends; with `power` of what was not synced only a part stays, and nothing in the kernel. */
  end(power: boolean): void {
    this.#process = undefined;
    this.server.forget();
    this.#dead.clear();
    this.life = Infinity;
    if (power) {
      this.kernel = new UnreliableKernel();
      this.#disturbed = false;
    }
    this.kernel.refusals = 0;
    this.disk.restart(power, this.chance);
    this.#restartAt = this.now + this.chance.between(0, 5000);
  }

  /** Goes on to what happens next, at `until` at the latest. */
  #advance(until: number): void {
    const { connections } = this.server;
    const process = this.#process?.wakeAt() ?? this.#restartAt;
    this.now = Math.max(this.now, Math.min(until, process, connections.nextAt()));
    this.#alive(() => {
      for (let next; (next = connections.take(this.now)) !== undefined;) {
        this.#process?.receive(next.id, next.arrival, this.now);
      }
      if (this.#process === undefined && this.#restartAt <= this.now) this.#start();
      if ((this.#process?.wakeAt() ?? Infinity) <= this.now) this.#process!.wake(this.now);
      this.#check();
    });
  }

  /** Does `what`, which the process may not survive. */
  #alive(what: () => void): void {
    try {
      what();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      if (this.life <= 0) this.counts.fired("SIGKILL at a call");
      const power = this.life <= 0 && this.chance.once(3);
      if (power) this.counts.fired("power cut");
      this.end(power);
    }
  }

  #start(): void {
    const untouched = this.kernel.generation() !== this.kernel.disturbedAt;
    this.kernel.onCall = () => this.#count();
    this.#process = new Process(this.kernel, this.disk.storage, this.server, this.#shared, this.now);
    assert.ok(untouched || this.#process.listed, "what others did since our last commit is seen at once");
    this.disk.check();
  }

  #count(): void {
    if (this.life !== Infinity && --this.life <= 0) throw new Killed();
  }

  /** What holds at every moment. */
  #check(): void {
    assert.equal(this.server.tooEarly, 0, "Retry-After is obeyed");
    const limit = this.#shared ? DEAD_MILLISECONDS : DEAD_ALONE_MILLISECONDS;
    const carrying = new Set(this.#process?.client.connections() ?? []);
    for (const [connection, since] of this.#dead) {
      if (!carrying.has(connection)) this.#dead.delete(connection);
      else assert.ok(this.now - since <= limit, "a dead connection is noticed");
    }
    const { engine, ledger } = this.#process ?? {};
    if (engine === undefined || engine.rebuild !== undefined) return;
    const generation = this.kernel.generation();
    if (generation === this.#checkedGeneration) return;
    const differs = diff(engine.committed, heldBy(this.kernel)).length > 0;
    assert.ok(this.#disturbed || !differs, "the committed mirror is what the kernel holds");
    this.#disturbed &&= differs;
    if (!this.#disturbed) this.#checkedGeneration = generation;
    if (ledger!.failure === undefined) assert.ok(ledger!.next > 0);
  }

  #endFaults(): void {
    this.server.faulty = false;
    this.life = Infinity;
    this.disk.mend();
    this.kernel.refusals = 0;
    for (const object of this.cluster.objects.values()) {
      const number = Number(/^s(\d+)/.exec(object.metadata.name)?.[1] ?? -1);
      if (number >= 0 && !decodeObject(object).ok) this.#mend(object.kind, number);
    }
  }

  /** Puts a readable object in place of one that is not. */
  #mend(kind: string, number: number): void {
    for (;;) {
      const object = someObject(this.chance, number);
      if (object.kind === kind) return this.cluster.put(object);
    }
  }

  #converge(): void {
    const end = this.now + CONVERGES_MILLISECONDS;
    let agreedSince = Infinity;
    while (this.now < end || agreedSince !== Infinity) {
      const look = this.now + LOOK_MILLISECONDS;
      while (this.now < look) this.#advance(look);
      const differs = disagreement(this);
      if (differs !== undefined) {
        assert.equal(agreedSince, Infinity, `they agreed for a while: ${differs}`);
        assert.ok(this.now < end, `no agreement in time: ${differs}`);
      } else if (agreedSince === Infinity) agreedSince = this.now;
      else if (this.now - agreedSince >= STABLE_MILLISECONDS) break;
    }
    const most = [...this.server.requests].reduce((a, b) => a[1] > b[1] ? a : b);
    assert.ok(most[1] <= REQUESTS_MAX, `${most[1]} requests in minute ${most[0]}`);
  }
}

function someManners(chance: Chance): Manners {
  return {
    streams: chance.pick(["yes", "yes", "refused", "ignored"]),
    continueExpires: chance.once(4),
    pageObjects: chance.pick([5, 9, 500]),
    bookmarkMilliseconds: chance.between(5, 60) * 1000,
    watchMilliseconds: chance.once(4) ? chance.between(3, 20) * 1000 : Infinity,
    serviceCidrs: !chance.once(5),
  };
}
