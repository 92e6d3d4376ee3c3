// What is at a path of the ledger's folder, and whose it is. Links are not followed.

import { call, type DiskWork } from "./disk_work.ts";
import type { FileIdentity } from "./open_file.ts";

/** Whether the open file `identity` is what is at `path`, which is no link. */
export function* isAt(path: string, identity: FileIdentity): DiskWork<boolean> {
  return isSame(identity, yield* stateOf(path));
}

export function isSame(here: FileIdentity, there: FileIdentity | undefined): boolean {
  return here.dev === there?.dev && here.ino === there.ino;
}

/** What is at `path`, without following a link; undefined where there is nothing. */
export function stateOf(path: string): DiskWork<Deno.FileInfo | undefined> {
  return orUndefined(call(() => Deno.lstatSync(path), () => Deno.lstat(path)));
}

/** Undefined where there is nothing. */
export function* orUndefined<Result>(look: DiskWork<Result>): DiskWork<Result | undefined> {
  try {
    return yield* look;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Throws where a file of a user other than `owner` is at `path`. */
export function* requireOwner(path: string, owner: number | undefined): DiskWork<void> {
  const uid = (yield* stateOf(path))?.uid ?? undefined;
  if (owner === undefined || uid === undefined || uid === owner) return;
  const message = `${path} belongs to user ${uid}, and this program runs as user ${owner}`;
  throw Object.assign(new Error(message), { code: "EPERM" });
}

export function notOurs(path: string): Error {
  return Object.assign(new Error(`${path}: it is a link, or not a file`), { code: "EINVAL" });
}
