// Compression with zstd (RFC 8878). Why not simply call the asynchronous zstdCompress? In Deno 2.9 it blocks the event loop
// until it is done: 70 ms for 10 MB. So data is compressed in small steps. Decompression has a limit, because a small file
// can decompress to gigabytes.

import { constants, createZstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { joinedChunks } from "../byte_chunks.ts";
import {
  BLOCK_BYTES_MAX,
  COMPRESSED_BYTES_MAX,
  HEAD_LINE_BYTES_MAX,
  LINE_BYTES_MAX,
  SEGMENT_BYTES,
} from "../limits/ledger.ts";
import { codeOf, messageOf } from "../thrown.ts";
import { call, type DiskWork } from "./disk_work.ts";
import type { Storage } from "./storage.ts";
import { blocksLength, zstdFrames } from "./zstd_frames.ts";

const STEP_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
/** A frame of at most so many blocks is decompressed at once: what this program compresses has no more. */
const BLOCKS_AT_ONCE = (SEGMENT_BYTES + LINE_BYTES_MAX) / BLOCK_BYTES_MAX;
/** A frame is decompressed in chunks of so many times its own size: JSON is seldom longer, so there is one chunk. */
const CHUNK_FACTOR = 64;
const CHUNK_BYTES_MIN = 16 * 1024;
const CHUNK_BYTES_MAX = 16 * 1024 * 1024;
/** A longer frame is looked at in parts; the first one is just large enough for a line that is too long. */
const BLOCKS_FIRST = LINE_BYTES_MAX / BLOCK_BYTES_MAX + 2;

/** Makes one zstd frame of the pieces that it is given. */
export class FrameCompressor {
  readonly #compressor = createZstdCompress();
  readonly #chunks: Uint8Array[] = [];
  readonly #done = new Promise<void>((resolve, reject) => {
    this.#compressor.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
    this.#compressor.on("end", resolve).on("error", reject);
  });

  write(piece: string | Uint8Array): void {
    this.#compressor.write(piece);
  }

  async finish(): Promise<Uint8Array> {
    this.#compressor.end();
    await this.#done;
    return joinedChunks(this.#chunks);
  }
}

/** Compresses `pieces` into one zstd frame. After each piece the event loop can run other work. */
export async function compressInSteps(pieces: Iterable<string | Uint8Array>): Promise<Uint8Array> {
  const compressor = new FrameCompressor();
  for (const piece of pieces) {
    compressor.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return await compressor.finish();
}

/** `bytes` in one zstd frame. Where the caller may not block, they are compressed in steps. */
export function compressed(bytes: Uint8Array): DiskWork<Uint8Array> {
  return call(() => zstdCompressSync(bytes), () => compressInSteps(inPieces(bytes)));
}

/** Cuts `bytes` into pieces for {@link compressInSteps}. */
export function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += STEP_BYTES) yield bytes.subarray(at, at + STEP_BYTES);
}

/** The decompressed content of file `name`, or the reason why there is none. Stops once it has more than `most` bytes. */
export function readDecompressed(storage: Storage, name: string, most: number): Uint8Array | string {
  const { bytes, problem } = readDecompressedPart(storage, name, most);
  return problem ?? bytes;
}

/** As {@link readDecompressed}, but with the bytes before the problem as well. */
export function readDecompressedPart(
  storage: Storage,
  name: string,
  most: number,
): { readonly bytes: Uint8Array; readonly problem: string | undefined } {
  const size = storage.size(name);
  const sizeMax = Math.min(most, COMPRESSED_BYTES_MAX);
  if (size > sizeMax) {
    return { bytes: new Uint8Array(), problem: `a file of ${size} bytes, at most ${sizeMax}` };
  }
  const { frames, problem } = zstdFrames(storage.read(name));
  const parts: Uint8Array[] = [];
  let length = 0;
  let unended = 0;
  for (const frame of frames) {
    const part = endlessLine(frame, most - length, unended) ?? decompressed(frame, most - length);
    if (typeof part === "string") return { bytes: joinedChunks(parts), problem: part };
    parts.push(part);
    length += part.length;
    unended = unendedLength(part, unended);
    if (unended > LINE_BYTES_MAX) return { bytes: joinedChunks(parts), problem: TOO_LONG };
  }
  return { bytes: joinedChunks(parts), problem };
}

const TOO_LONG = `more than ${LINE_BYTES_MAX} bytes when decompressed, without the end of a line`;

/**
 * Finds a line without an end in a long frame before all of it is in memory; returns what is wrong with the frame. The runtime
 * cannot continue a synchronous decompression, so each look begins anew and is twice as long.
 */
function endlessLine(frame: Uint8Array, most: number, unended: number): string | undefined {
  if (blocksLength(frame, BLOCKS_AT_ONCE) >= frame.length) return undefined;
  for (let blocks = BLOCKS_FIRST;; blocks *= 2) {
    const end = blocksLength(frame, blocks);
    if (end >= frame.length) return undefined;
    const part = decompressed(frame.subarray(0, end), most, constants.ZSTD_e_flush);
    if (typeof part === "string") return part;
    if (unendedLength(part, unended) > LINE_BYTES_MAX) return TOO_LONG;
  }
}

/** How long the last line is after `part`, if it had `before` bytes before. */
function unendedLength(part: Uint8Array, before: number): number {
  const newline = part.lastIndexOf(NEWLINE);
  return newline < 0 ? before + part.length : part.length - newline - 1;
}

/** As {@link decompressedHead}, of the first `length` bytes of file `name`. */
export function readDecompressedHead(storage: Storage, name: string, length: number): Uint8Array | string {
  return decompressedHead(storage.read(name, 0, length));
}

/**
 * The first line in the first bytes of a file, and what follows it in its block, or the reason why there is none. No more is
 * decompressed than a few blocks, because bytes in one repeat a thousand others. Other programs may write frames without content
 * before it.
 */
export function decompressedHead(head: Uint8Array): Uint8Array | string {
  const { frames, problem = "it is empty" } = zstdFrames(head);
  const parts: Uint8Array[] = [];
  let most = HEAD_LINE_BYTES_MAX;
  for (const frame of frames) {
    const part = frameHead(frame, Math.max(1, most));
    if (typeof part === "string") return part;
    parts.push(part);
    if (part.includes(NEWLINE)) break;
    most -= part.length;
  }
  return parts.length === 0 ? problem : joinedChunks(parts);
}

/** The first blocks of `frame`, as far as the first one in which a line ends. Each look begins anew, as in {@link endlessLine}. */
function frameHead(frame: Uint8Array, most: number): Uint8Array | string {
  for (let blocks = 1;; blocks *= 2) {
    const end = blocksLength(frame, blocks);
    const part = decompressed(frame.subarray(0, end), most, constants.ZSTD_e_flush);
    if (typeof part === "string" || part.includes(NEWLINE) || end >= frame.length) return part;
  }
}

function decompressed(
  bytes: Uint8Array,
  maxOutputLength: number,
  finishFlush: number = constants.ZSTD_e_end,
): Uint8Array | string {
  try {
    // The runtime copies the content of several chunks into one once more.
    const chunkSize = Math.max(
      CHUNK_BYTES_MIN,
      Math.min(CHUNK_FACTOR * bytes.length, CHUNK_BYTES_MAX, maxOutputLength),
    );
    const { buffer, byteOffset, length } = zstdDecompressSync(bytes, {
      maxOutputLength,
      finishFlush,
      chunkSize,
    });
    // Not the Buffer itself: in Deno 2.9 its indexOf and subarray take twice as long, and readers cut it into thousands of lines.
    return new Uint8Array(buffer, byteOffset, length);
  } catch (error) {
    const tooLarge = codeOf(error) === "ERR_BUFFER_TOO_LARGE";
    return tooLarge ? `more than ${maxOutputLength} bytes when decompressed` : messageOf(error);
  }
}
