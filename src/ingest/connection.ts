// Requests to an API server as reflectors make them: one call brings the head of an answer and its body in chunks. The driver
// of liveness.ts: it probes a connection that is silent, and gives up all that goes over a dead one.

import type { ApiClient } from "./api_client.ts";
import { ApiFailure } from "./api_failure.ts";
import {
  LIVENESS_TIMES,
  livenessDeadline,
  type LivenessTimes,
  newLiveness,
  stepLiveness,
} from "./liveness.ts";
import type { LivenessInput } from "./liveness.ts";
import type { Query } from "./reflector_state.ts";
import type { Problem } from "./source.ts";

/** The head of an answer. */
export interface Head {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string;
  /** Whether its connection carries other requests too. */
  readonly shared: boolean;
}

/** Receives an answer, in order; it may make the connection wait. */
export interface Receiver {
  head(head: Head): Promise<void>;
  /** The chunk is overwritten by the next. */
  bytes(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
  failed(problem: Problem): Promise<void>;
}

/** A request that is open. */
export interface OpenRequest {
  /** Ends it; its receiver gets nothing more. */
  cancel(): void;
  /** Kept once it is over. */
  readonly closed: Promise<void>;
}

/** Most that is read at once. */
const READ_BYTES = 64 * 1024;
/** What a probe asks for: any answer will do. Every client may (system:public-info-viewer), and no queue delays it. */
const PROBE_PATH = "/livez";

/** The way to one API server, which all its reflectors share. */
export class ApiConnection implements Disposable {
  readonly #client: ApiClient;
  readonly #liveness;
  readonly #open = new Set<AbortController>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #probe: AbortController | undefined;

  constructor(client: ApiClient, times: LivenessTimes = LIVENESS_TIMES) {
    this.#client = client;
    this.#liveness = newLiveness(times, performance.now());
  }

  /** GET of `path`, answered to `receiver`. */
  open(path: string, query: Query, receiver: Receiver): OpenRequest {
    const stop = new AbortController();
    let cancelled = false;
    const closed = this.#exchange(path, query, receiver, stop, () => cancelled);
    const cancel = () => {
      cancelled = true;
      stop.abort();
    };
    return { cancel, closed };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#probe?.abort();
    this.#client[Symbol.dispose]();
  }

  /** What goes wrong on the way is a problem; what goes wrong in the receiver is its own, and thrown. */
  async #exchange(
    path: string,
    query: Query,
    receiver: Receiver,
    stop: AbortController,
    isCancelled: () => boolean,
  ): Promise<void> {
    this.#open.add(stop);
    this.#note({ kind: "asked" });
    let problem: Problem | undefined;
    let answered = false;
    try {
      const response = await this.#client.get(path, query, stop.signal)
        .catch((error) => void (problem = problemOf(stop.signal.reason ?? error, false)));
      if (response !== undefined) {
        answered = true;
        this.#note({ kind: "answered" });
        if (!isCancelled()) await receiver.head(headOf(response));
        problem = await this.#read(response, receiver, stop.signal);
      }
    } finally {
      this.#close(stop, answered);
    }
    if (isCancelled()) return;
    if (problem === undefined) await receiver.end();
    else await receiver.failed(problem);
  }

  /** Reads a body to its end; returns what went wrong. */
  async #read(
    response: Response,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<Problem | undefined> {
    const body = plainBody(response);
    if (body === null) return undefined;
    // Into one buffer: else the runtime makes one of 64 KiB for every read, and a list may be a read for each object.
    const reader = body.getReader({ mode: "byob" });
    let buffer = new ArrayBuffer(READ_BYTES);
    // Ends a read that waits; Deno 2.9 can leave it waiting for ever though the signal of its fetch has aborted.
    const cancel = () => void reader.cancel().catch(() => {});
    signal.addEventListener("abort", cancel);
    try {
      for (;;) {
        let read;
        try {
          signal.throwIfAborted();
          read = await reader.read(new Uint8Array(buffer));
          signal.throwIfAborted();
        } catch (error) {
          return problemOf(signal.reason ?? error, true);
        }
        if (read.done) return undefined;
        this.#note({ kind: "received" });
        await receiver.bytes(read.value);
        buffer = read.value.buffer;
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      await reader.cancel().catch(() => {});
    }
  }

  #close(stop: AbortController, answered: boolean): void {
    if (this.#open.delete(stop)) this.#note({ kind: "closed", answered });
  }

  #note(input: LivenessInput): void {
    for (const effect of stepLiveness(this.#liveness, input, performance.now())) {
      if (effect.kind === "probe") void this.#sendProbe();
      else this.#replace(effect.text);
    }
    const due = livenessDeadline(this.#liveness);
    if (due === undefined) return this.#disarm();
    // A timer that comes too early looks once more; making one for every chunk would cost more.
    if (this.#timer !== undefined && this.#timerAt <= due) return;
    this.#disarm();
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#disarm();
      this.#note({ kind: "time" });
    }, Math.max(0, due - performance.now()));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
    if (this.#liveness.probedAt === undefined) {
      this.#probe?.abort();
      this.#probe = undefined;
    }
  }

  async #sendProbe(): Promise<void> {
    const stop = this.#probe = new AbortController();
    try {
      const response = await this.#client.get(PROBE_PATH, {}, stop.signal);
      await response.body?.cancel();
      if (this.#probe === stop) this.#note({ kind: "probed" });
    } catch {
      // A connection that is refused or reset fails for the requests that use it too.
    }
  }

  #replace(text: string): void {
    this.#client.replaceConnections();
    for (const stop of [...this.#open]) stop.abort(new ApiFailure("silent", text));
  }
}

/** HTTP/2 has one connection for all, and neither of these headers (RFC 9113, 8.2.2). */
function headOf({ status, headers }: Response): Head {
  return {
    status,
    contentType: headers.get("content-type") ?? "",
    retryAfter: headers.get("retry-after") ?? "",
    shared: !headers.has("transfer-encoding") && !headers.has("connection"),
  };
}

/** The body, decompressed where the server, or a proxy in between, compresses though it was asked not to. */
function plainBody({ body, headers }: Response): ReadableStream<Uint8Array<ArrayBuffer>> | null {
  if (body === null || headers.get("content-encoding") !== "gzip") return body;
  const plain = body.pipeThrough(new DecompressionStream("gzip")).getReader();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { done, value } = await plain.read();
      if (!done) return controller.enqueue(value);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => plain.cancel(reason),
  });
}

function problemOf(error: unknown, answered: boolean): Problem {
  if (error instanceof ApiFailure) return error;
  const { message } = error as Error;
  return { reason: answered ? "cut" : "unreachable", text: message };
}
