// Sends the requests of reflectors to an API server, and hands each answer on: its head, the chunks of its body, its end. It
// also drives liveness.ts: it probes a silent connection, and aborts all requests of a dead one.

import { turn } from "../pause.ts";
import { messageOf } from "../thrown.ts";
import type { ApiCalls } from "./api_client.ts";
import { ApiFailure } from "./api_failure.ts";
import {
  LIVENESS_TIMES,
  livenessDeadline,
  type LivenessInput,
  type LivenessTimes,
  newLiveness,
  stepLiveness,
} from "./liveness.ts";
import type { Encoding, Query } from "./reflector_state.ts";
import type { WatchProblem } from "./source.ts";

/** The head of an answer. */
export interface Head {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string;
  /** Whether its connection can carry other requests at the same time (HTTP/2). */
  readonly shared: boolean;
}

/** An answer whose body was not read yet. */
interface Answer {
  readonly head: Head;
  readonly body: Body | null;
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Receives an answer, in order. Where it returns a promise, the connection waits for that before it reads on. */
export interface Receiver {
  head(head: Head): Promise<void> | undefined;
  /** The next chunk overwrites this one. */
  bytes(chunk: Uint8Array): Promise<void> | undefined;
  end(): Promise<void> | undefined;
  failed(problem: WatchProblem): Promise<void> | undefined;
}

/** A request that is open. */
export interface OpenRequest {
  /** Aborts the request. Its receiver is not called any more. */
  cancel(): void;
  /** Whether it was not sent yet, because its credentials are being made. */
  unsent(): boolean;
  /** Resolves once the request is over. */
  readonly closed: Promise<void>;
}

/** How far a request is. */
interface Progress {
  /** Whether its receiver must not be called any more. */
  cancelled: boolean;
  /** Whether its credentials are there. */
  ready: boolean;
}

/** Most bytes of one read. */
const READ_BYTES = 64 * 1024;
/**
 * Bytes of a body after which the event loop turns: a read of bytes that are there already gives it no chance, so nothing else would go on
 * before the end of a list that comes fast. JSON takes ten milliseconds for them.
 */
const TURN_BYTES = 256 * 1024;
/** Path of a probe; any answer counts. Every client may read it (system:public-info-viewer), and no queue delays it. */
const PROBE_PATH = "/livez";

/** The connection to one API server, which all its reflectors share. */
export class ApiConnection implements Disposable {
  readonly #client: ApiCalls;
  readonly #liveness;
  readonly #open = new Set<AbortController>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #probe: AbortController | undefined;

  constructor(client: ApiCalls, times: LivenessTimes = LIVENESS_TIMES) {
    this.#client = client;
    this.#liveness = newLiveness(times, performance.now());
  }

  /** Sends a GET of `path`; `receiver` receives the answer. */
  open(path: string, query: Query, encoding: Encoding, receiver: Receiver): OpenRequest {
    const stop = new AbortController();
    const progress = { cancelled: false, ready: false };
    // A list in gzip has an eighth of the bytes and costs the API server no more CPU time (10,000 Services, Kubernetes 1.37).
    const compressed = query["watch"] === undefined;
    const ask = async (ready: () => void) => {
      const options = { encoding, compressed, ready };
      const response = await this.#client.get(path, query, stop.signal, options);
      return { head: headOf(response), body: plainBody(response, compressed && this.#client.decompresses) };
    };
    const closed = this.#exchange(ask, receiver, stop, progress);
    const cancel = () => {
      progress.cancelled = true;
      stop.abort();
    };
    return { cancel, closed, unsent: () => !progress.ready };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#probe?.abort();
    this.#client[Symbol.dispose]();
  }

  /** Failures of the request go to the receiver. What the receiver itself throws is a fault of this program, and thrown on. */
  async #exchange(
    ask: (ready: () => void) => Promise<Answer>,
    receiver: Receiver,
    stop: AbortController,
    progress: Progress,
  ): Promise<void> {
    // The server is silent only once it has the request. Before, a program may be making credentials.
    const ready = () => {
      progress.ready = true;
      this.#open.add(stop);
      this.#note({ kind: "asked" });
    };
    let problem: WatchProblem | undefined;
    let answered = false;
    try {
      const answer = await ask(ready)
        .catch((error) => void (problem = problemOf(stop.signal.reason ?? error, false)));
      if (answer !== undefined) {
        answered = true;
        this.#note({ kind: "answered" });
        if (!progress.cancelled) await receiver.head(answer.head);
        problem = await this.#read(answer, receiver, stop.signal);
      }
    } finally {
      this.#close(stop, answered);
    }
    if (progress.cancelled) return;
    if (problem === undefined) await receiver.end();
    else await receiver.failed(problem);
  }

  /** Reads a body to its end; returns the failure, if there is one. */
  async #read(
    { body }: Answer,
    receiver: Receiver,
    signal: AbortSignal,
  ): Promise<WatchProblem | undefined> {
    if (body === null) return undefined;
    // All reads use one buffer. Else the runtime would allocate 64 KiB for each read, and a list may take a read per object.
    const reader = body.getReader({ mode: "byob" });
    let buffer = new ArrayBuffer(READ_BYTES);
    let unturned = 0;
    // Ends a pending read. In Deno 2.9 it can stay pending for ever although the signal of its fetch has aborted.
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
        const wait = receiver.bytes(read.value);
        if (wait !== undefined) await wait;
        unturned += read.value.length;
        if (unturned >= TURN_BYTES) {
          unturned = 0;
          await turn();
        }
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
    // Why not simply set the timer again? That would cost a timer per chunk. One that fires too early is set again.
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
      const response = await this.#client.probe(PROBE_PATH, stop.signal);
      await response.body?.cancel();
      if (this.#probe === stop) this.#note({ kind: "probed" });
    } catch {
      // Where the connection is refused or reset, the requests that use it fail as well and report it.
    }
  }

  #replace(text: string): void {
    this.#client.replaceConnections();
    for (const stop of [...this.#open]) stop.abort(new ApiFailure("silent", text));
  }
}

/** HTTP/2 shares one connection and forbids these two headers (RFC 9113, 8.2.2). So their absence means HTTP/2. */
function headOf({ status, headers }: Response): Head {
  return {
    status,
    contentType: headers.get("content-type") ?? "",
    retryAfter: headers.get("retry-after") ?? "",
    shared: !headers.has("transfer-encoding") && !headers.has("connection"),
  };
}

/** The body, decompressed. A server or a proxy may compress an answer that was not asked for in gzip. */
function plainBody({ body, headers }: Response, decompressed: boolean): Body | null {
  if (body === null || decompressed || headers.get("content-encoding") !== "gzip") return body;
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

function problemOf(error: unknown, answered: boolean): WatchProblem {
  if (error instanceof ApiFailure) return error;
  return { reason: answered ? "cut" : "unreachable", text: messageOf(error) };
}
