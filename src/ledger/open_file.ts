// An open file of the ledger, as work on a disk: its calls are made at once, or by other threads.

import { codeOf, messageOf } from "../thrown.ts";
import { call, type DiskWork, MadeCall, type Waitable } from "./disk_work.ts";

/** An open file whose calls other threads make; for some of them this thread can wait. */
export interface AsideFile {
  identity(): Promise<FileIdentity>;
  /** Reads some bytes from byte `at` on into `bytes`; the result is how many. */
  read(bytes: Uint8Array, at: number): Promise<number>;
  /** Writes some of `bytes` at the end, or at the beginning of a file that is not only appended to; the result is how many. */
  write(bytes: Uint8Array): Later<number>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  syncData(): Later<void>;
  /** False where another process has the lock. */
  tryLock(): Promise<boolean>;
  close(): Promise<void>;
}

type Later<Result> = Promise<Result> | Waitable<Result>;

/** `isWaited`: whether the writes and syncs are to be such that this thread can wait for them. Others answer sooner if it does not. */
export interface OpenHow extends Deno.OpenOptions {
  readonly isWaited?: boolean;
}

/** Opens the file at `path`; undefined where that is not possible. */
export type OpenAside = (path: string, how: OpenHow) => Promise<AsideFile | undefined>;

/** What stays the same while a file is open: it is asked for once, because each call of the disk is one on another thread. */
export type FileIdentity = Pick<Deno.FileInfo, "dev" | "ino">;

/** An open file: `here` where calls are made at once. */
export interface OpenFile {
  readonly here?: Deno.FsFile;
  readonly aside: AsideFile;
}

/** Whether the disk failed because it is full, or because its user may not have more of it. */
export function isRoomLacking(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT" || / \(os error 122\)/.test(messageOf(error));
}

/** Files are their user's alone. */
export const FILE_MODE = 0o600;

/** Opens a file, or a folder, for which nothing is written back when it is closed: its calls may be those of the runtime. */
export function openFile(path: string, options: OpenHow, aside?: OpenAside): DiskWork<OpenFile> {
  return call<OpenFile>(() => {
    const here = Deno.openSync(path, options);
    return { here, aside: asideOf(here) };
  }, async () => ({ aside: await openAside(path, options, aside) }));
}

/** Opens a file whose calls other threads make: with `aside`, or, where that is not possible, with the runtime. */
export async function openAside(
  path: string,
  options: OpenHow,
  aside: OpenAside | undefined,
): Promise<AsideFile> {
  return await aside?.(path, options) ?? asideOf(await Deno.open(path, options));
}

/** The runtime's own calls. */
function asideOf(file: Deno.FsFile): AsideFile {
  return {
    identity: () => file.stat(),
    async read(bytes, at) {
      await file.seek(at, Deno.SeekMode.Start);
      return await file.read(bytes) ?? 0;
    },
    write: (bytes) => file.write(bytes),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    syncData: () => file.syncData(),
    tryLock: () => file.tryLock(true),
    close: () => Promise.resolve(file.close()),
  };
}

export function* withFile<T>(
  path: string,
  options: Deno.OpenOptions,
  use: (file: OpenFile) => DiskWork<T>,
  aside?: OpenAside,
): DiskWork<T> {
  const file = yield* openFile(path, options, aside);
  try {
    return yield* use(file);
  } finally {
    yield* closeFile(file);
  }
}

export function closeFile({ here, aside }: OpenFile): DiskWork<void> {
  return call(() => here!.close(), () => aside.close());
}

export function* writeOpen({ here, aside }: OpenFile, bytes: Uint8Array): DiskWork<void> {
  for (let done = 0; done < bytes.length;) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const made = new MadeCall(() => here!.writeSync(rest), () => aside.write(rest));
    yield made;
    done += made.taken;
  }
}

/** Room behind what is read: a few bytes could be moved in memory while another thread reads them. */
const READ_BYTES_MIN = 128;

export function* readOpen({ here, aside }: OpenFile, at: number, length: number): DiskWork<Uint8Array> {
  const bytes = new Uint8Array(Math.max(length, READ_BYTES_MIN));
  let done = 0;
  while (done < length) {
    const rest = length - done < READ_BYTES_MIN
      ? new Uint8Array(READ_BYTES_MIN)
      : bytes.subarray(done, length);
    const from = at + done;
    const read = yield* call(() => {
      here!.seekSync(from, Deno.SeekMode.Start);
      return here!.readSync(rest) ?? 0;
    }, () => aside.read(rest, from));
    if (read === 0) break;
    if (rest.buffer !== bytes.buffer) bytes.set(rest.subarray(0, Math.min(read, length - done)), done);
    done += read;
  }
  return bytes.subarray(0, Math.min(done, length));
}

export function truncateOpen({ here, aside }: OpenFile, length: number): DiskWork<void> {
  return call(() => here!.truncateSync(length), () => aside.truncate(length));
}

export function syncOpen({ here, aside }: OpenFile): DiskWork<void> {
  return call(() => here!.syncSync(), () => aside.sync());
}

export function identityOf({ here, aside }: OpenFile): DiskWork<FileIdentity> {
  return call<FileIdentity>(() => here!.statSync(), () => aside.identity());
}
