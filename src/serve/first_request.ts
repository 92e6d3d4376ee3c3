// Passes on the head of a connection's first request, and nothing behind it: no body, no further request. Why not leave that to the
// parser? It reads all requests that have come before any of them is answered: 64 KiB of the shortest take half a second.

type Bytes = Uint8Array<ArrayBuffer>;

const LF = 0x0a;
const CR = 0x0d;

/** Cuts a stream behind the first empty line that follows a line. */
export class FirstHead {
  #began = false;
  /** Whether nothing but CR has come since the last line. */
  #empty = true;
  #ended = false;

  /** Whether all of it has come. */
  get ended(): boolean {
    return this.#ended;
  }

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

/**
 * The head of the first request in `stream`. Behind a whole head nothing is read, and it does not end: a client may close its half once
 * it has asked, and the runtime closes a connection whose end was read, so there would be no answer. Who answers cancels it.
 */
export function firstRequest(stream: ReadableStream<Bytes>): ReadableStream<Bytes> {
  const head = new FirstHead();
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      if (head.ended) return await new Promise(() => {});
      const { value, done } = await reader.read();
      if (done) return controller.close();
      controller.enqueue(head.take(value));
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
