// A kernel that refuses what a test wants.

import type { Kernel } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import type { Operation, Transaction } from "../../src/nft/transaction.ts";

/** A kernel that rejects what `fault` finds in a transaction, with the code of the error. */
export function rejecting(
  kernel: Kernel,
  fault: (transaction: Transaction) => readonly [Operation, number] | undefined,
): Kernel {
  return {
    commit(transaction) {
      const found = fault(transaction);
      if (found !== undefined) throw new KernelRejection(...found);
      return kernel.commit(transaction);
    },
    tables: () => kernel.tables(),
    chains: (table) => kernel.chains(table),
    generation: () => kernel.generation(),
    list: (tables) => kernel.list(tables),
    [Symbol.dispose]: () => {},
  };
}
