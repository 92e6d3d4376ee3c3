// The kernel of a simulated node. It rejects batches as the world decides, and may end the process before or after a commit.
// Another program changes our tables; the monitor receives these changes, or only a report that it missed some.

import type { Ports } from "../../src/engine/ports.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { CONTAINERS } from "../../src/fold/skeleton.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { CommitReceipt, Kernel, PiecewiseKernel, TableName } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import type { ForeignChange } from "../../src/kernel/ruleset_monitor.ts";
import type { Operation, Transaction } from "../../src/nft/transaction.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import type { Chance } from "./chance.ts";

const ENOMEM = 12;
const ENOBUFS = 105;

export class UnreliableKernel implements Kernel {
  readonly #kernel = new FakeKernel();
  #noticed: ForeignChange[] = [];
  #lost = false;
  #announce = () => {};
  /** How many batches it will reject. */
  refusals = 0;
  /** Most changes in a batch that it accepts. */
  most = Infinity;
  /** Commits that the program tried. */
  attempts = 0;
  /** Called before and after each commit; may throw. */
  onCall: () => void = () => {};
  /** Generation of the last change by another program; -1 before the first. */
  disturbedAt = -1;
  /** Whether a commit now hides a change by another program, because ours has not noticed it. */
  hides: () => boolean = () => false;
  /** Generation of the last commit that hid such a change; -1 before the first. */
  hidAt = -1;

  commit(transaction: Transaction): CommitReceipt {
    this.onCall();
    this.attempts++;
    if (this.refusals > 0) {
      this.refusals--;
      throw new KernelRejection(null, ENOMEM, "for a test");
    }
    if (changesIn(transaction) > this.most) throw new KernelRejection(null, ENOBUFS, "for a test");
    const hides = this.hides();
    const receipt = this.#kernel.commit(transaction);
    if (hides) this.hidAt = receipt.generation;
    this.onCall();
    return receipt;
  }

  list = (...args: Parameters<Kernel["list"]>) => this.#kernel.list(...args);
  listInPieces = (...args: Parameters<PiecewiseKernel["listInPieces"]>) => this.#kernel.listInPieces(...args);
  element = (...args: Parameters<PiecewiseKernel["element"]>) => this.#kernel.element(...args);
  tables = () => this.#kernel.tables();
  chains = (table: TableName) => this.#kernel.chains(table);
  generation = () => this.#kernel.generation();
  [Symbol.dispose]() {}

  /** A monitor that receives the changes from now on, and calls `announce` after each. */
  listen(announce: () => void): NonNullable<Ports["monitor"]> {
    this.#noticed = [];
    this.#lost = false;
    this.#announce = announce;
    return {
      poll: () => {
        const noticed = { foreign: this.#noticed, lost: this.#lost, watched: true };
        this.#noticed = [];
        this.#lost = false;
        return noticed;
      },
      withoutNotifications: (_generation, commit) => commit(),
    };
  }

  /** The process that listens has ended. */
  endListening(): void {
    this.#announce = () => {};
  }

  /** Another program deletes elements of ours; `lost`: the monitor receives only a report that it missed changes. */
  disturb(chance: Chance, lost: boolean): boolean {
    const operation = this.#theft(chance);
    if (operation === undefined) return false;
    this.#kernel.commit([operation]);
    this.disturbedAt = this.#kernel.generation();
    this.#lost ||= lost;
    const changes = [`delete ${operation.noun}`];
    if (!lost) this.#noticed.push({ process: "nft", pid: 1, changes });
    this.#announce();
    return true;
  }

  #theft(chance: Chance): Operation | undefined {
    const tables = this.#kernel.tables();
    if (tables.length === 0) return undefined;
    const { family, name } = chance.pick(tables);
    const elements = [...this.#kernel.list(OUR_TABLES).elements].flatMap(([set, keyed]) =>
      set === POSITION_PATH ? [] : [...keyed.values()].map((element) => ({ set, element }))
    );
    if (elements.length === 0 || chance.once(3)) {
      return { verb: "delete", noun: "table", family, table: name };
    }
    const stolen = chance.pick(elements);
    const container = CONTAINERS.get(stolen.set);
    return container && { verb: "delete", noun: "element", container, ...stolen };
  }
}

/** The operations on elements in a batch, without those on the position. */
function changesIn(transaction: Transaction): number {
  return transaction.filter((operation) => operation.noun === "element" && operation.set !== POSITION_PATH)
    .length;
}
