// A relay in front of a server. Its connections can go silent: they are not reset, and nothing passes any more.

/** Listens on 127.0.0.1. Dispose of it to close it and all its connections. */
export class SilentRelay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #silent = new Set<Deno.Conn>();
  readonly #done: Promise<unknown>;
  /** Connections so far. */
  connections = 0;
  /** While set, new connections are accepted and left without an answer. */
  mute = false;

  constructor(readonly port: number) {
    this.#done = this.#serve();
  }

  get address(): Deno.NetAddr {
    return this.#listener.addr;
  }

  /** Nothing passes on the open connections any more. */
  silence(): void {
    for (const connection of this.#open) this.#silent.add(connection);
  }

  /** Closes every connection. */
  cut(): void {
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#done;
  }

  async #serve(): Promise<void> {
    const relays: Promise<unknown>[] = [];
    for await (const client of this.#listener) relays.push(this.#relay(client).catch(() => {}));
    await Promise.all(relays);
  }

  async #relay(client: Deno.Conn): Promise<void> {
    this.connections++;
    this.#open.add(client);
    if (this.mute) return;
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    this.#open.add(server);
    await Promise.allSettled([this.#copy(client, server), this.#copy(server, client)]);
    for (const connection of [client, server]) if (!this.#silent.has(connection)) close(connection);
  }

  async #copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    for (let length; (length = await from.read(buffer)) !== null;) {
      if (this.#silent.has(from)) continue;
      for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
    }
    if (!this.#silent.has(from)) await to.closeWrite();
  }
}

/** Closes a connection that may be closed already. */
function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
