// zstd (RFC 8878) in small steps. The runtime's own asynchronous compression keeps the event loop from its work for as long
// as it takes (Deno 2.9): 70 ms for 10 MB.

import { createZstdCompress } from "node:zlib";

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
