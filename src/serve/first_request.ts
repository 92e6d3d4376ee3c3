// Passes on the head of a connection's first request, and drops what follows it: bodies, and further requests. Why not leave that to
// the parser? It reads all requests that have come before any of them is answered: 64 KiB of the shortest take half a second.

type Bytes = Uint8Array<ArrayBuffer>;

const LF = 0x0a;
const CR = 0x0d;

/** Cuts a stream behind the first empty line that follows a line. */
export class FirstHead {
  #began = false;
  /** Whether nothing but CR has come since the last line. */
  #empty = true;
  #ended = false;

  /** The part of `chunk` that belongs to the head; empty once that has ended. */
  take(chunk: Bytes): Bytes {
    if (this.#ended) return chunk.subarray(0, 0);
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === CR) continue;
      if (byte !== LF) {
        this.#began = true;
        this.#empty = false;
      } else if (this.#began && this.#empty) {
        this.#ended = true;
        return chunk.subarray(0, at + 1);
      } else {
        // Empty lines before a request are ignored (RFC 9112, 2.2).
        this.#empty = true;
      }
    }
    return chunk;
  }
}

/** Passes on the head of the first request in a stream of bytes. */
export function firstRequest(): TransformStream<Bytes, Bytes> {
  const head = new FirstHead();
  return new TransformStream({
    transform(chunk, controller) {
      const part = head.take(chunk);
      if (part.length > 0) controller.enqueue(part);
    },
  });
}
