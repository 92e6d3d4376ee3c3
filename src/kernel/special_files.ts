// Files of /proc and /sys, through libc: Deno opens most of them only with --allow-all, which the program does not need
// otherwise.

import { SystemError } from "./system_error.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Flags of open(2) (asm-generic/fcntl.h). */
const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CLOEXEC = 0o2000000;
/** More than any file read here has; the rest of a longer one is not read. */
const READ_BYTES_MAX = 64 * 1024;

/** The text of the file at `path`. Throws {@link SystemError}. */
export function readSpecial(path: string): string {
  return withFile(path, O_RDONLY, (call, file) => {
    const bytes = new Uint8Array(READ_BYTES_MAX);
    const length = call("read", file, bytes);
    return new TextDecoder().decode(bytes.subarray(0, length));
  });
}

/** Writes `text` with one call of write(2), as such files require. Throws {@link SystemError}. */
export function writeSpecial(path: string, text: string): void {
  withFile(path, O_WRONLY, (call, file) => call("write", file, new TextEncoder().encode(text)));
}

type Call = (name: "read" | "write", file: number, bytes: Uint8Array<ArrayBuffer>) => number;

function withFile<T>(path: string, flags: number, use: (call: Call, file: number) => T): T {
  const libc = Deno.dlopen("libc.so.6", SYMBOLS);
  const { symbols } = libc;
  const checked = (operation: string, result: number) => {
    if (result >= 0) return result;
    const errno = new Deno.UnsafePointerView(symbols.__errno_location()!).getInt32();
    throw new SystemError(`${operation} ${path}`, errno);
  };
  let file = -1;
  try {
    file = checked("open", symbols.open(new TextEncoder().encode(`${path}\0`), flags | O_CLOEXEC));
    return use(
      (name, file, bytes) => checked(name, Number(symbols[name](file, bytes, BigInt(bytes.length)))),
      file,
    );
  } finally {
    if (file >= 0) symbols.close(file);
    libc.close();
  }
}
