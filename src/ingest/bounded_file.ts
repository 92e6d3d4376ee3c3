// Files read up to a limit: what is longer is refused as it is read, whether it is a file, a pipe or a device without end.

/** Most that is read at once. */
const READ_BYTES = 64 * 1024;

/** A file has more bytes than what it is for can have. */
export class FileTooLong extends Error {
  override readonly name = "FileTooLong";

  constructor(readonly path: string, readonly limit: number) {
    super(`${path}: more than ${limit} bytes`);
  }
}

/** A path leads to a pipe: whoever opens it waits for a writer, and for ever where there is none. */
export class FileIsPipe extends Error {
  override readonly name = "FileIsPipe";

  constructor(readonly path: string) {
    super(`${path}: it is a pipe`);
  }
}

/** Pipes that this process was given open: `<(kubectl get ...)` of a shell, and standard input. */
const OWN_PIPE = /^\/dev\/(stdin|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/;

/**
 * The text of the file at `path`. Throws {@link FileTooLong} beyond `limit` bytes, {@link FileIsPipe}, Deno's errors where it
 * cannot be read.
 */
export function readTextUpTo(path: string, limit: number): string {
  if (Deno.statSync(path).isFifo && !OWN_PIPE.test(path)) throw new FileIsPipe(path);
  using file = Deno.openSync(path);
  const { isFile, isDirectory, size } = file.statSync();
  if (isDirectory) throw new Deno.errors.IsADirectory(`Is a directory: ${path}`);
  if (isFile && size > limit) throw new FileTooLong(path, limit);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const part = new Uint8Array(Math.max(READ_BYTES, isFile ? size + 1 - length : 0));
    const read = file.readSync(part);
    if (read === null) break;
    length += read;
    if (length > limit) throw new FileTooLong(path, limit);
    parts.push(part.subarray(0, read));
  }
  return new TextDecoder().decode(joined(parts, length));
}

/** Why `error` kept a file from being read: a sentence without content of the file. */
export function readFault(error: unknown): string {
  if (error instanceof FileTooLong) return `more than ${error.limit} bytes`;
  if (error instanceof FileIsPipe) return "it is a pipe, and nothing may ever come";
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  return "it cannot be read";
}

/** Whether what kept a file from being read may pass though the file stays as it is: descriptors, memory, a disk. */
export function mayPass(error: unknown): boolean {
  return error instanceof Error && PASSING.has((error as { code?: string }).code ?? "");
}

/** errno(3). */
const PASSING: ReadonlySet<string> = new Set(
  ["EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EINTR"],
);

function joined(parts: readonly Uint8Array<ArrayBuffer>[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
