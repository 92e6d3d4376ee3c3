// An HTTP server that no client can exhaust: one request for each connection, a bounded number of connections, and a few
// seconds for each.
//
// Why not Deno.serve or node:net? When an accept fails (EMFILE), Deno.serve ends the program, and node:net accepts no further
// connection (Deno 2.9.6). So this server accepts connections by itself; node:http parses the requests.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import process from "node:process";
import { Duplex } from "node:stream";
import type { Family } from "../nft/data_type.ts";
import { ACCEPT_RETRY_MILLISECONDS, ACCEPTS_PER_SECOND_MAX, HEADER_BYTES_MAX } from "../limits/serving.ts";
import { type Closing, Connections, type HeldPlace } from "./connections.ts";
import { firstRequest } from "./first_request.ts";
import { listenOn, type ServerAddress, type Sockets } from "./listening.ts";

/** A request. */
export interface HttpRequest {
  /** The path without the query: `/healthz`. */
  readonly path: string;
  /** The IP address of the client. */
  readonly client: string;
  /** The family in which it asks. */
  readonly family: Family;
  /** The types that the client accepts, as its header has them; "" where it has none. */
  readonly accept: string;
}

/** An answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Receives what a server notices beside its answers. */
export interface HttpNotes {
  /** A connection was closed before its answer was sent. */
  closed(why: Closing): void;
  /** The system could not give a connection: no descriptor, or no memory. */
  acceptFailed(code: string): void;
  /** An error was thrown while an answer was made. */
  failed(error: unknown): void;
}

/** Notes that are ignored. */
export const NO_NOTES: HttpNotes = { closed() {}, acceptFailed() {}, failed() {} };

/** What is known of an accepted connection. */
interface Accepted extends Pick<HttpRequest, "client" | "family"> {
  readonly place: HeldPlace;
  /** Whether its one request has been read. */
  asked: boolean;
}

/** The answer for a path that does not exist. */
export const NOT_FOUND: HttpAnswer = { status: 404, body: "not found\n" };
/** The answer where making one threw. It has no text of the error, because any client may read it. */
const FAILED: HttpAnswer = { status: 500, body: "internal error\n" };
/** Accepted connections are counted in slices of this length. */
const SLICE_MILLISECONDS = 100;
/** errno(3) of an accept whose client has gone already: the next accept may succeed. */
const GONE: ReadonlySet<string> = new Set(["ENOTCONN", "ECONNABORTED", "ECONNRESET", "EPROTO", "EPERM"]);

/** Listens until it is disposed of. The constructor throws AddrInUse and similar errors. */
export class HttpServer implements Disposable {
  readonly #sockets: Sockets;
  readonly #http: Server;
  readonly #accepted = new WeakMap<Duplex, Accepted>();
  readonly #open = new Set<Duplex>();
  #disposed = false;

  constructor(
    address: ServerAddress,
    readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>,
    readonly connections: Connections,
    readonly notes: HttpNotes,
  ) {
    this.#sockets = listenOn(address);
    // A bundle loads what it imports at each start, before any rule: here it is loaded when the first server is.
    this.#http = process.getBuiltinModule("node:http").createServer(
      { maxHeaderSize: HEADER_BYTES_MAX },
      (request, response) => void this.#respond(request, response),
    );
    this.#http.on("clientError", (error, socket) => this.#refuse(socket, errorCode(error)));
    for (const listener of this.#sockets.listeners) void this.#accept(listener);
  }

  /** How many sockets wait for connections. */
  get sockets(): number {
    return this.#sockets.listeners.length;
  }

  /** Why it serves IPv4 alone, though both families were asked for; undefined where that is not so. */
  get withoutIpv6(): string | undefined {
    return this.#sockets.withoutIpv6;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const listener of this.#sockets.listeners) listener.close();
    for (const socket of this.#open) socket.destroy();
    this.#http.close();
  }

  /** Accepts connections until the server is disposed of. It never rejects. */
  async #accept(listener: Deno.TcpListener): Promise<void> {
    let [slice, count] = [0, 0];
    while (!this.#disposed) {
      try {
        this.#take(await listener.accept());
      } catch (error) {
        if (this.#disposed) return;
        const code = errorCode(error);
        if (!GONE.has(code)) {
          this.notes.acceptFailed(code);
          this.connections.makeRoom();
          await pause(ACCEPT_RETRY_MILLISECONDS);
        }
      }
      const now = Math.floor(performance.now() / SLICE_MILLISECONDS);
      [slice, count] = now === slice ? [slice, count + 1] : [now, 1];
      // Rules matter more than requests: the rest of a flood waits in the kernel's queue.
      if (count >= ACCEPTS_PER_SECOND_MAX * SLICE_MILLISECONDS / 1000) await pause(SLICE_MILLISECONDS);
    }
  }

  /** Gives a connection a place, and hands it to node:http. */
  #take(conn: Deno.TcpConn): void {
    // A client of IPv4 whose connection came to a socket of both families.
    const client = conn.remoteAddr.hostname.replace(/^::ffff:(?=\d+\.)/, "");
    const family = client.includes(":") ? "ip6" : "ip";
    const readable = firstRequest(conn.readable);
    const socket = Duplex.fromWeb(
      { readable, writable: conn.writable } as Parameters<typeof Duplex.fromWeb>[0],
    );
    const place = this.connections.add(client, (why) => {
      this.notes.closed(why);
      socket.destroy();
    });
    this.#open.add(socket);
    this.#accepted.set(socket, { client, family, place, asked: false });
    // A client that goes away is not a failure.
    socket.on("error", () => {});
    socket.on("close", () => {
      place[Symbol.dispose]();
      this.#open.delete(socket);
    });
    this.#http.emit("connection", socket);
  }

  /** Answers the first request of a connection, and closes the connection. */
  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const accepted = this.#accepted.get(request.socket);
    // Requests after the first are dropped with the connection.
    if (accepted === undefined || accepted.asked) return;
    accepted.asked = true;
    accepted.place.requested();
    response.on("error", () => {});
    const { status, headers, body } = await this.#answer(request, accepted);
    const length = String(new TextEncoder().encode(body).length);
    response.writeHead(status, { ...headers, "content-length": length, connection: "close" });
    response.end(body);
  }

  /** The answer to a request; a 500 where making it threw. */
  async #answer({ url, headers }: IncomingMessage, { client, family }: Accepted): Promise<HttpAnswer> {
    try {
      return await this.answer({ path: pathOf(url ?? ""), client, family, accept: headers.accept ?? "" });
    } catch (error) {
      this.notes.failed(error);
      return FAILED;
    }
  }

  /** Answers bytes that are not HTTP with a 400, and closes the connection. */
  #refuse(socket: Duplex, code: string): void {
    // Once it is answered, or its client is gone, its reading ends with an error too.
    if (this.#accepted.get(socket)?.asked || GONE.has(code)) return void socket.destroy();
    this.notes.closed("malformed");
    if (!socket.writable) return void socket.destroy();
    socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", () => {
      socket.destroy();
    });
  }
}

/** The errno name of a failed call: `EMFILE`; "" where there is none. */
function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The path of a request target, in origin or absolute form (RFC 9112, 3.2). */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
