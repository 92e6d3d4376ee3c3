// Calls to an API server, on Deno's fetch. TLS is always verified.

import { ERROR_BYTES_MAX } from "../limits.ts";
import { ApiFailure, httpFailure } from "./api_failure.ts";
import { type Access, readAccess } from "./kubeconfig.ts";

const POST_MILLISECONDS_MAX = 10_000;

/** Calls an API server; dispose of it to close its connections. */
export class ApiClient implements Disposable {
  #access: Access;
  #client: Deno.HttpClient | undefined;
  /** What the present connections were made with. */
  #material = "";

  /**
   * `kubeconfig`: path of a file; undefined: the service account of the pod. `master`: URL of the server, in place of
   * what the kubeconfig says. Throws {@link KubeconfigProblem}.
   */
  constructor(readonly kubeconfig: string | undefined, readonly master?: string) {
    this.#access = readAccess(kubeconfig, master);
  }

  /** `https://10.0.0.1:6443`. */
  get server(): string {
    return this.#access.server;
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
      throw httpFailure(path, response.status, (await response.text()).slice(0, ERROR_BYTES_MAX), 0);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Gives up the present connections: the next call makes new ones. What is open must be aborted by who opened it. */
  replaceConnections(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  [Symbol.dispose](): void {
    this.replaceConnections();
  }

  async #call(path: string, request: RequestInit): Promise<Response> {
    const { client, headers } = await this.#connection();
    if (request.body !== undefined) headers.set("content-type", "application/json");
    const url = `${this.server}${path}`;
    const response = await fetch(url, { ...request, headers, client, redirect: "error" }).catch((error) => {
      throw unconnected(this.server, error);
    });
    // A rotated token or certificate may be in its file by now.
    if (response.status === 401) this.#access = readAccess(this.kubeconfig, this.master);
    return response;
  }

  async #connection(): Promise<{ client: Deno.HttpClient; headers: Headers }> {
    const { ca, cert, key, headers: own } = await this.#access.credentials();
    const { proxy } = this.#access;
    const material = JSON.stringify([ca, cert, key, proxy]);
    if (material !== this.#material || this.#client === undefined) {
      this.#client?.close();
      this.#material = material;
      this.#client = Deno.createHttpClient({
        ...(ca === undefined ? {} : { caCerts: [ca] }),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
      });
    }
    // Streams of many gzip members, which Kubernetes 1.37 makes of streamed lists, end in Deno's fetch after the first.
    const headers = new Headers({ accept: "application/json", "accept-encoding": "identity", ...own });
    return { client: this.#client, headers };
  }
}

/** `error` of a fetch with the reason, which the runtime hides in its cause, and without the request. */
function unconnected(server: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  const reason = cause.replace(/^error sending request for url \([^)]*\): /, "");
  return new ApiFailure("unreachable", `${server}: ${reason}`);
}
