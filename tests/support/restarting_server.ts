// A fake API server that lists one Service, for tests of what a program that follows it for long has in use.

import { BOOKMARK, line, Server, whole } from "./api_server.ts";

/** An API server whose watches send what the test wants, and end together when it restarts. */
export class RestartingServer implements AsyncDisposable {
  /** The watches that are open, with the resource of each. */
  readonly #watches = new Map<ReadableStreamDefaultController<Uint8Array>, string>();
  readonly #text = new TextEncoder();
  readonly #server = new Server(
    (query) => this.#answer(query, "services", [line("ADDED", whole("web"))]),
    (path, query) => this.#answer(query, path.split("/").at(-1)!, []),
  );

  get watches(): number {
    return this.#watches.size;
  }

  kubeconfig(): string {
    return this.#server.kubeconfig();
  }

  /** Sends a change of a slice, or of an object of another resource, to every watch of it; returns its bytes. */
  change(object: unknown, resource = "endpointslices"): number {
    const text = line("MODIFIED", object);
    for (const [watch, watched] of this.#watches) {
      if (watched === resource) watch.enqueue(this.#text.encode(text));
    }
    return text.length;
  }

  restart(): void {
    for (const watch of this.#watches.keys()) watch.close();
    this.#watches.clear();
  }

  #answer(query: URLSearchParams, resource: string, listed: readonly string[]): Response {
    // What asks for a version or whether the server lives is no watch, and does not stay open.
    if (!query.has("watch")) return Response.json({});
    const lists = query.has("sendInitialEvents");
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          own = controller;
          this.#watches.set(controller, resource);
          for (const part of [...lists ? listed : [], BOOKMARK]) controller.enqueue(this.#text.encode(part));
        },
        cancel: () => void this.#watches.delete(own),
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.restart();
    await this.#server[Symbol.asyncDispose]();
  }
}
