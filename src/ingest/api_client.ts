// Sends requests to an API server with Deno's fetch. The server's certificate is always verified.

import { CREDENTIAL_MILLISECONDS_MAX, ERROR_BYTES_MAX } from "../limits/input.ts";
import type { Access, Credentials } from "./access.ts";
import { ApiFailure, httpFailure, KubeconfigProblem } from "./api_failure.ts";
import { readAccess, readAccessAgain } from "./kubeconfig.ts";
import { PROTOBUF } from "./protobuf_framing.ts";
import { textUpTo } from "../bounded_body.ts";
import { within } from "../pause.ts";
import { formsOf, secretsOfHeader, secretsOfLogin, withoutSecrets } from "./secrets.ts";
import type { Encoding } from "./reflector_state.ts";
import type { NamedRequest, NamedServer } from "./named_server.ts";

/** What every client may read (system:public-info-viewer), and costs the server least. */
const VERSION_PATH = "/version";
const AHEAD_MILLISECONDS_MAX = 10_000;
const POST_MILLISECONDS_MAX = 10_000;

/** How often fetch is tried again where it did not reach the server, and how long each time. */
const FETCH_AGAIN_MILLISECONDS = 300_000;
const FETCH_MILLISECONDS_MAX = 12_000;

/** The head of an answer, or the lack of one. */
export interface Answered {
  /** GET or POST. */
  readonly method: string;
  /** Host and port of the server. */
  readonly host: string;
  /** The HTTP status; undefined where the request had no answer. */
  readonly status: number | undefined;
  /** Until the head was received, or the request failed. */
  readonly seconds: number;
}

/** What an answer may be encoded in, for each encoding that is asked for. */
const ACCEPT: Readonly<Record<Encoding, string>> = {
  protobuf: `${PROTOBUF}, application/json`,
  json: "application/json",
};

/** How a GET is sent. */
export interface GetOptions {
  readonly encoding?: Encoding;
  /** Whether the answer may come in gzip. Deno's fetch decompresses it then, and node:https does not. */
  readonly compressed?: boolean;
  /** Called once the credentials are there, which a program may have to make. */
  ready?(): void;
}

/**
 * Has another thread do what the first connection would wait for: before its first random number the cryptography of the runtime tests
 * its source of entropy, which takes 20 ms of CPU time (AWS-LC, in Deno 2.9.6).
 */
export function prepareTls(): void {
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]).catch(
    () => {},
  );
}

/** What a source asks an API server with. */
export type ApiCalls =
  & Pick<ApiClient, "server" | "get" | "probe" | "decompresses" | "replaceConnections" | "redacted">
  & Disposable;

/** Calls an API server; dispose of it to close its connections. */
export class ApiClient implements Disposable {
  #access: Access;
  /** The kubeconfig while it is read again. */
  #reading: Promise<Access> | undefined;
  #client: Deno.HttpClient | undefined;
  /**
   * Used instead of the client where the server's certificate has another name than its URL, and where the first address of its
   * name is dead: fetch waits for that one as long as TCP does, two minutes (Deno 2.9, unless the families differ).
   */
  #named: NamedServer | undefined;
  /** Whether a connection that was never answered is replaced by one that tries each address of the name. */
  #triesAddresses = false;
  /** Whether the present connection has had an answer. */
  #hasAnswered = false;
  /** When fetch is tried again, and how to end that. */
  #fetchAgainAt = 0;
  #trial: AbortController | undefined;
  /** The certificates and settings of the open connections, as text, to notice when they change. */
  #material = "";
  /** How the last request was sent. */
  #last: { readonly send: Send; readonly headers: Headers } | undefined;
  /** The Authorization headers of the last requests, the newest first: a text may be printed after the credential was rotated. */
  #authorizations: readonly string[] = [];
  /** How texts may contain what is in them, or the login for the proxy. */
  #secrets: readonly string[] = [];
  /** Called with each answer, and with each request that has none. */
  answered: (answer: Answered) => void = () => {};

  /**
   * `kubeconfig` is the path of a file; undefined: the service account of the pod. `master` is a URL that replaces that of
   * the kubeconfig. Where fetch does not reach the server it is tried again after `fetchAgain` milliseconds. Throws
   * {@link KubeconfigProblem}.
   */
  constructor(
    readonly kubeconfig: string | undefined,
    readonly master?: string,
    readonly fetchAgain = FETCH_AGAIN_MILLISECONDS,
  ) {
    this.#access = readAccess(kubeconfig, master);
  }

  /** URL of the server, without name and password: `https://10.0.0.1:6443`. */
  get server(): string {
    return this.#access.server;
  }

  /** Sentences about the connection that the operator should read. */
  get warnings(): readonly string[] {
    return this.#access.warnings;
  }

  /**
   * Sends a GET of `path` with `query` and returns the answer, whatever its status. The caller must read the body or cancel
   * it. A server that does not have the `encoding` answers in JSON. Throws {@link ApiFailure} where there is no connection.
   */
  async get(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
    options: GetOptions = {},
  ): Promise<Response> {
    return await this.#call(`${path}?${new URLSearchParams(query)}`, { signal }, options);
  }

  /** As {@link get}, on the open connection, with the credentials of the last request: a probe must not wait for new ones. */
  async probe(path: string, signal: AbortSignal): Promise<Response> {
    const { send, headers } = this.#last ?? await this.#connection(signal);
    return await send(`${this.server}${path}`, { headers, signal });
  }

  /**
   * Begins to make the connection that the next request needs, and returns; dispose of the result to give that up. A start has other
   * work until then, in steps between which the event loop must turn. What fails is left to that request.
   */
  connectAhead(): Disposable {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), AHEAD_MILLISECONDS_MAX);
    this.probe(VERSION_PATH, stop.signal).then(beginningOf).catch(() => {}).finally(() =>
      clearTimeout(timer)
    );
    return { [Symbol.dispose]: () => stop.abort() };
  }

  /** Sends a POST of `object`. Throws {@link ApiFailure} where there is no connection, or where the answer is an error. */
  async post(path: string, object: unknown): Promise<void> {
    await this.#write("POST", path, object);
  }

  /** Sends `object` as a POST, or as a merge PATCH (RFC 7396); returns false where there is no such path. Throws as {@link post}. */
  async write(method: "POST" | "PATCH", path: string, object: unknown): Promise<boolean> {
    return await this.#write(method, path, object, NOT_FOUND) !== NOT_FOUND;
  }

  async #write(
    method: "POST" | "PATCH",
    path: string,
    object: unknown,
    accepted?: number,
  ): Promise<number> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), POST_MILLISECONDS_MAX);
    try {
      const body = JSON.stringify(object);
      const response = await this.#call(path, { method, body, signal: stop.signal });
      if (!response.ok && response.status !== accepted) {
        const said = this.redacted(await beginningOf(response));
        throw httpFailure(path, response.status, said, 0);
      }
      await response.body?.cancel();
      return response.status;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether bodies that were asked for in gzip arrive decompressed. */
  get decompresses(): boolean {
    return this.#named === undefined;
  }

  /**
   * Closes dead connections, so that the next request makes new ones. The callers must abort their open requests. After one that
   * never had an answer the next is made in the other way: its address may be dead, and another of the same name alive.
   */
  replaceConnections(): void {
    this.#triesAddresses = !this.#hasAnswered && !this.#triesAddresses;
    this.#close();
  }

  #close(): void {
    this.#trial?.abort();
    this.#last = undefined;
    this.#client?.close();
    this.#client = undefined;
    this.#named?.[Symbol.dispose]();
    this.#named = undefined;
  }

  [Symbol.dispose](): void {
    this.#close();
  }

  /** `text` without our credentials, which the server or a proxy on the way may have quoted. */
  redacted(text: string): string {
    return withoutSecrets(text, this.#secrets);
  }

  async #call(
    path: string,
    request: ApiRequest,
    { encoding = "json", compressed = false, ready = () => {} }: GetOptions = {},
  ): Promise<Response> {
    const { send, headers } = await this.#connection(request.signal);
    headers.set("accept", ACCEPT[encoding]);
    if (compressed) headers.set("accept-encoding", "gzip");
    ready();
    if (request.body !== undefined) headers.set("content-type", CONTENT[request.method!]!);
    const start = performance.now();
    const note = (status: number | undefined) =>
      this.answered({
        method: request.method ?? "GET",
        host: new URL(this.server).host,
        status,
        seconds: (performance.now() - start) / 1000,
      });
    const { server } = this;
    const response = await send(`${server}${path}`, { ...request, headers }).catch(async (error) => {
      note(undefined);
      const failure = unconnected(server, error);
      if (failure instanceof ApiFailure) await this.#followChange();
      throw failure;
    });
    note(response.status);
    this.#hasAnswered = true;
    // The token or certificate may have been rotated: the next request reads it again.
    if (response.status === 401) this.#access = await this.#accessAgain();
    return response;
  }

  /** The way to the server as the kubeconfig has it now, or as it had it where the disk does not answer soon. */
  async #accessAgain(): Promise<Access> {
    this.#reading ??= readAccessAgain(this.kubeconfig, this.master).finally(() => this.#reading = undefined);
    return await within(this.#reading, CREDENTIAL_MILLISECONDS_MAX) ?? this.#access;
  }

  /**
   * After a request without an answer. The kubeconfig may have another address or authority by now; credentials are only made anew
   * where it was changed, because a program may make them.
   */
  async #followChange(): Promise<void> {
    const access = await this.#accessAgain().catch(() => this.#access);
    if (access.settings !== this.#access.settings) this.#access = access;
  }

  /** The connection with the present credentials. Once `signal` has aborted, none is made: nothing would close it. */
  async #connection(signal: AbortSignal): Promise<{ send: Send; headers: Headers }> {
    const { headers: own, ...credentials } = await unlessAborted(this.#access.credentials(), signal);
    const material = JSON.stringify([credentials, this.#access.proxy, this.#access.serverName]);
    if (material !== this.#material || (this.#client ?? this.#named) === undefined) {
      this.#close();
      await this.#connect(credentials);
      this.#material = material;
      this.#hasAnswered = false;
    }
    // The API server (1.37) compresses a watch only where it streams the first list: a gzip file for each event, which costs it up to
    // twice the CPU time and saves 49 of the 515 bytes that one endpoint's change is on the wire.
    const headers = new Headers({ "accept-encoding": "identity", ...own });
    this.#noteSecrets(headers.get("authorization") ?? "");
    const send = this.#sender();
    this.#last = { send, headers: new Headers(headers) };
    if (this.#named !== undefined && this.#access.serverName === undefined) {
      void this.#tryFetch(this.#named, credentials, headers);
    }
    return { send, headers };
  }

  /** Now and then, where `named` is used for want of fetch: goes back to fetch, which has HTTP/2, once that reaches the server. */
  async #tryFetch(named: NamedServer, credentials: TlsMaterial, headers: Headers): Promise<void> {
    if (performance.now() < this.#fetchAgainAt) return;
    this.#fetchAgainAt = performance.now() + this.fetchAgain;
    const trial = this.#trial = new AbortController();
    const timer = setTimeout(() => trial.abort(), FETCH_MILLISECONDS_MAX);
    const client = this.#httpClient(credentials);
    try {
      const response = await fetch(`${this.server}/livez`, {
        client,
        headers: new Headers(headers),
        signal: trial.signal,
        redirect: "error",
      });
      await response.body?.cancel();
      if (this.#named !== named) return client.close();
      this.#close();
      this.#triesAddresses = false;
      this.#client = client;
    } catch {
      // It is tried again later.
      client.close();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Notes what must not be printed from now on. */
  #noteSecrets(authorization: string): void {
    if (authorization === this.#authorizations[0]) return;
    this.#authorizations = [authorization, ...this.#authorizations].slice(0, AUTHORIZATIONS_KEPT);
    const { proxy } = this.#access;
    const ofProxy = proxy?.login === undefined ? [] : secretsOfLogin(proxy.login);
    this.#secrets = formsOf([...this.#authorizations.flatMap(secretsOfHeader), ...ofProxy]);
  }

  #httpClient({ ca, cert, key }: TlsMaterial): Deno.HttpClient {
    const { proxy } = this.#access;
    return Deno.createHttpClient({
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(proxy === undefined
        ? {}
        : { proxy: { url: proxy.url, ...(proxy.login && { basicAuth: proxy.login }) } }),
    });
  }

  #sender(): Send {
    const named = this.#named;
    if (named !== undefined) return (url, request) => named.fetch(url, request);
    const client = this.#client!;
    return (url, request) => fetch(url, { ...request, client, redirect: "error" });
  }

  async #connect(material: TlsMaterial): Promise<void> {
    const { proxy, serverName } = this.#access;
    const { protocol, hostname } = new URL(this.server);
    const mayTry = this.#triesAddresses && protocol === "https:" && proxy === undefined;
    try {
      if (serverName !== undefined || mayTry) {
        const { mayHaveSeveralAddresses, NamedServer } = await import("./named_server.ts");
        if (serverName !== undefined || await mayHaveSeveralAddresses(hostname)) {
          this.#named = new NamedServer(serverName, material);
          this.#fetchAgainAt = performance.now() + this.fetchAgain;
          return;
        }
      }
      this.#client = this.#httpClient(material);
    } catch {
      // The runtime's message may quote the certificate or the key.
      throw new KubeconfigProblem(
        `${this.server}: certificate-authority, client-certificate, client-key or proxy-url cannot be used for TLS`,
      );
    }
  }
}

/** What TLS needs of the credentials. */
type TlsMaterial = Omit<Credentials, "headers">;

/** The text of an error answer, of which at most ERROR_BYTES_MAX characters are read. */
async function beginningOf(response: Response): Promise<string> {
  const { text, isWhole } = await textUpTo(response, ERROR_BYTES_MAX);
  return isWhole ? text : `${text}...`;
}

/** The result of `promise`, unless `signal` aborts first: then it throws the reason. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Sends one request. */
type Send = (url: string, request: NamedRequest) => Promise<Response>;

/** A request without the headers that every request has. */
type ApiRequest = Omit<NamedRequest, "headers">;

/** The content type of a body, by the method. */
const CONTENT: Readonly<Record<string, string>> = {
  POST: "application/json",
  PATCH: "application/merge-patch+json",
};

const NOT_FOUND = 404;

/** How many credentials are remembered, so that no text has them: the present one, and those that it replaced. */
const AUTHORIZATIONS_KEPT = 4;

/** The error of a fetch as an ApiFailure. The runtime has the reason in the error's cause, behind the URL of the request. */
function unconnected(server: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  const reason = cause.replace(/^error sending request for url \([^)]*\): /, "");
  return new ApiFailure("unreachable", `${server}: ${reason}`);
}
