// Requests to a server whose certificate has another name than its URL (tls-server-name of a kubeconfig). Why not simply use
// fetch? Deno 2.9's fetch can verify only the name in the URL (CreateHttpClientOptions has no option for another), and its TCP
// transport has no TLS. Deno's node:https verifies `servername` before it sends anything. And it tries the addresses of a name in
// turn, each for a short time, which fetch does not.

import { Buffer } from "node:buffer";
import type { IncomingMessage, RequestOptions } from "node:http";
import type { Agent } from "node:https";
import process from "node:process";
import { CREDENTIAL_MILLISECONDS_MAX } from "../limits/input.ts";
import { within } from "../pause.ts";
import type { Credentials } from "./access.ts";

/** A bundle would load what is imported at each start, and few starts need it. */
const https = process.getBuiltinModule("node:https");

/**
 * Whether the host of a URL may have more than one address: false where it is an address, or a name that has one. A pod's
 * permissions may name host and port alone, with which the name can be connected to but not looked up (Deno 2.9).
 */
export async function mayHaveSeveralAddresses(host: string): Promise<boolean> {
  if (host.startsWith("[") || /^[\d.]+$/.test(host)) return false;
  const dns = process.getBuiltinModule("node:dns");
  const isSeveral = new Promise<boolean>((resolve) =>
    dns.lookup(host, { all: true }, (error, addresses) => resolve(error !== null || addresses.length > 1))
  );
  return await within(isSeveral, CREDENTIAL_MILLISECONDS_MAX) ?? true;
}

/** The options of {@link NamedServer.fetch}. */
export interface NamedRequest {
  readonly method?: string;
  readonly headers: Headers;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Keeps connections to a server whose certificate must have the name `serverName`, or that of its URL; dispose of it to close them. */
export class NamedServer implements Disposable {
  readonly #agent: Agent;

  constructor(serverName: string | undefined, { ca, cert, key }: Pick<Credentials, "ca" | "cert" | "key">) {
    this.#agent = new https.Agent({
      keepAlive: true,
      ...(serverName === undefined ? {} : { servername: serverName }),
      // A resumed TLS session would be accepted without a check of the certificate.
      maxCachedSessions: 0,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
  }

  /** Works as the global fetch. Throws TypeError, with the reason as its cause, where there is no connection. */
  fetch(url: string, { method = "GET", headers, body, signal }: NamedRequest): Promise<Response> {
    const options: RequestOptions = { method, headers: Object.fromEntries(headers), agent: this.#agent };
    return new Promise<Response>((resolve, reject) => {
      signal.throwIfAborted();
      const request = https.request(url, options, (message) => {
        try {
          resolve(response(message));
        } catch (error) {
          message.destroy();
          reject(error);
        }
      });
      const abort = () => request.destroy(signal.reason);
      signal.addEventListener("abort", abort);
      request.on("close", () => signal.removeEventListener("abort", abort));
      request.on(
        "error",
        (cause) => reject(signal.aborted ? signal.reason : new TypeError("fetch failed", { cause })),
      );
      request.end(body);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function response(message: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const { statusCode: status = 0, statusMessage: statusText = "" } = message;
  // As with `redirect: "error"`: the credentials are only for the server that was configured.
  if (status >= 300 && status < 400) throw new TypeError("the server redirects");
  return new Response(bodyOf(message), { status, statusText, headers });
}

/** The body as a stream of bytes. The connection is paused while the stream is not read. */
function bodyOf(message: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  // Node may still emit events after the stream has ended.
  let ended = false;
  const end = (how: () => void) => {
    if (!ended) how();
    ended = true;
  };
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      message.pause();
      message.on("data", (chunk: Buffer) => {
        if (ended) return;
        message.pause();
        controller.enqueue(new Uint8Array(chunk));
      });
      message.on("end", () =>
        end(() => {
          controller.close();
          controller.byobRequest?.respond(0);
        }));
      const broken = () => end(() => controller.error(new TypeError("the connection broke off")));
      message.on("error", broken);
      message.on("close", broken);
    },
    pull() {
      message.resume();
    },
    cancel() {
      end(() => message.destroy());
    },
  });
}
