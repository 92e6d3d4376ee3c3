// Errors of the operating system: the name of each number, and what it means when nf_tables, netlink or a file of /proc
// returns it. The numbers are those of x86_64 and aarch64; some architectures have others.

/** Names and meanings (asm-generic/errno.h). A meaning completes "the kernel rejected this:" for the object that it names. */
const CODES: Readonly<Record<number, readonly [code: string, meaning: string]>> = {
  1: ["EPERM", "not permitted: this needs CAP_NET_ADMIN, and no other process may own the table"],
  2: ["ENOENT", "it, or something it refers to, does not exist"],
  4: ["EINTR", "interrupted: the ruleset changed meanwhile"],
  11: ["EAGAIN", "no answer came in time"],
  12: ["ENOMEM", "the kernel is out of memory"],
  13: ["EACCES", "not permitted"],
  16: ["EBUSY", "it is still referred to"],
  17: ["EEXIST", "it exists already, and is different"],
  22: ["EINVAL", "the kernel does not accept it"],
  23: ["ENFILE", "the system has too many open files"],
  24: ["EMFILE", "this process has too many open files"],
  28: ["ENOSPC", "the set is full"],
  30: ["EROFS", "the file system is read-only"],
  31: ["EMLINK", "chains would lead back to themselves, or too deep"],
  34: ["ERANGE", "a number is out of range"],
  39: ["ENOTEMPTY", "it overlaps with another interval"],
  62: ["ETIME", "the kernel took too long"],
  71: ["EPROTO", "the message is malformed"],
  90: [
    "EMSGSIZE",
    "it is larger than the socket's send buffer: raise net.core.wmem_max to half of what is needed, or run with CAP_NET_ADMIN in the first user namespace",
  ],
  95: ["EOPNOTSUPP", "the kernel does not support it at this place"],
  105: ["ENOBUFS", "the kernel dropped answers because the receive buffer was full"],
};

/** The name of an errno: `ENOENT`; `errno 123` for one that the list lacks. */
export function errnoCode(errno: number): string {
  return CODES[errno]?.[0] ?? `errno ${errno}`;
}

/** What an errno means for the object of the operation. */
export function errnoMeaning(errno: number): string {
  return CODES[errno]?.[1] ?? "an error that this program does not know";
}

/** A system call or netlink request that failed. */
export class SystemError extends Error {
  override readonly name = "SystemError";

  constructor(readonly operation: string, readonly errno: number) {
    super(`${operation}: ${errnoMeaning(errno)} (${errnoCode(errno)})`);
  }
}
