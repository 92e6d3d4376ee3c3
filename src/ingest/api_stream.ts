// A watch's body as lines, guarded: an idle stream is given up, a line cut by the end of the stream is an error, and no
// line may be longer than a record of the ledger.

import { RECORD_BYTES_MAX } from "../limits.ts";

/** Most that is read at once. */
const READ_BYTES = 64 * 1024;

/** Nothing came for too long: the connection is dead though nobody said so. */
export class IdleWatch extends Error {
  override readonly name = "IdleWatch";

  constructor(milliseconds: number) {
    super(`nothing came for ${milliseconds / 1000} s`);
  }
}

/** The stream broke off or does not make sense. */
export class BrokenWatch extends Error {
  override readonly name = "BrokenWatch";
}

/** How a body is read. */
export interface Reading {
  /** Without a byte for this long the stream is given up. */
  readonly idleMilliseconds: number;
  /** Told of every chunk. */
  readonly heard: () => void;
  readonly signal: AbortSignal;
}

/**
 * Parses `body` as lines of JSON. Throws {@link IdleWatch}, {@link BrokenWatch} for a line that is cut, too long, or not
 * JSON, and the reason of the signal once that aborts.
 */
export async function* jsonLines(
  body: ReadableStream<Uint8Array>,
  reading: Reading,
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks(body, reading)) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    // A long line comes in many chunks: it is put together once, when it is whole.
    lines[0] = rest + lines[0]!;
    rest = lines.pop()!;
    if (rest.length > RECORD_BYTES_MAX) {
      throw new BrokenWatch(`a line of more than ${RECORD_BYTES_MAX} bytes`);
    }
    for (const line of lines) if (line !== "") yield parse(line);
  }
  if (rest.trim() !== "") throw new BrokenWatch("the stream ended in the middle of a line");
}

/**
 * The chunks of `body`; each is overwritten by the next. Throws {@link IdleWatch}, and the reason of the signal once that
 * aborts.
 */
export async function* chunks(
  body: ReadableStream<Uint8Array>,
  { idleMilliseconds, heard, signal }: Reading,
): AsyncGenerator<Uint8Array> {
  // Into one buffer: else the runtime makes one of 64 KiB for every read, and a list may be a read for each object.
  const reader = body.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(READ_BYTES);
  // Ends a read that waits; Deno 2.9 can leave it waiting for ever though the signal of its fetch has aborted.
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  // One timer for the whole stream: a list may come in as many chunks as it has objects.
  let waitingSince: number | undefined;
  let idle = false;
  let timer = setTimeout(look, idleMilliseconds);
  function look() {
    const left = waitingSince === undefined
      ? idleMilliseconds
      : waitingSince + idleMilliseconds - performance.now();
    idle = left <= 0;
    if (idle) cancel();
    else timer = setTimeout(look, left);
  }
  try {
    for (;;) {
      waitingSince = performance.now();
      const { done, value } = await reader.read(new Uint8Array(buffer));
      waitingSince = undefined;
      signal.throwIfAborted();
      if (idle) throw new IdleWatch(idleMilliseconds);
      if (done) return;
      heard();
      yield value;
      buffer = value.buffer;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", cancel);
    await reader.cancel().catch(() => {});
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new BrokenWatch(`a line that is not JSON: ${(error as Error).message}`);
  }
}
