// The error of a question about a position that the ledger cannot answer for.

/** A position that is no position, or that the ledger does not reach; the message says where the ledger ends or begins. */
export class WrongPosition extends Error {
  override readonly name = "WrongPosition";
}

/** Whether `error` says that a position is wrong. */
export function isWrongPosition(error: unknown): error is WrongPosition {
  return error instanceof WrongPosition;
}
