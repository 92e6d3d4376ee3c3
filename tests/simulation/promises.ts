// The promises that hold at every moment of a run, also while faults last: what the program must notice, and how soon.

import assert from "node:assert/strict";
import type { EngineState } from "../../src/engine/engine.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { diff } from "../../src/plan/delta.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { heldBy } from "./agreement.ts";
import type { UnreliableKernel } from "./kernel.ts";
import type { Process } from "./process.ts";

/** How long a dead connection may stay unnoticed: a shared one, and one whose list has no answer. */
const DEAD_MILLISECONDS = 40_000;
const DEAD_ALONE_MILLISECONDS = 75_000;
/** Most pages of a list without end: 17 that bring nothing new, and more where the cluster changes meanwhile. */
const PAGES_MAX = 60;
/** How long after a start the program may be wrong about the kernel, where its last commit hid a change from it. */
const HIDDEN_MILLISECONDS = 6000;
/** The longest pause before a refused commit is tried again; it doubles with each refusal up to the maximum. */
const RETRY_MILLISECONDS = 1000;
const RETRY_MILLISECONDS_MAX = 30_000;
/** Most steps in a row at one moment of virtual time. */
const STEPS_MAX = 10_000;

/** What a start of the program found. */
type Started = Pick<Process, "engine" | "listed">;

export class Promises {
  /** Connections that died, and when. */
  readonly #dead = new Map<number, number>();
  readonly #deadMilliseconds: number;
  #checkedGeneration = -1;
  /** Whether another program has changed our tables, and they are not restored yet. */
  #disturbed = false;
  /** When a program started that could not notice such a change; undefined where it could. */
  #hiddenSince: number | undefined;
  /** Commits that were tried, and when their number last changed. */
  #attempts = { count: 0, at: 0 };
  /** Steps since virtual time last advanced. */
  #steps = 0;

  /** `shared` says whether all requests share one connection. */
  constructor(shared: boolean) {
    this.#deadMilliseconds = shared ? DEAD_MILLISECONDS : DEAD_ALONE_MILLISECONDS;
  }

  /** Whether the program still uses a connection that died. */
  get hasDead(): boolean {
    return this.#dead.size > 0;
  }

  noteDead(connections: readonly number[], now: number): void {
    for (const connection of connections) this.#dead.set(connection, now);
  }

  /** Another program has changed our tables. */
  noteDisturbed(): void {
    this.#disturbed = true;
    this.#hiddenSince = undefined;
  }

  /** The program has ended; `power`: and the kernel has lost its tables. */
  noteEnd(power: boolean): void {
    this.#dead.clear();
    this.#hiddenSince = undefined;
    if (!power) return;
    this.#disturbed = false;
    // The kernel that starts now has counted no attempt.
    this.#attempts = { ...this.#attempts, count: 0 };
  }

  /** Whether a commit now hides another program's change from the next start: the program has not noticed it. */
  hides(engine: EngineState, kernel: Kernel): boolean {
    return this.#disturbed && isWrong(engine, kernel);
  }

  /**
   * The program has started; `untouched`: no other program had changed the kernel since the last commit. Returns whether
   * that commit hides from the program a change that was made before it. It also does where a program that could commit
   * nothing has listed the tables in between, for the kernel's generation is still that of the commit.
   */
  noteStart({ engine, listed }: Started, kernel: UnreliableKernel, untouched: boolean, now: number): boolean {
    assert.ok(untouched || listed, "changes by other programs since our last commit are noticed at once");
    // A program that starts knows other elements, perhaps, of the same generation.
    this.#checkedGeneration = -1;
    if (listed || !isWrong(engine, kernel)) return false;
    assert.equal(
      kernel.hidAt,
      kernel.generation(),
      "a start without a list is right if no commit hid a change",
    );
    this.#disturbed = true;
    this.#hiddenSince = now;
    return true;
  }

  /** One step of the world; `advances`: in which time advances. */
  noteStep(advances: boolean): void {
    this.#steps = advances ? 0 : this.#steps + 1;
    assert.ok(this.#steps <= STEPS_MAX, "a program that is woken acts");
  }

  check({ client, server, engine, ledger }: Process, kernel: UnreliableKernel, now: number): void {
    assert.equal(server.tooEarly, 0, "no request earlier than Retry-After allows");
    assert.ok(server.deepest <= PAGES_MAX, "a list without end is given up");
    assert.equal(server.unlisted, 0, "a list follows a watch without a version");
    this.#checkConnections(client.connections(), now);
    this.#checkRetry(engine, kernel, now);
    this.#checkMirror(engine, kernel, now);
    if (ledger.failure === undefined) assert.ok(ledger.next > 0);
  }

  #checkConnections(used: readonly number[], now: number): void {
    for (const [connection, since] of this.#dead) {
      if (!used.includes(connection)) this.#dead.delete(connection);
      else assert.ok(now - since <= this.#deadMilliseconds, "a dead connection is noticed");
    }
  }

  /** A refused commit is tried again in time, unless nothing is left to commit. */
  #checkRetry({ rejections, synced, cluster }: EngineState, kernel: UnreliableKernel, now: number): void {
    const { attempts } = kernel;
    if (attempts !== this.#attempts.count) this.#attempts = { count: attempts, at: now };
    const pause = Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS * 2 ** rejections);
    if (rejections === 0 || !synced || now - this.#attempts.at <= pause) return;
    const wrong = diff(cluster.desired, heldBy(kernel)).filter(({ set }) => set !== POSITION_PATH);
    assert.equal(wrong.length, 0, "a refused commit is tried again");
  }

  /** The committed mirror is what the kernel has, unless another program has just changed that. */
  #checkMirror(engine: EngineState, kernel: Kernel, now: number): void {
    const generation = kernel.generation();
    if (engine.tables.kind !== "in place" || generation === this.#checkedGeneration) return;
    const differs = isWrong(engine, kernel);
    assert.ok(this.#disturbed || !differs, "the committed mirror equals the kernel's tables");
    const hidden = this.#hiddenSince ?? Infinity;
    assert.ok(!differs || now - hidden <= HIDDEN_MILLISECONDS, "a change that a commit hid is noticed");
    this.#disturbed &&= differs;
    if (!this.#disturbed) this.#checkedGeneration = generation;
  }
}

/** Whether the kernel has other elements than the program has committed. */
function isWrong({ tables }: EngineState, kernel: Kernel): boolean {
  return tables.kind === "in place" && diff(tables.elements, heldBy(kernel)).length > 0;
}
