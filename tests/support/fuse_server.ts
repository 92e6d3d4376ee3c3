// A file system in memory whose calls fail as a test wants, over FUSE (linux/fuse.h, protocol 7.31): the kernel calls this program
// for each call of another one. It mounts itself at its argument, in its own mount namespace, prints a line, and then executes the
// faults that it reads as lines of JSON from standard input, each answered by a line. It ends with the last of them.

import { openLibc } from "../../src/kernel/libc.ts";

/** What fails. */
export interface DiskFaults {
  /** The errno of each call of this kind from now on. */
  readonly read?: number;
  readonly write?: number;
  readonly fsync?: number;
  /** Bytes that can still be written. A write that needs more writes what fits, and the next one fails with ENOSPC. */
  readonly room?: number;
  /** Calls of this kind from now on are answered only when the faults change. */
  readonly held?: keyof typeof OPCODE;
}

const OPCODE = {
  ...{ LOOKUP: 1, FORGET: 2, GETATTR: 3, SETATTR: 4, MKDIR: 9, UNLINK: 10, RMDIR: 11, RENAME: 12, OPEN: 14 },
  ...{ READ: 15, WRITE: 16, STATFS: 17, RELEASE: 18, FSYNC: 20, FLUSH: 25, INIT: 26, OPENDIR: 27 },
  ...{ READDIR: 28, RELEASEDIR: 29, FSYNCDIR: 30, ACCESS: 34, CREATE: 35, INTERRUPT: 36, DESTROY: 38 },
  ...{ BATCH_FORGET: 42, RENAME2: 45 },
} as const;
const ENOENT = 2;
const EEXIST = 17;
const ENOSPC = 28;
const ENOSYS = 38;
const ENOTEMPTY = 39;
const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;
const MAX_WRITE = 128 * 1024;
const REQUEST_BYTES = MAX_WRITE + 4096;
const ROOT = 1n;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
/** The kernel asks for every read and write, and caches nothing. */
const FOPEN_DIRECT_IO = 1;
const FATTR_MODE = 1;
const FATTR_SIZE = 8;
const MS_NOSUID_NODEV = 2 | 4;

/** A file or folder. */
interface Inode {
  readonly id: bigint;
  mode: number;
  bytes: Uint8Array;
  size: number;
  /** Of a folder. */
  readonly children: Map<string, Inode> | undefined;
}

const inodes = new Map<bigint, Inode>();
let faults: DiskFaults = {};
let room = Infinity;
/** Calls that are not answered yet. */
let held: Request[] = [];

function newInode(mode: number): Inode {
  const id = BigInt(inodes.size) + ROOT;
  const children = (mode & S_IFDIR) === 0 ? undefined : new Map<string, Inode>();
  const inode = { id, mode, bytes: new Uint8Array(), size: 0, children };
  inodes.set(id, inode);
  return inode;
}

/** A request, and the parts that its answer is made from. */
class Request {
  readonly view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get opcode(): number {
    return this.view.getUint32(4, true);
  }

  get unique(): bigint {
    return this.view.getBigUint64(8, true);
  }

  get inode(): Inode {
    return inodes.get(this.view.getBigUint64(16, true))!;
  }

  u32(at: number): number {
    return this.view.getUint32(IN_HEADER_BYTES + at, true);
  }

  u64(at: number): number {
    return Number(this.view.getBigUint64(IN_HEADER_BYTES + at, true));
  }

  /** Texts that end with a zero, after so many bytes. */
  texts(at: number): string[] {
    return new TextDecoder().decode(this.bytes.subarray(IN_HEADER_BYTES + at)).split("\0");
  }

  data(at: number, length: number): Uint8Array {
    return this.bytes.subarray(IN_HEADER_BYTES + at, IN_HEADER_BYTES + at + length);
  }
}

/** Little-endian numbers, 4 bytes each; a bigint has 8. */
function packed(...numbers: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(numbers.reduce<number>((sum, n) => sum + (typeof n === "bigint" ? 8 : 4), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const n of numbers) {
    if (typeof n === "bigint") view.setBigUint64(at, n, true);
    else view.setUint32(at, n, true);
    at += typeof n === "bigint" ? 8 : 4;
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** struct fuse_attr. */
function attributes({ id, mode, size }: Inode): Uint8Array {
  const blocks = BigInt(Math.ceil(size / 512));
  return packed(id, BigInt(size), blocks, 0n, 0n, 0n, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0);
}

/** struct fuse_entry_out: nothing is cached. */
function entry(inode: Inode): Uint8Array {
  return joined(packed(inode.id, 0n, 0n, 0n, 0, 0), attributes(inode));
}

function attributesOut(inode: Inode): Uint8Array {
  return joined(packed(0n, 0, 0), attributes(inode));
}

const opened = () => packed(0n, FOPEN_DIRECT_IO, 0);

/** The answer to a request: its bytes, an errno, or undefined for none. */
function answer(request: Request): Uint8Array | number | undefined {
  const { inode } = request;
  const name = request.texts(0)[0]!;
  switch (request.opcode) {
    case OPCODE.INIT:
      return packed(7, 31, 0, 0, 0, MAX_WRITE, 1, 0, 0, ...Array<number>(7).fill(0));
    case OPCODE.LOOKUP: {
      const found = inode.children!.get(name);
      return found === undefined ? ENOENT : entry(found);
    }
    case OPCODE.GETATTR:
      return attributesOut(inode);
    case OPCODE.SETATTR:
      return setAttributes(request, inode);
    case OPCODE.MKDIR:
      return make(inode, request.texts(8)[0]!, S_IFDIR | request.u32(0));
    case OPCODE.CREATE: {
      const made = make(inode, request.texts(16)[0]!, S_IFREG | (request.u32(4) & 0o7777));
      return typeof made === "number" ? made : joined(made, opened());
    }
    case OPCODE.UNLINK:
      return inode.children!.delete(name) ? new Uint8Array() : ENOENT;
    case OPCODE.RMDIR:
      if (inode.children!.get(name)!.children!.size > 0) return ENOTEMPTY;
      inode.children!.delete(name);
      return new Uint8Array();
    case OPCODE.RENAME:
      return rename(request, inode, request.texts(8));
    case OPCODE.RENAME2:
      return rename(request, inode, request.texts(16));
    case OPCODE.OPEN:
    case OPCODE.OPENDIR:
      return opened();
    case OPCODE.READ:
      return faults.read ??
        inode.bytes.slice(request.u64(8), Math.min(inode.size, request.u64(8) + request.u32(16)));
    case OPCODE.WRITE:
      return write(request, inode);
    case OPCODE.FSYNC:
      return faults.fsync ?? new Uint8Array();
    case OPCODE.READDIR:
      return list(request, inode);
    case OPCODE.STATFS:
      return packed(
        1n << 20n,
        1n << 20n,
        1n << 20n,
        1n << 20n,
        1n << 20n,
        4096,
        255,
        4096,
        0,
        ...Array<number>(6).fill(0),
      );
    case OPCODE.FSYNCDIR:
    case OPCODE.FLUSH:
    case OPCODE.RELEASE:
    case OPCODE.RELEASEDIR:
    case OPCODE.ACCESS:
    case OPCODE.DESTROY:
      return new Uint8Array();
    case OPCODE.FORGET:
    case OPCODE.BATCH_FORGET:
    case OPCODE.INTERRUPT:
      return undefined;
    default:
      return ENOSYS;
  }
}

function setAttributes(request: Request, inode: Inode): Uint8Array {
  const valid = request.u32(0);
  if (valid & FATTR_MODE) inode.mode = (inode.mode & ~0o7777) | (request.u32(68) & 0o7777);
  if (valid & FATTR_SIZE) resize(inode, request.u64(16));
  return attributesOut(inode);
}

function make(folder: Inode, name: string, mode: number): Uint8Array | number {
  if (folder.children!.has(name)) return EEXIST;
  const inode = newInode(mode);
  folder.children!.set(name, inode);
  return entry(inode);
}

function rename(request: Request, from: Inode, [name, to]: readonly string[]): Uint8Array | number {
  const moved = from.children!.get(name!);
  if (moved === undefined) return ENOENT;
  from.children!.delete(name!);
  inodes.get(BigInt(request.u64(0)))!.children!.set(to!, moved);
  return new Uint8Array();
}

function write(request: Request, inode: Inode): Uint8Array | number {
  if (faults.write !== undefined) return faults.write;
  const [offset, size] = [request.u64(8), Math.min(request.u32(16), room)];
  if (size === 0) return ENOSPC;
  room -= size;
  if (offset + size > inode.size) resize(inode, offset + size);
  inode.bytes.set(request.data(40, size), offset);
  return packed(size, 0);
}

function resize(inode: Inode, size: number): void {
  if (size > inode.bytes.length) {
    const grown = new Uint8Array(2 * size);
    grown.set(inode.bytes.subarray(0, inode.size));
    inode.bytes = grown;
  } else inode.bytes.fill(0, size, inode.size);
  inode.size = size;
}

function list(request: Request, { children }: Inode): Uint8Array {
  const parts = [...children!].map(([name, { id, mode }], i) => {
    const text = new TextEncoder().encode(name);
    const padding = new Uint8Array((8 - text.length % 8) % 8);
    return joined(packed(id, BigInt(i + 1), text.length, mode >> 12), text, padding);
  });
  const answered: Uint8Array[] = [];
  let length = 0;
  for (const part of parts.slice(request.u64(8))) {
    length += part.length;
    if (length > request.u32(16)) break;
    answered.push(part);
  }
  return joined(...answered);
}

/** Mounts the file system of the requests that `device` has at `folder`. */
function mount(folder: string): void {
  const descriptor = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).find((name) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) === "/dev/fuse";
    } catch {
      return false;
    }
  });
  const libc = openLibc(
    { mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" } } as const,
  );
  const text = (words: string) => new TextEncoder().encode(`${words}\0`);
  const options = `fd=${descriptor},rootmode=40000,user_id=0,group_id=0`;
  const answer = libc.symbols.mount(
    text("faulty"),
    text(folder),
    text("fuse"),
    BigInt(MS_NOSUID_NODEV),
    text(options),
  );
  if (answer !== 0) throw new Error(`mount of ${folder} with ${options} failed`);
  libc.close();
}

async function serve(device: Deno.FsFile): Promise<void> {
  const buffer = new Uint8Array(REQUEST_BYTES);
  for (;;) {
    const length = (await device.read(buffer))!;
    const request = new Request(buffer.subarray(0, length));
    const isHeld = faults.held !== undefined && request.opcode === OPCODE[faults.held];
    if (isHeld) held.push(new Request(request.bytes.slice()));
    else execute(device, request);
  }
}

function execute(device: Deno.FsFile, request: Request): void {
  const answered = answer(request);
  if (answered === undefined) return;
  const body = typeof answered === "number" ? new Uint8Array() : answered;
  const error = typeof answered === "number" ? -answered : 0;
  device.writeSync(joined(packed(OUT_HEADER_BYTES + body.length, error, request.unique), body));
}

async function main(): Promise<void> {
  newInode(S_IFDIR | 0o755);
  using device = Deno.openSync("/dev/fuse", { read: true, write: true });
  mount(Deno.args[0]!);
  void serve(device).catch(() => Deno.exit(1));
  console.log("mounted");
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const line of lines) {
    faults = JSON.parse(line);
    room = faults.room ?? Infinity;
    const late = held;
    held = [];
    for (const request of late) execute(device, request);
    console.log("done");
  }
  Deno.exit(0);
}

if (import.meta.main) await main();
