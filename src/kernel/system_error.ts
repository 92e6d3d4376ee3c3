// Errors of the operating system: the name of each number, and what it means when nf_tables, netlink or a file of /proc
// returns it. The numbers are those of x86_64 and aarch64; some architectures have others.

/** The numbers of errors (asm-generic/errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  ENOTEMPTY: 39,
  ETIME: 62,
  EPROTO: 71,
  ERESTART: 85,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
} as const;

/** What each means for the object of the operation. */
const MEANINGS: Readonly<Record<number, string>> = {
  [ERRNO.EPERM]: "not permitted: this needs CAP_NET_ADMIN, and no other process may own the table",
  [ERRNO.ENOENT]: "it, or something it refers to, does not exist",
  [ERRNO.EINTR]: "interrupted: the ruleset changed meanwhile",
  [ERRNO.E2BIG]: "it is too large",
  [ERRNO.EAGAIN]: "no answer came in time",
  [ERRNO.ENOMEM]: "the kernel is out of memory",
  [ERRNO.EACCES]: "not permitted",
  [ERRNO.EBUSY]: "it is still referred to",
  [ERRNO.EEXIST]: "it exists already, and is different",
  [ERRNO.EINVAL]: "the kernel does not accept it",
  [ERRNO.ENFILE]: "the system has too many open files",
  [ERRNO.EMFILE]: "this process has too many open files",
  [ERRNO.ENOSPC]: "the set is full",
  [ERRNO.EROFS]: "the file system is read-only",
  [ERRNO.EMLINK]: "chains would lead back to themselves, or too deep",
  [ERRNO.ERANGE]: "a number is out of range",
  [ERRNO.ENOTEMPTY]: "it overlaps with another interval",
  [ERRNO.ETIME]: "the kernel took too long",
  [ERRNO.EPROTO]: "the message is malformed",
  [ERRNO.ERESTART]: "another program committed meanwhile",
  [ERRNO.EMSGSIZE]:
    "it is larger than the socket's send buffer: raise net.core.wmem_max to half of what is needed, or run with CAP_NET_ADMIN in the first user namespace",
  [ERRNO.EOPNOTSUPP]: "the kernel does not support it at this place",
  [ERRNO.ENOBUFS]: "the kernel dropped answers because the receive buffer was full",
} satisfies Record<(typeof ERRNO)[keyof typeof ERRNO], string>;

const CODES = new Map<number, string>(Object.entries(ERRNO).map(([code, errno]) => [errno, code]));

/** The name of an errno: `ENOENT`; `errno 123` for one that the list lacks. */
export function errnoCode(errno: number): string {
  return CODES.get(errno) ?? `errno ${errno}`;
}

/** What an errno means for the object of the operation. */
export function errnoMeaning(errno: number): string {
  return MEANINGS[errno] ?? "an error that this program does not know";
}

/** A system call or netlink request that failed. */
export class SystemError extends Error {
  override readonly name = "SystemError";

  constructor(readonly operation: string, readonly errno: number) {
    super(`${operation}: ${errnoMeaning(errno)} (${errnoCode(errno)})`);
  }
}

/** Whether other programs changed the kernel's rules so often that they could not be listed. It may be tried again. */
export function isInterrupted(error: unknown): error is SystemError {
  return error instanceof SystemError && error.errno === ERRNO.EINTR;
}
