// Opens the C library by its absolute path. Why not by its name alone? The runtime can allow one library only by its path
// (--allow-ffi=PATH), and the linker would search a name in folders of the environment (LD_LIBRARY_PATH) first.

import { messageOf } from "../thrown.ts";

/** Where distributions have glibc, for `architecture` as Deno names it: Debian, Ubuntu and the image; then Fedora and Arch. */
export function libcPaths(architecture: string): readonly [string, ...string[]] {
  return [`/lib/${architecture}-linux-gnu/libc.so.6`, "/lib64/libc.so.6"];
}

/** Functions with which {@link lastErrno} reads errno; add them to the others. */
const ERRNO_SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  memcpy: { parameters: ["buffer", "pointer", "usize"], result: "pointer" },
} as const;

/**
 * The errno of the last call, which must be read before any other. Why not with Deno.UnsafePointerView? It can read all of the
 * memory, so Deno allows it only together with every library.
 */
export function lastErrno({ symbols }: Pick<Deno.DynamicLibrary<typeof ERRNO_SYMBOLS>, "symbols">): number {
  const errno = new Int32Array(1);
  symbols.memcpy(errno, symbols.__errno_location(), BigInt(errno.byteLength));
  return errno[0]!;
}

/** The functions `symbols` of the C library. Throws NotFound or NotCapable, with every path that was tried. */
export function openLibc<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
  paths: readonly string[] = libcPaths(Deno.build.arch),
): Deno.DynamicLibrary<Symbols> {
  const failures: string[] = [];
  let refused = false;
  for (const path of paths) {
    try {
      return Deno.dlopen(path, symbols);
    } catch (error) {
      const capable = !(error instanceof Deno.errors.NotCapable);
      refused ||= !capable;
      failures.push(`${path}: ${capable ? messageOf(error) : `the runtime lacks --allow-ffi=${path}`}`);
    }
  }
  const text = `the C library cannot be opened, and netlink needs it: ${failures.join("; ")}`;
  throw refused ? new Deno.errors.NotCapable(text) : new Deno.errors.NotFound(text);
}

/** A library that several users have open. */
export interface SharedLibc<Symbols extends Deno.ForeignLibraryInterface> {
  readonly symbols: Deno.DynamicLibrary<Symbols>["symbols"];
  /** Each user calls this once. */
  close(): void;
}

/**
 * The functions `symbols`, opened once for all who use them at a time. Why not for each? The runtime compiles code for every
 * function that is opened, which takes 0.1 ms or more, and a start has a dozen users.
 */
export function sharedLibc<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): () => SharedLibc<Symbols> {
  let opened: Deno.DynamicLibrary<Symbols> | undefined;
  let users = 0;
  return () => {
    const library = opened ??= openLibc(symbols);
    users++;
    return {
      symbols: library.symbols,
      close() {
        if (--users > 0) return;
        opened = undefined;
        library.close();
      },
    };
  };
}

/** The functions for sockets and files of the kernel. Each of their users may have opened them already. */
export const kernelLibc = sharedLibc(
  {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
    getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
    sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    open: { parameters: ["buffer", "i32"], result: "i32" },
    read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    close: { parameters: ["i32"], result: "i32" },
    ...ERRNO_SYMBOLS,
  } as const,
);
