// A world with faults from a seed: an API server and the connection to it, a disk, a kernel whose tables other programs change,
// and a program that may end at any call. Time is virtual. Some promises must hold at every moment. After the last fault
// kernel, ledger and server must agree within a stated time.

import assert from "node:assert/strict";
import { resources } from "../../src/ingest/resources.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { act } from "./acts.ts";
import type { RecordGap } from "../../src/engine/input.ts";
import { NO_RESTARTS, restartedAt, restartPause } from "../../src/node/restarts.ts";
import { disagreement, ledgerProblems } from "./agreement.ts";
import { Chance } from "./chance.ts";
import { Cluster, FIXTURES, idleSlice, keyOf, someObject } from "./cluster.ts";
import { Disk } from "./disk.ts";
import { FaultCounts } from "./faults.ts";
import type { Manners } from "./honest_api.ts";
import { UnreliableKernel } from "./kernel.ts";
import { moment, Process } from "./process.ts";
import { Promises } from "./promises.ts";
import { Server } from "./server.ts";

/** How long faults last. */
const FAULTY_MILLISECONDS = 120_000;
/** How long after the last fault kernel, ledger and server may disagree. */
export const CONVERGES_MILLISECONDS = 240_000;
/** How long they must then agree without interruption. */
const STABLE_MILLISECONDS = 20_000;
/** How often their agreement is checked. */
const LOOK_MILLISECONDS = 5000;
/** Most requests for one resource in a minute, whatever the server does: a few lists of 17 pages that fail at the end. */
const REQUESTS_MAX = 300;

/** The process ends here, whatever it was doing. */
export class Killed extends Error {}

/** Runs one world; throws when a promise is broken. Adds the faults that fired to `counts`. */
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
  /** Slices without a Service: so many that a list is delivered in parts. */
  readonly #idle: number;
  now = 0;
  /** How many calls of disk and kernel until the process is killed. */
  life = Infinity;
  /** Whether the process outlives the connections that died last. */
  #outlives = false;
  readonly #shared: boolean;
  readonly #promises: Promises;
  #process: Process | undefined;
  #restartAt = Infinity;
  /** The last record that rules of the process that ended followed. */
  #committed = -1;
  /** The process ends as soon as it has taken what has arrived. */
  #endsSoon = false;
  /** How often the loop has started again in place to continue the ledger. */
  #continued = NO_RESTARTS;
  /** Since when the ledger can be continued. */
  #gapSince: number | undefined;

  constructor(seed: number) {
    this.chance = new Chance(seed);
    const { chance } = this;
    this.size = chance.pick([4, 6, 20, 24]);
    this.#idle = chance.once(5) ? 505 : 0;
    this.#shared = !chance.once(3);
    this.#promises = new Promises(this.#shared);
    for (const object of FIXTURES) this.cluster.put(object);
    this.refill(this.size);
    this.disk.onCall = () => this.#count();
    const known = (kind: string) =>
      [...this.#process?.engine.cluster.objects.keys() ?? []].filter((key) => key.startsWith(`${kind} `))
        .length;
    const asked = resources("node-a");
    this.server = new Server(this.cluster, someManners(chance), chance, this.counts, asked, known);
  }

  get process(): Process | undefined {
    return this.#process;
  }

  /** Whether the process is not to end now: it has a dead connection to notice. */
  get outlives(): boolean {
    return this.#outlives && this.#promises.hasDead;
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
    this.#promises.noteDisturbed();
  }

  /** The process ends once it has taken what arrives now. */
  endSoon(): void {
    this.#endsSoon = true;
  }

  /** The open connections die without a reset. */
  deaden(): boolean {
    this.#outlives = this.chance.once(2);
    this.#promises.noteDead(this.#process?.client.connections() ?? [], this.now);
    return this.server.connections.deaden();
  }

  /** The process ends, and starts with an empty disk. */
  replaceDisk(): void {
    this.end(false);
    this.disk.replace();
  }

  /** The process ends. With `power` only a part of the bytes that were not synced is left, and the kernel is empty. */
  end(power: boolean): void {
    if (this.#process?.ledger.omission !== undefined) this.disk.troubled = true;
    this.#committed = this.#process?.engine.committedOffset ?? -1;
    this.#process = undefined;
    this.#continued = NO_RESTARTS;
    this.server.processes++;
    this.server.forget();
    this.#promises.noteEnd(power);
    this.#endsSoon = false;
    this.life = Infinity;
    if (power) this.kernel = new UnreliableKernel();
    this.kernel.endListening();
    this.kernel.refusals = 0;
    this.kernel.most = Infinity;
    this.disk.restart(power, this.chance);
    this.#restartAt = this.now + this.chance.between(0, 5000);
  }

  /** Advances to the next event, at most to `until`. */
  #advance(until: number): void {
    const { connections } = this.server;
    const process = this.#process?.wakeAt() ?? this.#restartAt;
    const next = Math.max(this.now, Math.min(until, process, connections.nextAt()));
    this.#promises.noteStep(next > this.now);
    this.now = next;
    this.#alive(() => {
      for (let next; (next = connections.take(this.now)) !== undefined;) {
        this.#process?.receive(next.id, next.arrival, this.now);
      }
      if (this.#endsSoon) {
        // The writer still writes what it was sent, so that the ledger has the record of the commit.
        this.#process?.writer?.close();
        throw new Killed();
      }
      if (this.#process === undefined && this.#restartAt <= this.now) this.#start();
      if ((this.#process?.wakeAt() ?? Infinity) <= this.now) this.#process!.wake(this.now);
      this.#continueWhereDue();
      if (this.#process !== undefined) this.#promises.check(this.#process, this.kernel, this.now);
    });
  }

  /** Runs `what`; the process may end in it. */
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

  /** Where the ledger can be continued, the loop starts again in place: after a pause, as in `run`. */
  #continueWhereDue(): void {
    const gap = this.#process?.gap;
    this.#gapSince = gap && (this.#gapSince ?? this.now);
    if (gap === undefined) return;
    const restarts = restartedAt(this.#continued, this.#gapSince!);
    if (this.now - this.#gapSince! < restartPause(restarts)) return;
    this.#continued = restarts;
    this.#continue(gap);
  }

  #continue(gap: RecordGap): void {
    if (gap.reason.includes("too slow")) this.counts.fired("records left out");
    this.#process!.writer?.close();
    this.#process = undefined;
    this.kernel.endListening();
    this.server.forget();
    this.#promises.noteEnd(false);
    this.disk.unlock();
    this.#start(gap);
  }

  #start(gap?: RecordGap): void {
    if (this.now < this.disk.hangsUntil) this.counts.fired("disk hangs at a start");
    else if (gap === undefined) this.#checkEnd();
    const untouched = this.kernel.generation() !== this.kernel.disturbedAt;
    this.kernel.onCall = () => this.#count();
    this.kernel.hides = () =>
      this.#process !== undefined && this.#promises.hides(this.#process.engine, this.kernel);
    this.#process = new Process(
      this.kernel,
      this.disk,
      this.server,
      this.#shared,
      this.now,
      gap,
      this.counts,
    );
    if (this.now >= this.disk.hangsUntil) this.disk.check();
    const hides = this.#promises.noteStart(this.#process, this.kernel, untouched, this.now);
    if (hides) this.counts.fired("drift that a commit hides");
  }

  /** Asserts that rules follow no record that was lost, unless the disk was not well. */
  #checkEnd(): void {
    const lost = this.#committed >= this.disk.records().length;
    assert.ok(!lost || this.disk.troubled, "the end of the process loses no record that rules follow");
    this.disk.noteStart();
  }

  #count(): void {
    if (this.life !== Infinity && --this.life <= 0) throw new Killed();
  }

  #endFaults(): void {
    this.server.faulty = false;
    this.life = Infinity;
    this.disk.mend();
    this.disk.hangsUntil = this.now;
    this.kernel.endListening();
    this.kernel.refusals = 0;
    this.kernel.most = Infinity;
    // The changes below could have versions that the program knows already, which no client can notice.
    this.cluster.raise();
    for (const object of this.cluster.objects.values()) {
      const number = Number(/^s(\d+)/.exec(object.metadata.name)?.[1] ?? -1);
      if (number >= 0 && !decodeObject(object).ok) this.#mend(object.kind, number);
    }
  }

  /** Replaces an object that cannot be decoded by a right one. */
  #mend(kind: string, number: number): void {
    for (;;) {
      const object = someObject(this.chance, number);
      if (object.kind === kind) return this.cluster.put(object);
    }
  }

  /** The owners of Services that the kernel refused change them, so that they are served again. */
  #changeRefused(): void {
    for (const [name, reason] of this.#process?.engine.cluster.aside ?? []) {
      const service = this.cluster.objects.get(`Service ${name}`);
      if (!reason.startsWith("too large") && service !== undefined) this.cluster.put(service);
    }
  }

  #converge(): void {
    const end = this.now + CONVERGES_MILLISECONDS;
    let agreedSince = Infinity;
    while (this.now < end || agreedSince !== Infinity) {
      const look = this.now + LOOK_MILLISECONDS;
      while (this.now < look) this.#advance(look);
      this.#changeRefused();
      const differs = disagreement(this);
      if (differs !== undefined) {
        assert.equal(agreedSince, Infinity, `they agreed for a while: ${differs}`);
        assert.ok(this.now < end, `no agreement in time: ${differs}`);
      } else if (agreedSince === Infinity) agreedSince = this.now;
      else if (this.now - agreedSince >= STABLE_MILLISECONDS) break;
    }
    assert.deepEqual(ledgerProblems(this.disk.storage), [], "every commit follows from the ledger");
    const most = [...this.server.requests].reduce((a, b) => a[1] > b[1] ? a : b);
    assert.ok(most[1] <= REQUESTS_MAX, `${most[1]} requests in minute ${most[0]}`);
  }
}

function someManners(chance: Chance): Manners {
  return {
    streams: chance.pick(["yes", "yes", "refused", "ignored"]),
    continueExpires: chance.once(4),
    pageObjects: chance.pick([5, 7, 9, 500]),
    bookmarkMilliseconds: chance.between(5, 60) * 1000,
    watchMilliseconds: chance.once(4) ? chance.between(3, 20) * 1000 : Infinity,
    serviceCidrs: !chance.once(5),
    protobuf: !chance.once(3),
  };
}
