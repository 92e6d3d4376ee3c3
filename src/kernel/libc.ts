// Opens the C library by its absolute path. Why not by its name alone? The runtime can allow one library only by its path
// (--allow-ffi=PATH), and the linker would search a name in folders of the environment (LD_LIBRARY_PATH) first.

import { messageOf } from "../thrown.ts";

/** Where distributions have glibc, for `architecture` as Deno names it: Debian, Ubuntu and the image; then Fedora and Arch. */
export function libcPaths(architecture: string): readonly [string, ...string[]] {
  return [`/lib/${architecture}-linux-gnu/libc.so.6`, "/lib64/libc.so.6"];
}

/** Functions with which {@link lastErrno} reads errno; add them to the others. */
export const ERRNO_SYMBOLS = {
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
