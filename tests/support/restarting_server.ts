// A fake API server that lists one Service, for tests of what a program that follows it for long has in use.

import { BOOKMARK, line, Server, whole } from "./api_server.ts";

/** An API server whose watches send what the test wants, and end together when it restarts. */
export class RestartingServer implements AsyncDisposable {
  readonly #watches = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #slices = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #text = new TextEncoder();
  readonly #server = new Server(
    (query) => this.#answer(query, false, [line("ADDED", whole("web"))]),
    (path, query) => this.#answer(query, path.endsWith("endpointslices"), []),
  );

  get watches(): number {
    return this.#watches.size;
  }

  kubeconfig(): string {
    return this.#server.kubeconfig();
  }

  /** Sends a change of a slice to every watch; returns its bytes. */
  change(object: unknown): number {
    const text = line("MODIFIED", object);
    for (const watch of this.#slices) watch.enqueue(this.#text.encode(text));
    return text.length;
  }

  restart(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
    this.#slices.clear();
  }

  #answer(query: URLSearchParams, slices: boolean, listed: readonly string[]): Response {
    const lists = query.has("sendInitialEvents");
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          own = controller;
          this.#watches.add(controller);
          if (slices) this.#slices.add(controller);
          for (const part of [...lists ? listed : [], BOOKMARK]) controller.enqueue(this.#text.encode(part));
        },
        cancel: () => {
          this.#watches.delete(own);
          this.#slices.delete(own);
        },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.restart();
    await this.#server[Symbol.asyncDispose]();
  }
}
