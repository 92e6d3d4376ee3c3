// The way to an API server: kubeconfig or in-cluster, with every way to authenticate that client-node knows, on Deno's
// fetch. TLS is always verified. client-node's own watches and lists are not used: on Deno
// its watch hangs silently after a reset.

import { KubeConfig } from "@kubernetes/client-node";
import { failureOf, KubeconfigProblem } from "./api_failure.ts";
import { readDocuments } from "./manifest_documents.ts";

const POST_MILLISECONDS_MAX = 10_000;

/** Calls an API server; dispose of it to close its connections. */
export class ApiClient implements Disposable {
  #config: KubeConfig;
  #client: Deno.HttpClient | undefined;
  /** What the present connections were made with. */
  #material = "";

  /**
   * `kubeconfig`: path of a file; undefined: the service account of the pod. `master`: URL of the server, in place of
   * what the kubeconfig says. Throws {@link KubeconfigProblem}.
   */
  constructor(readonly kubeconfig: string | undefined, readonly master?: string) {
    this.#config = loadConfig(kubeconfig, master);
  }

  /** `https://10.0.0.1:6443`. */
  get server(): string {
    return this.#config.getCurrentCluster()!.server;
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
    const url = `${this.server.replace(/\/$/, "")}${path}`;
    const response = await fetch(url, { ...request, headers, client, redirect: "error" }).catch((error) => {
      throw unconnected(this.server, error);
    });
    if (response.ok) return response;
    // A rotated token or certificate may be in its file by now.
    if (response.status === 401) this.#config = loadConfig(this.kubeconfig, this.master);
    throw await failureOf(response, path.replace(/\?.*/, ""));
  }

  async #connection(): Promise<{ client: Deno.HttpClient; headers: Headers }> {
    const options: Material = {};
    await this.#config.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
    const [ca, cert, key] = [text(options.ca), text(options.cert), text(options.key)];
    const proxy = this.#config.getCurrentCluster()!.proxyUrl;
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
    const headers = new Headers({ "accept": "application/json", "accept-encoding": "identity" });
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      headers.set(name, String(value).trim());
    }
    if (options.auth) headers.set("authorization", `Basic ${btoa(options.auth)}`);
    return { client: this.#client, headers };
  }
}

/** `error` of a fetch with the reason, which the runtime hides in its cause, and without the request. */
function unconnected(server: string, error: unknown): unknown {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const reason = error.cause.message.replace(/^error sending request for url \([^)]*\): /, "");
  return new TypeError(`${server}: ${reason}`, { cause: error });
}

/** The part of node's request options that client-node fills in. */
interface Material {
  headers?: Record<string, unknown>;
  auth?: string;
  ca?: unknown;
  cert?: unknown;
  key?: unknown;
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : new TextDecoder().decode(value as Uint8Array);
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

function loadConfig(path: string | undefined, master: string | undefined): KubeConfig {
  const config = new KubeConfig();
  try {
    if (path === undefined) loadInCluster(config);
    else config.loadFromFile(path);
  } catch (error) {
    if (error instanceof KubeconfigProblem) throw error;
    const what = error instanceof Error && "code" in error && error.code === "ENOENT"
      ? "there is no such file"
      : (error as Error).message;
    throw new KubeconfigProblem(`kubeconfig ${path}: ${what}`);
  }
  if (master !== undefined) useMaster(config, master);
  checkConfig(config, path ?? "in-cluster config");
  if (path !== undefined) addTokenFile(config, path);
  return config;
}

/** `config` with another server. client-node's clusters are read-only. */
function useMaster(config: KubeConfig, master: string): void {
  config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: master }));
}

function loadInCluster(config: KubeConfig): void {
  if (Deno.env.get("KUBERNETES_SERVICE_HOST") === undefined) {
    throw new KubeconfigProblem(
      "this is not a pod (KUBERNETES_SERVICE_HOST is not set): give --kubeconfig FILE, or --source PATH",
    );
  }
  try {
    Deno.statSync(`${SERVICE_ACCOUNT}/token`);
  } catch {
    throw new KubeconfigProblem(
      `${SERVICE_ACCOUNT}/token: cannot be read; the pod needs a service account token (automountServiceAccountToken)`,
    );
  }
  config.loadFromCluster();
}

/** Finds each common mistake with its name. */
function checkConfig(config: KubeConfig, where: string): void {
  const problem = (text: string) => new KubeconfigProblem(`kubeconfig ${where}: ${text}`);
  const names = (list: readonly { readonly name: string }[]) =>
    list.map(({ name }) => name).join(", ") || "none";
  const current = config.getCurrentContext();
  if (!current) throw problem(`current-context is not set; contexts: ${names(config.getContexts())}`);
  const context = config.getContextObject(current);
  if (context === null) {
    throw problem(`current-context "${current}" is not one of contexts: ${names(config.getContexts())}`);
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null) {
    throw problem(
      `context "${current}": cluster "${context.cluster}" is not one of clusters: ${
        names(config.getClusters())
      }`,
    );
  }
  if (context.user && config.getUser(context.user) === null) {
    throw problem(
      `context "${current}": user "${context.user}" is not one of users: ${names(config.getUsers())}`,
    );
  }
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== "https:") {
    throw problem(`cluster "${cluster.name}": server ${JSON.stringify(cluster.server)} is not an https URL`);
  }
  if (cluster.skipTLSVerify) {
    throw problem(
      `cluster "${cluster.name}": insecure-skip-tls-verify is refused; give certificate-authority instead`,
    );
  }
  if (cluster.tlsServerName) {
    throw problem(
      `cluster "${cluster.name}": tls-server-name is not supported; use a server name the certificate has`,
    );
  }
  const user = context.user ? config.getUser(context.user) : null;
  for (const file of [cluster.caFile, user?.certFile, user?.keyFile]) {
    if (file) readable(file, problem);
  }
}

function readable(file: string, problem: (text: string) => KubeconfigProblem): void {
  try {
    Deno.readFileSync(file);
  } catch (error) {
    throw problem(`${file}: ${(error as Error).message.replace(/:.*/, "")}`);
  }
}

/** client-node 2.0.1 does not read `tokenFile` of a user; its authenticator for files does the rest. */
function addTokenFile(config: KubeConfig, path: string): void {
  const [document] = readDocuments(path, Deno.readTextFileSync(path)).values as {
    users?: { name?: string; user?: { tokenFile?: string } }[];
  }[];
  for (const { name, user } of document?.users ?? []) {
    if (user?.tokenFile === undefined) continue;
    const absolute = user.tokenFile.startsWith("/")
      ? user.tokenFile
      : `${path.slice(0, path.lastIndexOf("/") + 1)}${user.tokenFile}`;
    const target = config.users.find((one) => one.name === name);
    if (target) {
      Object.assign(target, { authProvider: { name: "tokenFile", config: { tokenFile: absolute } } });
    }
  }
}
