// An HTTP server that no client can fill or hold up: one request a connection, a bounded number of connections, each for a
// few seconds. It accepts by itself, because node:net accepts nothing more after a failed accept (Deno 2.9.6: EMFILE), and
// Deno.serve ends the program; reading the requests is left to node:http.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { ACCEPT_RETRY_MILLISECONDS, ACCEPTS_PER_SECOND_MAX, HEADER_BYTES_MAX } from "../limits.ts";
import { type Closing, type Connection, Connections } from "./connections.ts";

/** Address to listen on. */
export interface BindAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What is asked. */
export interface HttpRequest {
  /** Without query: `/healthz`. */
  readonly path: string;
  /** Address of the client. */
  readonly client: string;
}

/** What is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a server reports beside its answers. */
export interface HttpNotes {
  /** A connection was closed before its answer. */
  closed(why: Closing): void;
  /** The system gave no connection: no descriptors, no memory. */
  acceptFailed(code: string): void;
  /** Making an answer threw. */
  failed(error: unknown): void;
}

/** Where nobody counts. */
export const NO_NOTES: HttpNotes = { closed() {}, acceptFailed() {}, failed() {} };

interface Accepted {
  readonly client: string;
  readonly connection: Connection;
  /** Whether its one request has been read. */
  asked: boolean;
}

/** Answer of a path that is none. */
export const NOT_FOUND: HttpAnswer = { status: 404, body: "not found\n" };
const FAILED: HttpAnswer = { status: 500, body: "internal error\n" };
/** Slices of a second in which accepted connections are counted. */
const SLICE_MILLISECONDS = 100;
/** errno(3) of an accept that says nothing about the next one: the client has gone already. */
const GONE: ReadonlySet<string> = new Set(["ENOTCONN", "ECONNABORTED", "ECONNRESET", "EPROTO", "EPERM"]);

/** Listens until it is disposed of. The constructor throws AddrInUse and its like. */
export class HttpServer implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #http: Server;
  readonly #accepted = new WeakMap<Duplex, Accepted>();
  readonly #open = new Set<Duplex>();
  #disposed = false;

  constructor(
    address: BindAddress,
    readonly answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>,
    readonly connections: Connections,
    readonly notes: HttpNotes,
  ) {
    this.#listener = Deno.listen(address);
    this.#http = createServer(
      { maxHeaderSize: HEADER_BYTES_MAX },
      (request, response) => void this.#respond(request, response),
    );
    this.#http.on("clientError", (_, socket) => this.#refuse(socket as Duplex));
    void this.#accept();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#listener.close();
    for (const socket of this.#open) socket.destroy();
    this.#http.close();
  }

  /** Accepts as long as it lives; never rejects. */
  async #accept(): Promise<void> {
    let [slice, count] = [0, 0];
    while (!this.#disposed) {
      try {
        this.#take(await this.#listener.accept());
      } catch (error) {
        if (this.#disposed) return;
        const { code = "" } = error as { code?: string };
        if (!GONE.has(code)) {
          this.notes.acceptFailed(code);
          this.connections.makeRoom();
          await pause(ACCEPT_RETRY_MILLISECONDS);
        }
      }
      const now = Math.floor(performance.now() / SLICE_MILLISECONDS);
      [slice, count] = now === slice ? [slice, count + 1] : [now, 1];
      // Rules go before requests: the rest of a flood waits in the kernel.
      if (count >= ACCEPTS_PER_SECOND_MAX * SLICE_MILLISECONDS / 1000) await pause(SLICE_MILLISECONDS);
    }
  }

  #take(conn: Deno.TcpConn): void {
    const client = conn.remoteAddr.hostname;
    const socket = Duplex.fromWeb(conn as Parameters<typeof Duplex.fromWeb>[0]);
    const connection = this.connections.add(client, (why) => {
      this.notes.closed(why);
      socket.destroy();
    });
    this.#open.add(socket);
    this.#accepted.set(socket, { client, connection, asked: false });
    // A client that goes away is no failure of ours.
    socket.on("error", () => {});
    socket.on("close", () => {
      connection[Symbol.dispose]();
      this.#open.delete(socket);
    });
    this.#http.emit("connection", socket);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const accepted = this.#accepted.get(request.socket);
    // What a client sends behind its first request goes with the connection.
    if (accepted === undefined || accepted.asked) return;
    accepted.asked = true;
    accepted.connection.requested();
    response.on("error", () => {});
    const { status, headers, body } = await this.#answer(request.url ?? "", accepted.client);
    const length = String(new TextEncoder().encode(body).length);
    response.writeHead(status, { ...headers, "content-length": length, connection: "close" });
    response.end(body);
  }

  async #answer(url: string, client: string): Promise<HttpAnswer> {
    try {
      return await this.answer({ path: pathOf(url), client });
    } catch (error) {
      this.notes.failed(error);
      return FAILED;
    }
  }

  #refuse(socket: Duplex): void {
    this.notes.closed("malformed");
    if (!socket.writable) return void socket.destroy();
    socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", () => {
      socket.destroy();
    });
  }
}

/** The path of a request target, in origin or absolute form (RFC 9112, 3.2). */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "");
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
