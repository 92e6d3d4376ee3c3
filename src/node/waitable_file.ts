// A file all of whose calls other threads make. Reads, writes and syncs are those of aio(7) of the C library, whose threads make them in
// their order: this thread can wait for them with a bound. Why not the runtime's own asynchronous calls? They answer through the event
// loop, and a commit that waits for its records holds the loop. And the runtime makes each of them on a copy of the descriptor, which the
// loop's own thread closes afterwards (Deno 2.9): close(2) may write back what is left, so it hangs where the disk does.

import { getSystemErrorName } from "node:util";
import { type AsideFile, type FileIdentity, openAside, type OpenHow } from "../ledger/open_file.ts";
import type { Waitable } from "../ledger/disk_work.ts";
import { assert } from "../invariant.ts";
import { kernelLibc, lastErrno, sharedLibc } from "../kernel/libc.ts";
import { ERRNO } from "../kernel/system_error.ts";
import { log } from "./log.ts";

const SYMBOLS = {
  open: { parameters: ["buffer", "i32", "u32"], result: "i32", nonblocking: true },
  fstat: { parameters: ["i32", "buffer"], result: "i32", nonblocking: true, optional: true },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize", nonblocking: true },
  ftruncate: { parameters: ["i32", "i64"], result: "i32", nonblocking: true },
  flock: { parameters: ["i32", "i32"], result: "i32", nonblocking: true },
  /** For its errno, which belongs to the thread. */
  flockHere: { name: "flock", parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32", nonblocking: true },
  /** The one of POSIX, which writes into the buffer. */
  __xpg_strerror_r: { parameters: ["i32", "buffer", "usize"], result: "i32", optional: true },
  memcpy: { parameters: ["buffer", "buffer", "usize"], result: "u64" },
  aio_init: { parameters: ["buffer"], result: "void", optional: true },
  aio_read: { parameters: ["buffer"], result: "i32", optional: true },
  aio_write: { parameters: ["buffer"], result: "i32", optional: true },
  aio_fsync: { parameters: ["i32", "buffer"], result: "i32", optional: true },
  aio_error: { parameters: ["buffer"], result: "i32", optional: true },
  aio_return: { parameters: ["buffer"], result: "isize", optional: true },
  aio_suspend: { parameters: ["buffer", "i32", "buffer"], result: "i32", optional: true },
} as const;

/** Flags of open(2) and aio_fsync(3) on x86_64 and aarch64 (asm-generic/fcntl.h). */
const O_WRONLY = 0o1;
const O_RDWR = 0o2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_APPEND = 0o2000;
const O_DSYNC = 0o10000;
const O_CLOEXEC = 0o2000000;
const O_SYNC = 0o4010000;
/** sys/file.h. */
const LOCK_EX_NB = 2 | 4;
const EINPROGRESS = 115;

/** At least sizeof(struct stat); st_dev and st_ino are its first two numbers (asm/stat.h of x86_64 and aarch64). */
const STAT_BYTES = 256;

/** At least sizeof(struct aiocb), and the places of its members (aio.h of glibc 2.36; musl 1.2 has the same). */
const AIOCB_BYTES = 256;
const AIO_FILDES = 0;
const AIO_BUF = 16;
const AIO_NBYTES = 24;
const AIO_OFFSET = 128;
const SIGEV_NOTIFY = 44;
const SIGEV_NONE = 1;

/**
 * A thread of the C library ends when it had nothing to do for so many seconds (aio_idle_time of struct aioinit), and the next call
 * starts another one.
 */
const IDLE_SECONDS = 3600;
const AIOINIT_INTS = 8;
/** Threads and requests at most, and idle seconds: their places in struct aioinit (aio.h of glibc). */
const AIOINIT = { threads: [0, 2], requests: [1, 16], idleSeconds: [6, IDLE_SECONDS] } as const;

/** An array of at most 64 bytes may be moved by the garbage collector. */
const MOVED_BYTES_MAX = 64;

/** Longest text of an error with its final zero. */
const ERROR_BYTES_MAX = 128;

const fileLibc = sharedLibc(SYMBOLS);

type Libc = ReturnType<typeof fileLibc>;

/** How long a file is waited for before it is looked at again, at most, in milliseconds. */
const PAUSE_MILLISECONDS_MAX = 500;

/** The result of a call on another thread, without blocking. */
async function answered<Result>(call: Waitable<Result>): Promise<Result> {
  for (let pause = 1; !call.done; pause = Math.min(2 * pause, PAUSE_MILLISECONDS_MAX)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return call.result();
}

/** Opens files; dispose of it once they are closed. */
export class WaitableFiles implements Disposable {
  #opened: Libc | undefined;
  #warned = false;

  /** Opens the file at `path` as Deno.open does; undefined where that cannot be. */
  async open(path: string, options: OpenHow): Promise<AsideFile | undefined> {
    const { symbols } = this.#libc;
    if (symbols.aio_write === null || symbols.fstat === null) {
      this.#warnOnce();
      return undefined;
    }
    const name = new TextEncoder().encode(`${path}\0`.padEnd(MOVED_BYTES_MAX + 1, "\0"));
    const descriptor = await symbols.open(name, flagsOf(options), options.mode ?? 0);
    return descriptor < 0 ? undefined : new AioFile(symbols, path, descriptor, options.isWaited === true);
  }

  get #libc(): Libc {
    if (this.#opened !== undefined) return this.#opened;
    const libc = this.#opened = fileLibc();
    const init = new Int32Array(AIOINIT_INTS);
    for (const [at, value] of Object.values(AIOINIT)) init[at] = value;
    libc.symbols.aio_init?.(init);
    return libc;
  }

  #warnOnce(): void {
    if (!this.#warned) {
      log.warn(
        "this C library has no aio(7), so a SIGKILL can lose the last records of the ledger: use glibc 2.34 or later",
      );
    }
    this.#warned = true;
  }

  [Symbol.dispose](): void {
    this.#opened?.close();
    this.#opened = undefined;
  }
}

/** Opens the file at `path` for `use`, which other threads make the calls of, and closes it. */
export async function withAsideFile<Result>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: AsideFile) => Promise<Result>,
): Promise<Result> {
  const files = new WaitableFiles();
  let file: AsideFile | undefined;
  try {
    file = await openAside(path, options, (path, how) => files.open(path, how));
    return await use(file);
  } finally {
    await file?.close();
    files[Symbol.dispose]();
  }
}

type Calls = Libc["symbols"];

const NO_BYTES = new Uint8Array(0);

/** Its calls follow each other, so one block of memory and one list are enough. The system uses both until a call is done. */
class AioFile implements AsideFile {
  readonly #libc: Calls;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #isWaited: boolean;
  readonly #block = new Uint8Array(AIOCB_BYTES);
  readonly #view = new DataView(this.#block.buffer);
  readonly #list = new BigUint64Array(MOVED_BYTES_MAX / BigUint64Array.BYTES_PER_ELEMENT + 1);
  /** errno(3) of the last call: EINPROGRESS until it is done. */
  #errno = 0;
  /** What is written or read: it must stay in memory until the call is done. */
  #bytes: Uint8Array = NO_BYTES;
  readonly #moving = this.#call(() => {
    const moved = Number(this.#libc.aio_return!(this.#block));
    const { length } = this.#bytes;
    this.#bytes = NO_BYTES;
    assert(moved <= length, () => `aio(7) moved ${moved} of ${length} bytes`);
    return moved;
  });
  readonly #syncing = this.#call(() => {});

  constructor(libc: Calls, path: string, descriptor: number, isWaited: boolean) {
    this.#isWaited = isWaited;
    this.#libc = libc;
    this.#path = path;
    this.#descriptor = descriptor;
    this.#list[0] = addressOf(libc, this.#block);
  }

  write(bytes: Uint8Array): Promise<number> | Waitable<number> {
    const unmoved = bytes.length > MOVED_BYTES_MAX ? bytes : copied(bytes);
    this.#prepare(addressOf(this.#libc, unmoved), bytes.length);
    this.#bytes = unmoved;
    this.#begun(this.#libc.aio_write!(this.#block));
    return this.#isWaited ? this.#moving : answered(this.#moving);
  }

  async read(bytes: Uint8Array<ArrayBuffer>, at: number): Promise<number> {
    assert(bytes.length > MOVED_BYTES_MAX, "what is read stays where it is");
    const read = await this.#libc.pread(this.#descriptor, bytes, BigInt(bytes.length), BigInt(at));
    if (read >= 0n) return Number(read);
    // Of this one the errno is known.
    this.#prepare(addressOf(this.#libc, bytes), bytes.length, at);
    this.#bytes = bytes;
    this.#begun(this.#libc.aio_read!(this.#block));
    return await answered(this.#moving);
  }

  syncData(): Promise<void> | Waitable<void> {
    const call = this.#sync(O_DSYNC);
    return this.#isWaited ? call : answered(call);
  }

  sync(): Promise<void> {
    return answered(this.#sync(O_SYNC));
  }

  #sync(flag: number): Waitable<void> {
    this.#prepare(0n, 0);
    this.#begun(this.#libc.aio_fsync!(flag, this.#block));
    return this.#syncing;
  }

  async identity(): Promise<FileIdentity> {
    const stat = new BigUint64Array(STAT_BYTES / BigUint64Array.BYTES_PER_ELEMENT);
    if ((await this.#libc.fstat!(this.#descriptor, stat)) < 0) throw unnamedError("fstat");
    return { dev: Number(stat[0]), ino: Number(stat[1]) };
  }

  async truncate(length: number): Promise<void> {
    if ((await this.#libc.ftruncate(this.#descriptor, BigInt(length))) >= 0) return;
    // That thread keeps its errno to itself, and it matters: a full btrfs refuses this too, and is to get room. The disk has just
    // answered, so the runtime's call does not hang either.
    const file = await Deno.open(this.#path, { write: true });
    try {
      const [mine, { dev, ino }] = [await this.identity(), await file.stat()];
      if (mine.dev !== dev || mine.ino !== ino) throw unnamedError("ftruncate");
      await file.truncate(length);
    } finally {
      file.close();
    }
  }

  async tryLock(): Promise<boolean> {
    if ((await this.#libc.flock(this.#descriptor, LOCK_EX_NB)) === 0) return true;
    // The disk has just answered another thread, which keeps its errno to itself.
    const calls = kernelLibc();
    try {
      if (this.#libc.flockHere(this.#descriptor, LOCK_EX_NB) === 0) return true;
      const errno = lastErrno(calls);
      if (errno === ERRNO.EAGAIN) return false;
      throw systemError(this.#libc, errno);
    } finally {
      calls.close();
    }
  }

  async close(): Promise<void> {
    await this.#libc.close(this.#descriptor);
  }

  #prepare(address: bigint, length: number, at = 0): void {
    assert(this.#errno !== EINPROGRESS, "a file has one call at a time");
    const view = this.#view;
    view.setInt32(AIO_FILDES, this.#descriptor, true);
    view.setBigUint64(AIO_BUF, address, true);
    view.setBigUint64(AIO_NBYTES, BigInt(length), true);
    view.setBigInt64(AIO_OFFSET, BigInt(at), true);
    view.setInt32(SIGEV_NOTIFY, SIGEV_NONE, true);
  }

  /** `answer` of the call that begins it: it fails where the system has no room for another thread or request. */
  #begun(answer: number): void {
    this.#errno = answer === 0 ? EINPROGRESS : ERRNO.EAGAIN;
  }

  #call<Result>(result: () => Result): Waitable<Result> {
    const isDone = () => this.#isDone();
    return {
      get done() {
        return isDone();
      },
      wait: (milliseconds) => this.#wait(milliseconds),
      result: () => {
        if (this.#errno !== 0) throw systemError(this.#libc, this.#errno);
        return result();
      },
    };
  }

  #isDone(): boolean {
    if (this.#errno === EINPROGRESS) this.#errno = this.#libc.aio_error!(this.#block);
    return this.#errno !== EINPROGRESS;
  }

  #wait(milliseconds: number): void {
    const deadline = performance.now() + milliseconds;
    // It also returns when a signal comes.
    while (!this.#isDone()) {
      const rest = deadline - performance.now();
      if (rest <= 0) return;
      const nanoseconds = BigInt(Math.ceil(rest * 1e6));
      const timeout = BigInt64Array.of(nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n);
      this.#libc.aio_suspend!(this.#list, 1, timeout);
    }
  }
}

/** memcpy(3) returns where it copies to. Why not Deno.UnsafePointer? Deno allows that only together with every library. */
function addressOf({ memcpy }: Calls, bytes: Uint8Array): bigint {
  return memcpy(bytes, bytes, 0n);
}

/** Where it does not move. */
function copied(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new ArrayBuffer(MOVED_BYTES_MAX + 1), 0, bytes.length);
  copy.set(bytes);
  return copy;
}

function flagsOf({ read, write, append, createNew }: Deno.OpenOptions): number {
  const access = !(write || append) ? 0 : read ? O_RDWR : O_WRONLY;
  return access | (append ? O_APPEND : 0) | (createNew ? O_CREAT | O_EXCL : 0) | O_CLOEXEC;
}

/** Of a call whose errno only the thread has that made it. */
function unnamedError(operation: string): Error {
  return Object.assign(new Error(`${operation} failed`), { code: "EIO" });
}

/** As the runtime throws it. */
function systemError(libc: Calls, errno: number): Error {
  const text = new Uint8Array(ERROR_BYTES_MAX);
  libc.__xpg_strerror_r?.(errno, text, BigInt(text.length));
  const words = new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
  // The runtime's list lacks some, such as EDQUOT: then Deno 2.9 has no text at all.
  const name: string | undefined = getSystemErrorName(-errno);
  const code = name?.startsWith("E") ? name : `E${errno}`;
  return Object.assign(new Error(`${words} (os error ${errno})`), { code });
}
