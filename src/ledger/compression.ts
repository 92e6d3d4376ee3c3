// zstd (RFC 8878): in small steps, as the runtime's own asynchronous compression keeps the event loop from its work for as
// long as it takes (Deno 2.9: 70 ms for 10 MB), and back with a bound, as some bytes may stand for gigabytes.

import { constants, createZstdCompress, zstdDecompressSync } from "node:zlib";
import type { Storage } from "./storage.ts";

const STEP_BYTES = 256 * 1024;

/** `pieces` as one zstd frame; whatever waits has its turn after each of them. */
export async function compressInSteps(pieces: Iterable<string | Uint8Array>): Promise<Uint8Array> {
  const compressor = createZstdCompress();
  const chunks: Uint8Array[] = [];
  compressor.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const done = new Promise<void>((resolve, reject) => compressor.on("end", resolve).on("error", reject));
  for (const piece of pieces) {
    compressor.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  compressor.end();
  await done;
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** `bytes` in pieces for {@link compressInSteps}. */
export function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += STEP_BYTES) yield bytes.subarray(at, at + STEP_BYTES);
}

/** What the file `name` stands for, or why it cannot be decompressed. What exceeds `most` bytes is not read further. */
export function readDecompressed(storage: Storage, name: string, most: number): Uint8Array | string {
  const size = storage.size(name);
  return size > most ? `a file of ${size} bytes, at most ${most}` : decompressed(storage.read(name), most);
}

/** What the first `length` bytes of the file `name` stand for, as {@link readDecompressed}. */
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
    const { code, message } = error as Error & { readonly code?: string };
    return code === "ERR_BUFFER_TOO_LARGE" ? `more than ${maxOutputLength} bytes when decompressed` : message;
  }
}
