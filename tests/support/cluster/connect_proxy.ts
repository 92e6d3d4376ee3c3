// An HTTP proxy for CONNECT (RFC 9110, 9.3.6) between a node and its API server.

/** Listens on 127.0.0.1. Dispose of it to close it and all its tunnels. */
export class ConnectProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #done: Promise<void>;
  /** Tunnels opened so far. */
  tunnels = 0;
  /** While set, connections are closed as soon as they come. */
  refuses = false;

  constructor() {
    this.#done = this.#serve();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Closes every tunnel. */
  cut(): void {
    for (const connection of this.#connections) closeAnyway(connection);
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#done;
  }

  async #serve(): Promise<void> {
    const tunnels: Promise<void>[] = [];
    for await (const connection of this.#listener) tunnels.push(this.#tunnel(connection).catch(() => {}));
    await Promise.all(tunnels);
  }

  async #tunnel(client: Deno.TcpConn): Promise<void> {
    if (this.refuses) return client.close();
    this.#connections.add(client);
    const head = new Uint8Array(4096);
    const length = await client.read(head) ?? 0;
    const [, hostname, port] = /^CONNECT ([^:]+):(\d+) /.exec(
      new TextDecoder().decode(head.subarray(0, length)),
    )!;
    const server = await Deno.connect({ hostname: hostname!, port: Number(port) });
    this.#connections.add(server);
    this.tunnels++;
    await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
    await Promise.allSettled([
      client.readable.pipeTo(server.writable),
      server.readable.pipeTo(client.writable),
    ]);
    closeAnyway(client);
    closeAnyway(server);
  }
}

/** Closes a connection that may be closed already. */
function closeAnyway(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
