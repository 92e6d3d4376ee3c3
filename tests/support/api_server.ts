// A fake API server in this process, over TLS on loopback. The test decides its answers.

import { ApiClient } from "../../src/ingest/api_client.ts";

const TLS = new URL("../../fixtures/tls/", import.meta.url);
const CERTIFICATE = new URL("server.crt", TLS).pathname;
/** The address and the certificates of a server. */
export const LISTEN = {
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
  cert: Deno.readTextFileSync(CERTIFICATE),
  key: Deno.readTextFileSync(new URL("server.key", TLS)),
};

/** Answers one request for a resource; undefined: the answer of a small healthy server. */
export type Answer = (
  query: URLSearchParams,
  call: number,
  accept?: string,
) => Response | Promise<Response> | undefined;

/** A Service as the API server lists it. */
export const service = (name: string, version = "1") => ({
  metadata: { name, namespace: "shop", resourceVersion: version },
  spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
});
/** The same Service as a single object. */
export const whole = (name: string, version = "1") => ({
  apiVersion: "v1",
  kind: "Service",
  ...service(name, version),
});
/** A line of a watch. */
export const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
/** The bookmark at the end of a streamed list. */
export const BOOKMARK = line("BOOKMARK", {
  metadata: { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } },
});

/** A page of a list of Services, by name. */
export const page = (names: readonly string[], metadata: Record<string, unknown> = {}) =>
  Response.json({
    kind: "ServiceList",
    apiVersion: "v1",
    metadata: { resourceVersion: "5", ...metadata },
    items: names.map((name) => service(name)),
  });

/** A body of `parts`, which ends or stays open after them. */
export function stream(
  parts: readonly (string | Uint8Array)[],
  open: boolean,
  contentType?: string,
): Response {
  const text = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(typeof part === "string" ? text.encode(part) : part);
      if (!open) controller.close();
    },
  });
  return new Response(body, contentType === undefined ? {} : { headers: { "content-type": contentType } });
}

/** An error as an answer. */
export const status = (code: number, reason: string) =>
  Response.json({ kind: "Status", message: `${reason} for a test`, reason, code }, { status: code });

const SERVICES = "/api/v1/services";

/** An API server in this process; `services` answers for Services, all other resources are empty. */
export class Server implements AsyncDisposable {
  readonly calls: URLSearchParams[] = [];
  /** The encodings that each of these calls accepts. */
  readonly encodings: string[] = [];
  /**
   * Whether a first list in one page reaches the functions that answer. Else it is refused and not counted, so that the client
   * asks for a stream. Of other resources than Services, every list in one page is: their functions answer with streams.
   */
  firstLists = false;
  /** Ports of clients and paths of which a list was asked for in another way. */
  readonly #listed = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #folder = Deno.makeTempDirSync();

  constructor(
    services: Answer,
    others: (path: string, query: URLSearchParams) => Response | Promise<Response> = (_, query) =>
      query.has("watch") ? stream([BOOKMARK], true) : status(422, "Invalid"),
  ) {
    this.#server = Deno.serve(LISTEN, (request, { remoteAddr }) => {
      const url = new URL(request.url);
      if (!this.firstLists && this.#isFirstList(url, remoteAddr.port)) return status(422, "Invalid");
      if (url.pathname !== SERVICES) return others(url.pathname, url.searchParams);
      this.calls.push(url.searchParams);
      this.encodings.push(request.headers.get("accept-encoding") ?? "");
      const accept = request.headers.get("accept") ?? "";
      return services(url.searchParams, this.calls.length, accept) ?? stream([], true);
    });
  }

  #isFirstList({ pathname, searchParams }: URL, port: number): boolean {
    const key = `${port} ${pathname}`;
    const inOnePage = !searchParams.has("watch") && !searchParams.has("limit");
    if (!inOnePage) this.#listed.add(key);
    return inOnePage && pathname.startsWith("/api") && (pathname !== SERVICES || !this.#listed.has(key));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** The path of a kubeconfig for this server, or for a relay that listens on `port`. */
  kubeconfig(port = this.port): string {
    return kubeconfig(this.#folder, `https://127.0.0.1:${port}`);
  }

  client(port = this.port): ApiClient {
    return new ApiClient(this.kubeconfig(port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Writes a kubeconfig into `folder`; returns its path. */
export function kubeconfig(
  folder: string,
  server: string,
  user: Record<string, unknown> = { token: "t" },
): string {
  const path = `${folder}/kubeconfig`;
  Deno.writeTextFileSync(
    path,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server, "certificate-authority": CERTIFICATE } }],
      users: [{ name: "u", user }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  return path;
}
