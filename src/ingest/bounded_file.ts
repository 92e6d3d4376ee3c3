// Reads files up to a limit. A longer one is rejected while it is read, whether it is a file, a pipe or an endless device.
// Why not simply look at the size first? Pipes and devices have none, and a file can grow after the look.

import { joinedChunks } from "../byte_chunks.ts";
import { codeOf } from "../thrown.ts";

/** Most bytes of one read. */
const READ_BYTES = 64 * 1024;

/** A file has more bytes than its purpose allows. */
export class FileTooLong extends Error {
  override readonly name = "FileTooLong";

  constructor(readonly path: string, readonly limit: number) {
    super(`${path}: more than ${limit} bytes`);
  }
}

/**
 * A path leads to a pipe, or to a device: `what` it is. A program that opens a pipe waits until another program opens it for writing,
 * and one that reads a terminal waits for its user, perhaps for ever.
 */
export class FileIsPipe extends Error {
  override readonly name = "FileIsPipe";

  constructor(readonly path: string, readonly what: "pipe" | "device" = "pipe") {
    super(`${path}: it is a ${what}`);
  }
}

/** Pipes that this process received open: `<(kubectl get ...)` of a shell, and standard input. */
const OPEN_PIPE = /^\/dev\/(stdin|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/;

/** The device that always ends at once: users give it in place of an empty file. */
const NO_DEVICE = "/dev/null";

/**
 * The text of the file at `path`. Throws {@link FileTooLong} beyond `limit` bytes, {@link FileIsPipe}, and Deno's errors where
 * reading fails.
 */
export function readTextUpTo(path: string, limit: number): string {
  const { isFifo, isCharDevice, isBlockDevice } = Deno.statSync(path);
  const isOpen = OPEN_PIPE.test(path) || path === NO_DEVICE;
  if (isFifo && !isOpen) throw new FileIsPipe(path);
  if ((isCharDevice || isBlockDevice) && !isOpen) throw new FileIsPipe(path, "device");
  using file = Deno.openSync(path);
  const { isFile, isDirectory, size } = file.statSync();
  if (isDirectory) throw new Deno.errors.IsADirectory(`Is a directory: ${path}`);
  if (isFile && size > limit) throw new FileTooLong(path, limit);
  return readRest(file, path, limit, isFile ? size : 0);
}

/**
 * The text of standard input. To read it needs no permission of the runtime, other than to open a file. Throws {@link FileTooLong}, and
 * {@link FileIsPipe} where it is a terminal.
 */
export function readStandardInput(limit: number): string {
  if (Deno.stdin.isTerminal()) throw new FileIsPipe("standard input", "device");
  return readRest(Deno.stdin, "standard input", limit, 0);
}

/** Reads to the end. `size`: how much is expected. */
function readRest(
  file: { readSync(part: Uint8Array): number | null },
  path: string,
  limit: number,
  size: number,
): string {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = new Uint8Array(Math.max(READ_BYTES, size + 1 - length));
    const read = file.readSync(part);
    if (read === null) break;
    length += read;
    if (length > limit) throw new FileTooLong(path, limit);
    parts.push(part.subarray(0, read));
  }
  return new TextDecoder().decode(joinedChunks(parts));
}

/** Why a file could not be read, in words that contain nothing of the file. */
export function readFault(error: unknown): string {
  if (error instanceof FileTooLong) return `more than ${error.limit} bytes`;
  if (error instanceof FileIsPipe) return `it is a ${error.what}, not a file`;
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return "it cannot be read";
}

/** Whether a later read of the same file may work. Then the system was short of descriptors or memory, or a disk failed. */
export function isTransient(error: unknown): boolean {
  return TRANSIENT.has(String(codeOf(error)));
}

/** errno(3) codes. */
const TRANSIENT: ReadonlySet<string> = new Set(
  ["EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EINTR"],
);
