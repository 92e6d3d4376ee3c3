// Compression with zstd (RFC 8878). Why not simply call the asynchronous zstdCompress? In Deno 2.9 it blocks the event loop
// until it is done: 70 ms for 10 MB. So data is compressed in small steps. Decompression has a limit, because a small file
// can decompress to gigabytes.

import { constants, createZstdCompress, zstdDecompressSync } from "node:zlib";
import { byteLength, joinedChunks } from "../byte_chunks.ts";
import { codeOf, messageOf } from "../thrown.ts";
import type { Storage } from "./storage.ts";
import { zstdFrames } from "./zstd_frames.ts";

const STEP_BYTES = 256 * 1024;

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
  if (size > most) return { bytes: new Uint8Array(), problem: `a file of ${size} bytes, at most ${most}` };
  const { frames, problem } = zstdFrames(storage.read(name));
  const parts: Uint8Array[] = [];
  for (const frame of frames) {
    const part = decompressed(frame, most - byteLength(parts));
    if (typeof part === "string") return { bytes: joinedChunks(parts), problem: part };
    parts.push(part);
  }
  return { bytes: joinedChunks(parts), problem };
}

/** As {@link readDecompressed}, but only of the first `length` bytes of the file. */
export function readDecompressedHead(
  storage: Storage,
  name: string,
  length: number,
  most: number,
): Uint8Array | string {
  return decompressed(storage.read(name, 0, length), most, constants.ZSTD_e_flush);
}

function decompressed(
  bytes: Uint8Array,
  maxOutputLength: number,
  finishFlush: number = constants.ZSTD_e_end,
): Uint8Array | string {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength, finishFlush });
  } catch (error) {
    const tooLarge = codeOf(error) === "ERR_BUFFER_TOO_LARGE";
    return tooLarge ? `more than ${maxOutputLength} bytes when decompressed` : messageOf(error);
  }
}
