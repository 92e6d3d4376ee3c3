// A watch's body as lines, guarded: an idle stream is given up, a line cut by the end of the stream is an error, and no
// line may be longer than a record of the ledger.

import { RECORD_BYTES_MAX } from "../limits.ts";

/** Nothing came for too long: the connection is dead though nobody said so. */
export class IdleWatch extends Error {
  override readonly name = "IdleWatch";
}

/** The stream broke off or does not make sense. */
export class BrokenWatch extends Error {
  override readonly name = "BrokenWatch";
}

/**
 * Parses `body` as lines of JSON. `heard` is told of every chunk. Throws {@link IdleWatch} when nothing comes for
 * `idleMilliseconds`, {@link BrokenWatch} for a line that is cut, too long, or not JSON.
 */
export async function* jsonLines(
  body: ReadableStream<Uint8Array>,
  idleMilliseconds: number,
  heard: () => void,
): AsyncGenerator<unknown> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), idleMilliseconds);
      if (done) break;
      heard();
      const lines = decoder.decode(value, { stream: true }).split("\n");
      // A long line comes in many chunks: it is put together once, when it is whole.
      lines[0] = rest + lines[0]!;
      rest = lines.pop()!;
      if (rest.length > RECORD_BYTES_MAX) {
        throw new BrokenWatch(`a line of more than ${RECORD_BYTES_MAX} bytes`);
      }
      for (const line of lines) if (line !== "") yield parse(line);
    }
    if (rest.trim() !== "") throw new BrokenWatch("the stream ended in the middle of a line");
  } finally {
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

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const idle = new Promise<never>((_, reject) => {
    const text = `nothing came for ${milliseconds / 1000} s`;
    timer = setTimeout(() => reject(new IdleWatch(text)), milliseconds);
  });
  try {
    return await Promise.race([promise, idle]);
  } finally {
    clearTimeout(timer);
  }
}
