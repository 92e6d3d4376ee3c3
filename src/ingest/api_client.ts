// Calls to an API server, on Deno's fetch. TLS is always verified.

import { ERROR_BYTES_MAX } from "../limits.ts";
import { ApiFailure, httpFailure, KubeconfigProblem } from "./api_failure.ts";
import { type Access, type Credentials, readAccess } from "./kubeconfig.ts";
import type { NamedRequest, NamedServer } from "./named_server.ts";

const POST_MILLISECONDS_MAX = 10_000;

/** Calls an API server; dispose of it to close its connections. */
export class ApiClient implements Disposable {
  #access: Access;
  #client: Deno.HttpClient | undefined;
  /** In place of the client where the server's certificate has another name than its URL. */
  #named: NamedServer | undefined;
  /** What the present connections were made with. */
  #material = "";
  /** The credential of the last request; "" where it has none. */
  #secret = "";

  /**
   * `kubeconfig`: path of a file; undefined: the service account of the pod. `master`: URL of the server, in place of
   * what the kubeconfig says. Throws {@link KubeconfigProblem}.
   */
  constructor(readonly kubeconfig: string | undefined, readonly master?: string) {
    this.#access = readAccess(kubeconfig, master);
  }

  /** `https://10.0.0.1:6443`, without name and password. */
  get server(): string {
    return this.#access.server;
  }

  /** What who runs us should know of the way to the server. */
  get warnings(): readonly string[] {
    return this.#access.warnings;
  }

  /**
   * GET of `path` with `query`: the answer, whatever its status. The caller reads the body, or cancels it. Throws
   * {@link ApiFailure} where no connection comes about.
   */
  async get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    return await this.#call(`${path}?${new URLSearchParams(query)}`, { signal });
  }

  /** POST of `object`. Throws {@link ApiFailure} for any answer that is not a success, too. */
  async post(path: string, object: unknown): Promise<void> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), POST_MILLISECONDS_MAX);
    try {
      const body = JSON.stringify(object);
      const response = await this.#call(path, { method: "POST", body, signal: stop.signal });
      if (response.ok) return await response.body?.cancel();
      const said = this.redacted(await beginningOf(response));
      throw httpFailure(path, response.status, said, 0);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives up the present connections: the next call makes new ones. What is open must be aborted by who opened it. */
  replaceConnections(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#named?.[Symbol.dispose]();
    this.#named = undefined;
  }

  [Symbol.dispose](): void {
    this.replaceConnections();
  }

  /** `text` without the credential that we showed the server, which it or a proxy in between may repeat. */
  redacted(text: string): string {
    return this.#secret.length < SECRET_LENGTH ? text : text.replaceAll(this.#secret, "(our credential)");
  }

  async #call(path: string, request: RequestInit): Promise<Response> {
    const { send, headers } = await this.#connection();
    if (request.body !== undefined) headers.set("content-type", "application/json");
    const response = await send(`${this.server}${path}`, { ...request, headers }).catch((error) => {
      throw unconnected(this.server, error);
    });
    // A rotated token or certificate may be in its file by now.
    if (response.status === 401) this.#access = readAccess(this.kubeconfig, this.master);
    return response;
  }

  async #connection(): Promise<{ send: Send; headers: Headers }> {
    const { headers: own, ...credentials } = await this.#access.credentials();
    const material = JSON.stringify([credentials, this.#access.proxy, this.#access.serverName]);
    if (material !== this.#material || (this.#client ?? this.#named) === undefined) {
      this[Symbol.dispose]();
      await this.#connect(credentials);
      this.#material = material;
    }
    // Streams of many gzip members, which Kubernetes 1.37 makes of streamed lists, end in Deno's fetch after the first.
    const headers = new Headers({ accept: "application/json", "accept-encoding": "identity", ...own });
    this.#secret = headers.get("authorization")?.replace(/^\w+ /, "") ?? "";
    const named = this.#named;
    if (named !== undefined) {
      return { send: (url, request) => named.fetch(url, request as NamedRequest), headers };
    }
    const client = this.#client!;
    return { send: (url, request) => fetch(url, { ...request, client, redirect: "error" }), headers };
  }

  async #connect({ ca, cert, key }: Omit<Credentials, "headers">): Promise<void> {
    const { proxy, serverName } = this.#access;
    try {
      if (serverName !== undefined) {
        const { NamedServer } = await import("./named_server.ts");
        this.#named = new NamedServer(serverName, { ca, cert, key });
        return;
      }
      this.#client = Deno.createHttpClient({
        ...(ca === undefined ? {} : { caCerts: [ca] }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        ...(proxy === undefined
          ? {}
          : { proxy: { url: proxy.url, ...(proxy.login && { basicAuth: proxy.login }) } }),
      });
    } catch {
      // What the runtime says may quote what it was given.
      throw new KubeconfigProblem(
        `${this.server}: certificate-authority, client-certificate, client-key or proxy-url cannot be used for TLS`,
      );
    }
  }
}

/** The text of an answer that is an error; a long one is not read to its end. */
async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  if (body === null) return text;
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= ERROR_BYTES_MAX) break;
  }
  return text.slice(0, ERROR_BYTES_MAX);
}

/** Sends one request. */
type Send = (url: string, request: RequestInit) => Promise<Response>;

/** What is shorter is part of many words, and no secret. */
const SECRET_LENGTH = 4;

/** `error` of a fetch with the reason, which the runtime hides in its cause, and without the request. */
function unconnected(server: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  const reason = cause.replace(/^error sending request for url \([^)]*\): /, "");
  return new ApiFailure("unreachable", `${server}: ${reason}`);
}
