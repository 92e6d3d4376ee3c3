// A transaction that the kernel rejected, with the operation that the error is about.

import { describeOperation, type Operation } from "../nft/transaction.ts";
import { errnoCode, errnoMeaning } from "./system_error.ts";

/** A rejected transaction. None of its operations was applied. */
export class KernelRejection extends Error {
  override readonly name = "KernelRejection";
  /** `ENOENT`, `EBUSY` ... */
  readonly code: string;

  /** `operation` is null where the error is about the batch as a whole; `batch` then describes it. */
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

/** Whether a different object of that name exists. */
export function isExists(error: unknown): error is KernelRejection {
  return hasCode(error, "EEXIST");
}

/** Whether something still refers to the object. */
export function isBusy(error: unknown): error is KernelRejection {
  return hasCode(error, "EBUSY");
}

/** Whether the process lacks the privilege, or another process owns the table. */
export function isPermission(error: unknown): error is KernelRejection {
  return hasCode(error, "EPERM");
}

/** Whether the kernel may accept a part of the batch: it was too large for the send buffer, or memory is short. */
export function isTooLarge(error: unknown): error is KernelRejection {
  return TOO_LARGE.some((code) => hasCode(error, code));
}

const TOO_LARGE = ["E2BIG", "ENOMEM", "EMSGSIZE", "ENOBUFS"];

/** Errors whose reason is the object of the operation, and not the process or the machine. */
const ABOUT_OBJECT = ["EINVAL", "EEXIST", "ENOENT", "EBUSY", "ERANGE", "EMLINK", "EOPNOTSUPP", "ENOTEMPTY"];

/** Whether the reason is the object of the operation: then the batch may be accepted without that object. */
export function isAboutObject(error: KernelRejection): boolean {
  return error.operation !== null && ABOUT_OBJECT.includes(error.code);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof KernelRejection && error.code === code;
}
