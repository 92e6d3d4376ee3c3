// NodePorts on loopback, with real connections.

import assert from "node:assert/strict";
import type { LocalhostNodePort } from "../../src/fold/localhost_node_ports.ts";
import { FORWARDED_CONNECTIONS_MAX } from "../../src/limits/serving.ts";
import { LocalhostForwarder } from "../../src/serve/localhost_forwarder.ts";
import { until } from "../support/until.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** An endpoint that answers all it received, and its name, once the client has no more to say. */
class Endpoint implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  /** Connections that were accepted. */
  accepted = 0;
  /** Those of them that have not ended. */
  open = 0;

  constructor(readonly name: string) {
    void this.#serve();
  }

  get place() {
    return { hostname: "127.0.0.1", port: this.#listener.addr.port };
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      this.accepted++;
      this.open++;
      void this.#answer(connection).finally(() => this.open--);
    }
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    try {
      const received = await everything(connection);
      await connection.write(bytes(`${this.name}:${received}`));
    } catch {
      // The forwarder closed the connection.
    }
    connection.close();
  }
}

async function everything(connection: Deno.TcpConn): Promise<string> {
  let all = "";
  const buffer = new Uint8Array(65_536);
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    all += text(buffer.subarray(0, n));
  }
  return all;
}

/** So many ports that are free now. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  for (const listener of listeners) listener.close();
  return listeners.map(({ addr }) => addr.port);
}

const freePort = () => freePorts(1)[0]!;

/** A NodePort that leads to `endpoints`. */
const nodePort = (port: number, endpoints: readonly Endpoint[], more: Partial<LocalhostNodePort> = {}) => {
  const places = endpoints.map(({ place }) => place);
  return {
    name: "shop/web:http",
    family: "ip" as const,
    port,
    endpoints: places,
    affinitySeconds: 0,
    ...more,
  };
};

/** What a client gets that says `said` and then no more. */
async function ask(port: number, said: string, hostname = "127.0.0.1"): Promise<string> {
  using client = await Deno.connect({ hostname, port });
  await client.write(bytes(said));
  await client.closeWrite();
  return await everything(client);
}

/** A forwarder, how many listeners it has by family, and the failures it reported. */
function forwarder(max?: number) {
  const listening = { ip: 0, ip6: 0 };
  const failures: string[] = [];
  const made = new LocalhostForwarder({
    listening: (family, count) => void (listening[family] = count),
    failed: (port, problem) => void failures.push(`${port.name}: ${problem}`),
  }, max === undefined ? undefined : () => max);
  return { made, listening, failures };
}

Deno.test("a connection reaches an endpoint, and each side receives the end of the other", async () => {
  using endpoint = new Endpoint("a");
  const port = freePort();
  const { made, listening } = forwarder();
  using _forwarder = made;
  made.follow([nodePort(port, [endpoint])]);
  assert.deepEqual(listening, { ip: 1, ip6: 0 });
  assert.equal(await ask(port, "hello"), "a:hello");
  const long = "x".repeat(3_000_000);
  assert.equal(await ask(port, long), `a:${long}`);
});

Deno.test("a port of IPv6 listens on ::1", async () => {
  using endpoint = new Endpoint("a");
  const port = freePort();
  const { made, listening } = forwarder();
  using _forwarder = made;
  made.follow([nodePort(port, [endpoint], { family: "ip6" })]);
  assert.deepEqual(listening, { ip: 0, ip6: 1 });
  assert.equal(await ask(port, "hello", "::1"), "a:hello");
});

Deno.test("connections are spread over the endpoints; with affinity all go to one while it is there", async () => {
  using a = new Endpoint("a");
  using b = new Endpoint("b");
  const port = freePort();
  const { made } = forwarder();
  using _forwarder = made;
  made.follow([nodePort(port, [a, b])]);
  // Sixty-four of sixty-four to one endpoint happen once in 2^63 runs.
  for (let i = 0; i < 64; i++) await ask(port, "");
  assert.ok(a.accepted > 0 && b.accepted > 0, `${a.accepted} and ${b.accepted}`);
  made.follow([nodePort(port, [a, b], { affinitySeconds: 60 })]);
  const first = await ask(port, "");
  for (let i = 0; i < 64; i++) assert.equal(await ask(port, ""), first);
  const other = first === "a:" ? b : a;
  made.follow([nodePort(port, [other], { affinitySeconds: 60 })]);
  assert.equal(await ask(port, ""), `${other.name}:`, "the endpoint is gone");
});

Deno.test("an endpoint that refuses ends the client's connection, and the next one is served", async () => {
  using endpoint = new Endpoint("a");
  const port = freePort();
  const { made } = forwarder();
  using _forwarder = made;
  made.follow([nodePort(port, [], { endpoints: [{ hostname: "127.0.0.1", port: freePort() }] })]);
  assert.equal(await ask(port, ""), "");
  made.follow([nodePort(port, [endpoint])]);
  assert.equal(await ask(port, ""), "a:");
});

Deno.test("a port that goes ends its connections, one that stays keeps them", async () => {
  using endpoint = new Endpoint("a");
  const [going, staying] = [freePort(), freePort()];
  const { made, listening } = forwarder();
  using _forwarder = made;
  made.follow([nodePort(going, [endpoint]), nodePort(staying, [endpoint])]);
  using ended = await Deno.connect({ port: going });
  using kept = await Deno.connect({ port: staying });
  await until("both are forwarded", () => endpoint.accepted === 2);
  made.follow([nodePort(staying, [endpoint])]);
  assert.deepEqual(listening, { ip: 1, ip6: 0 });
  await until("it refuses", () => ask(going, "").then(() => false, () => true));
  assert.equal(await ended.read(new Uint8Array(1)), null);
  await kept.write(bytes("still"));
  await kept.closeWrite();
  assert.equal(await everything(kept), "a:still");
});

Deno.test("a port that is taken is reported once, and served when it is free", async () => {
  using endpoint = new Endpoint("a");
  const { made, listening, failures } = forwarder();
  using _forwarder = made;
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = [nodePort(taken.addr.port, [endpoint])];
  made.follow(ports);
  made.follow(ports);
  assert.equal(failures.length, 1);
  assert.match(failures[0]!, /^shop\/web:http: NodePort \d+ on 127.0.0.1 cannot be opened: .*in use/);
  assert.deepEqual(listening, { ip: 0, ip6: 0 });
  taken.close();
  await until("it is opened", () => listening.ip === 1);
  assert.equal(await ask(ports[0]!.port, "hi"), "a:hi");
});

Deno.test("more ports than the limit are not opened", () => {
  using endpoint = new Endpoint("a");
  const { made, listening, failures } = forwarder(1);
  using _forwarder = made;
  made.follow([nodePort(freePort(), [endpoint]), nodePort(freePort(), [endpoint])]);
  assert.deepEqual(listening, { ip: 1, ip6: 0 });
  assert.match(
    failures.join(),
    /more open ports would leave too few descriptors: raise the limit of open files/,
  );
});

Deno.test("thousands of ports are opened in turns, and a change that keeps them looks at none", async () => {
  using endpoint = new Endpoint("a");
  const { made, listening } = forwarder();
  using _forwarder = made;
  const ports = freePorts(120).map((port) => nodePort(port, [endpoint]));
  made.follow(ports);
  assert.ok(listening.ip > 0 && listening.ip < ports.length, `${listening.ip} are open at once`);
  await until("all are open", () => listening.ip === ports.length);
  listening.ip = -1;
  made.follow([...ports]);
  assert.equal(listening.ip, -1, "nothing was counted again");
});

Deno.test("a namespace whose clients hold all connections that it may have leaves room for others", async () => {
  using endpoint = new Endpoint("a");
  const { made } = forwarder();
  using _forwarder = made;
  const [port, other] = [freePort(), freePort()];
  made.follow([nodePort(port, [endpoint]), nodePort(other, [endpoint], { name: "neighbour/web:http" })]);
  const clients: Deno.TcpConn[] = [];
  for (let i = 0; i < FORWARDED_CONNECTIONS_MAX; i++) clients.push(await Deno.connect({ port }));
  const most = FORWARDED_CONNECTIONS_MAX / 2;
  await until("its part is forwarded", () => endpoint.accepted >= most);
  assert.equal(await ask(other, "").catch(() => ""), "a:", "the neighbour is served");
  assert.equal(await ask(port, "").catch(() => ""), "");
  assert.equal(endpoint.accepted, most + 1);
  clients.shift()!.close();
  await until("there is place for one", async () => await ask(port, "").catch(() => "") === "a:");
  for (const client of clients) client.close();
  await until("all have ended", () => endpoint.open === 0);
  assert.equal(await ask(other, ""), "a:");
});
