// A kernel behind a socket that accepts everything: it answers as the real one does, and nothing reaches that.

import assert from "node:assert/strict";
import { AcceptingSocket } from "../../src/kernel/accepting_socket.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const TABLE: Transaction = [{ noun: "table", verb: "add", family: "ip", table: "ledgerproxy" }];

Deno.test("a batch is accepted with the answers of the real kernel, which does not get it", () => {
  using real = new NetlinkKernel();
  let accepted = 0;
  using accepting = new NetlinkKernel(undefined, new AcceptingSocket(() => accepted++));
  const generation = real.generation();
  // The first batch of a kernel asks for the generation before, each later one names it.
  const made = [accepting.commit(TABLE), accepting.commit(TABLE)];
  assert.equal(accepted, 2);
  assert.equal(real.generation(), generation);
  assert.deepEqual(real.tables(), []);
  const receipt = ({ generation, operations, bytes }: typeof made[number], first: number) => [
    generation - first,
    operations,
    bytes,
  ];
  const again = [real.commit(TABLE), real.commit(TABLE)];
  assert.deepEqual(
    made.map((one) => receipt(one, made[0]!.generation)),
    again.map((one) => receipt(one, again[0]!.generation)),
  );
});
