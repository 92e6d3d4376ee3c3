// The kernel's no to a transaction, with the operation it means.

import { describeOperation, type Operation } from "../nft/transaction.ts";
import { errnoCode, errnoMeaning } from "./system_error.ts";

/** A rejected transaction: nothing of it was applied. */
export class KernelRejection extends Error {
  override readonly name = "KernelRejection";
  /** `ENOENT`, `EBUSY` ... */
  readonly code: string;

  /** `operation` is null where the kernel refused the batch as a whole; `batch` then says more about it. */
  constructor(readonly operation: Operation | null, readonly errno: number, batch = "the whole batch") {
    const what = operation === null ? batch : describeOperation(operation);
    super(`the kernel rejected ${what}: ${errnoMeaning(errno)} (${errnoCode(errno)})`);
    this.code = errnoCode(errno);
  }
}

/** Whether the operation's object, or one it refers to, does not exist. */
export function isNotFound(error: unknown): error is KernelRejection {
  return hasCode(error, "ENOENT");
}

/** Whether the object exists and is different. */
export function isExists(error: unknown): error is KernelRejection {
  return hasCode(error, "EEXIST");
}

/** Whether the object is still referred to. */
export function isBusy(error: unknown): error is KernelRejection {
  return hasCode(error, "EBUSY");
}

/** Whether the process lacks the privilege, or another process owns the table. */
export function isPermission(error: unknown): error is KernelRejection {
  return hasCode(error, "EPERM");
}

/** Whether the batch is larger than the socket takes. */
export function isTooLarge(error: unknown): error is KernelRejection {
  return hasCode(error, "EMSGSIZE") || hasCode(error, "ENOBUFS");
}

/** Refusals that say something about the operation named, and not about the process or the machine. */
const ABOUT_OBJECT = ["EINVAL", "EEXIST", "ENOENT", "EBUSY", "ERANGE", "EMLINK", "EOPNOTSUPP", "ENOTEMPTY"];

/** Whether another object in its place might have been taken. */
export function isAboutObject(error: KernelRejection): boolean {
  return error.operation !== null && ABOUT_OBJECT.includes(error.code);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof KernelRejection && error.code === code;
}
