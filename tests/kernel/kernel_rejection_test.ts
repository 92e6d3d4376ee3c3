// Rejections of the kernel: their message, and the predicates about their reason.

import assert from "node:assert/strict";
import {
  isAboutObject,
  isBusy,
  isExists,
  isNotFound,
  isPermission,
  isTooLarge,
  KernelRejection,
} from "../../src/kernel/kernel_rejection.ts";
import type { Operation } from "../../src/nft/transaction.ts";

const OPERATION: Operation = { verb: "delete", noun: "table", family: "ip", table: "t" };

Deno.test("a rejection names its operation, or the batch", () => {
  assert.match(new KernelRejection(OPERATION, 16).message, /rejected delete table ip t: .* \(EBUSY\)$/);
  assert.match(new KernelRejection(null, 90, "a batch of 9 bytes").message, /rejected a batch of 9 bytes: /);
});

Deno.test("each errno has its predicate", () => {
  const cases = [[isNotFound, 2], [isExists, 17], [isBusy, 16], [isPermission, 1], [isTooLarge, 90]] as const;
  for (const [predicate, errno] of cases) {
    for (const [, other] of cases) {
      assert.equal(predicate(new KernelRejection(OPERATION, other)), other === errno, `${errno} ${other}`);
    }
  }
  assert.equal(isNotFound(new Error("ENOENT")), false);
});

Deno.test("a rejection is about the object only where it names an operation", () => {
  assert.ok(isAboutObject(new KernelRejection(OPERATION, 22)));
  assert.ok(!isAboutObject(new KernelRejection(null, 22)));
  assert.ok(!isAboutObject(new KernelRejection(OPERATION, 12)), "out of memory");
});
