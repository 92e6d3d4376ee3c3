// Calls to an API server, on Deno's fetch. TLS is always verified.

import { failureOf } from "./api_failure.ts";
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
   * GET of `path` with `query`. The caller reads the body, or cancels it. Throws {@link ApiFailure} for any answer but
   * 200, TypeError where no connection comes about.
   */
  async get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    return await this.#call(`${path}?${new URLSearchParams(query)}`, { signal });
  }

  /** POST of `object`. Throws as {@link get} does. */
  async post(path: string, object: unknown): Promise<void> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), POST_MILLISECONDS_MAX);
    try {
      const body = JSON.stringify(object);
      const response = await this.#call(path, { method: "POST", body, signal: stop.signal });
      await response.body?.cancel();
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #call(path: string, request: RequestInit): Promise<Response> {
    const { client, headers } = await this.#connection();
    if (request.body !== undefined) headers.set("content-type", "application/json");
    const url = `${this.server}${path}`;
    const response = await fetch(url, { ...request, headers, client, redirect: "error" }).catch((error) => {
      throw unconnected(this.server, error);
    });
    if (response.ok) return response;
    // A rotated token or certificate may be in its file by now.
    if (response.status === 401) this.#access = readAccess(this.kubeconfig, this.master);
    throw await failureOf(response, path.replace(/\?.*/, ""));
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
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const reason = error.cause.message.replace(/^error sending request for url \([^)]*\): /, "");
  return new TypeError(`${server}: ${reason}`, { cause: error });
}
