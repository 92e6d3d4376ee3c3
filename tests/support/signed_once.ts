// Takes steps of checkpoints until one was signed, and no further: a node that ends there has its key still on the disk.

import type { LedgerWriter } from "../../src/ledger/writer.ts";
import type { Checkpoints } from "../../src/node/checkpoints.ts";

/** Returns once `checkpoints` have appended one record to `ledger`, or after 10,000 steps. */
export async function signedOnce(
  checkpoints: Checkpoints,
  ledger: Pick<LedgerWriter, "next">,
): Promise<void> {
  const { next } = ledger;
  for (let steps = 0; steps < 10_000 && ledger.next === next; steps++) {
    checkpoints.signWhereReady();
    checkpoints.wake();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
