// Files of /proc and /sys, through libc: Deno opens most of them only with --allow-all, which the program does not need
// otherwise.

import { SPECIAL_FILE_BYTES_MAX } from "../limits/commits.ts";
import { kernelLibc, lastErrno } from "./libc.ts";
import { SystemError } from "./system_error.ts";

/** Flags of open(2) (asm-generic/fcntl.h). */
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
/** Length of an entry in a struct linux_dirent64 (getdents64(2)). */
const RECORD_LENGTH_AT = 16;
const DIRECTORY_BYTES = 32 * 1024;

/** The text of the file at `path`, at most {@link SPECIAL_FILE_BYTES_MAX} bytes of it. Throws {@link SystemError}. */
export function readSpecial(path: string): string {
  const file = new SpecialFile(path, O_RDONLY);
  try {
    return new TextDecoder().decode(file.read());
  } finally {
    file[Symbol.dispose]();
  }
}

/** Writes `text` with one call of write(2), as such files require. Throws {@link SystemError}. */
export function writeSpecial(path: string, text: string): void {
  const file = new SpecialFile(path, O_WRONLY);
  try {
    file.write(new TextEncoder().encode(text));
  } finally {
    file[Symbol.dispose]();
  }
}

/** How many files this process has open. Throws {@link SystemError}. */
export function openDescriptors(): number {
  const folder = new SpecialFile("/proc/self/fd", O_RDONLY);
  try {
    // Without `.`, `..` and the folder itself.
    return folder.entries() - 3;
  } finally {
    folder[Symbol.dispose]();
  }
}

/** An open file. Its methods throw {@link SystemError} with the path. */
class SpecialFile {
  readonly #libc = kernelLibc();
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string, flags: number) {
    this.#path = path;
    const name = new TextEncoder().encode(`${path}\0`);
    try {
      this.#descriptor = this.#checked("open", this.#libc.symbols.open(name, flags | O_CLOEXEC));
    } catch (error) {
      this.#libc.close();
      throw error;
    }
  }

  /** The number of entries of a folder. */
  entries(): number {
    const bytes = new Uint8Array(DIRECTORY_BYTES);
    const view = new DataView(bytes.buffer);
    let count = 0;
    for (;;) {
      const result = this.#libc.symbols.getdents64(this.#descriptor, bytes, BigInt(bytes.length));
      const length = this.#checked("getdents64", Number(result));
      if (length === 0) return count;
      for (let at = 0; at < length; at += view.getUint16(at + RECORD_LENGTH_AT, true)) count++;
    }
  }

  /** Reads to the end. One read(2) is not enough: a file of lines gives out a page at a time (fs/seq_file.c, 6.1). */
  read(): Uint8Array {
    const bytes = new Uint8Array(SPECIAL_FILE_BYTES_MAX);
    let length = 0;
    while (length < bytes.length) {
      const rest = bytes.subarray(length);
      const count = this.#libc.symbols.read(this.#descriptor, rest, BigInt(rest.length));
      if (count === 0n) break;
      length += this.#checked("read", Number(count));
    }
    return bytes.subarray(0, length);
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    const count = this.#libc.symbols.write(this.#descriptor, bytes, BigInt(bytes.length));
    this.#checked("write", Number(count));
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#descriptor);
    this.#libc.close();
  }

  /** The `result` of a call that was not -1. */
  #checked(operation: string, result: number): number {
    if (result >= 0) return result;
    throw new SystemError(`${operation} ${this.#path}`, lastErrno(this.#libc));
  }
}
