// Real packets: connections to cluster IPs reach the endpoints with equal probability, through every change.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { POD_NETWORKS } from "../support/pod_networks.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const FRONTEND = "10.96.0.1";

const NODE = [
  ...POD_NETWORKS,
  // Many short connections from one address need many ports.
  "echo '1024 65535' > /proc/sys/net/ipv4/ip_local_port_range",
];
for (const command of NODE) {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", command] }).outputSync();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

/** A proxy that makes rules in the kernel of this namespace. */
class Proxy extends EngineProcess {
  readonly #kernel: NetlinkKernel;

  constructor() {
    const kernel = new NetlinkKernel();
    super(kernel, memoryStorage(), { warn: (text) => assert.fail(text) });
    this.#kernel = kernel;
  }

  /** Changes the rules to those of `objects`. */
  serve(...objects: KubeObject[]): void {
    this.list(...objects);
    assert.equal(this.engine.rejections, 0);
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#kernel[Symbol.dispose]();
  }
}

/** A TCP server on port 8080 of every pod, which answers with the pod's address. */
class Pods implements AsyncDisposable {
  readonly #listeners: Deno.Listener[];
  readonly #serving: Promise<void>[];

  constructor(addresses: readonly string[]) {
    this.#listeners = addresses.map((hostname) => Deno.listen({ hostname, port: 8080 }));
    this.#serving = this.#listeners.map((listener, i) => serve(listener, addresses[i]!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await Promise.all(this.#serving);
  }
}

async function serve(listener: Deno.Listener, name: string): Promise<void> {
  for await (const connection of listener) {
    await connection.write(new TextEncoder().encode(name));
    connection.close();
  }
}

/** How often each pod answered in `calls` connections to the frontend. */
async function tally(calls: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  for (let i = 0; i < calls; i++) {
    using connection = await Deno.connect({ hostname: FRONTEND, port: 80 });
    const buffer = new Uint8Array(64);
    const pod = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
    seen.set(pod, (seen.get(pod) ?? 0) + 1);
  }
  return seen;
}

const pods = (count: number) => Array.from({ length: count }, (_, i) => `10.244.${i >> 8}.${(i & 255) + 1}`);
const web = (addresses: readonly string[]) => [
  service(`shop/web ${FRONTEND} http:80/tcp`),
  slice(`shop/web-a http:8080/tcp ${addresses.join(" ")}`),
];

/** Pearson's chi-squared of `seen` against equal shares of `calls` over `count` pods. */
function chiSquared(seen: ReadonlyMap<string, number>, count: number, calls: number): number {
  const expected = calls / count;
  return pods(count).reduce((sum, pod) => sum + ((seen.get(pod) ?? 0) - expected) ** 2 / expected, 0);
}

/** The value that chi-squared with k degrees of freedom exceeds once in 100,000 by chance (Wilson and Hilferty). */
function chiSquaredLimit(k: number): number {
  return k * (1 - 2 / (9 * k) + 4.265 * Math.sqrt(2 / (9 * k))) ** 3;
}

for (const count of [1, 2, 3, 5, 9, 100]) {
  Deno.test(`${count} endpoints are equally likely (chi-squared over real connections)`, async () => {
    using proxy = new Proxy();
    await using _pods = new Pods(pods(count));
    proxy.serve(...web(pods(count)));
    const calls = Math.max(400, count * 40);
    const seen = await tally(calls);
    const found = chiSquared(seen, count, calls);
    assert.ok(
      found === 0 || found < chiSquaredLimit(count - 1),
      `chi-squared ${found}: ${[...seen.values()]}`,
    );
    assert.ok([...seen.keys()].every((pod) => pods(count).includes(pod)), "no other endpoint was reached");
  });
}

Deno.test("a slot class that is only three eighths full is still even", async () => {
  using proxy = new Proxy();
  await using _pods = new Pods(pods(8));
  proxy.serve(...web(pods(8)));
  proxy.serve(...web(pods(3)));
  const seen = await tally(600);
  assert.ok(seen.size === 3 && chiSquared(seen, 3, 600) < chiSquaredLimit(2), `${[...seen]}`);
});

Deno.test("weights are shares of connections; with 0 no connection begins, and one that exists goes on", async () => {
  using proxy = new Proxy();
  const all = pods(3);
  await using _pods = new Pods(all);
  const weighed = (...weights: number[]) => [
    service(`shop/web ${FRONTEND} http:80/tcp`),
    ...weights.map((weight, i) => {
      const one = slice(`shop/web-${i} http:8080/tcp ${all[i]}`);
      const annotations = { "ledgerproxy.io/weight": String(weight) };
      return { ...one, metadata: { ...one.metadata, annotations } };
    }),
  ];
  proxy.serve(...weighed(1, 2, 3));
  const calls = 900;
  const seen = await tally(calls);
  const found = [1, 2, 3].reduce((sum, weight, i) => {
    const expected = calls * weight / 6;
    return sum + ((seen.get(all[i]!) ?? 0) - expected) ** 2 / expected;
  }, 0);
  assert.ok(found < chiSquaredLimit(2), `chi-squared ${found}: ${[...seen]}`);
  using echo = Deno.listen({ hostname: all[0]!, port: 8081 });
  const answering = echo.accept();
  proxy.serve(
    service(`shop/web ${FRONTEND} http:80/tcp`),
    slice(`shop/web-0 http:8081/tcp ${all[0]}`),
  );
  using client = await Deno.connect({ hostname: FRONTEND, port: 80 });
  using server = await answering;
  proxy.serve(...weighed(0, 1, 1));
  const after = await tally(100);
  assert.deepEqual([...after.keys()].sort(), all.slice(1));
  await client.write(new Uint8Array([7]));
  const buffer = new Uint8Array(1);
  assert.equal(await server.read(buffer), 1);
});

/** How a TCP connection without an answer ends: the error's name, and how often its SYN was sent again. */
async function refused(hostname: string, port: number): Promise<{ error: string; again: number }> {
  const before = synsSentAgain();
  try {
    (await Deno.connect({ hostname, port })).close();
    return { error: "connected", again: 0 };
  } catch (error) {
    return { error: (error as Error).name, again: synsSentAgain() - before };
  }
}

/** How many SYNs were sent again in this namespace (TcpExt of proc_pid_net(5)). */
function synsSentAgain(): number {
  const [names, values] = Deno.readTextFileSync("/proc/net/netstat").split("\n")
    .filter((line) => line.startsWith("TcpExt:")).map((line) => line.split(" "));
  return Number(values![names!.indexOf("TCPSynRetrans")]);
}

Deno.test("a Service without endpoints and an unused port of a cluster IP refuse TCP, in both families", async () => {
  using proxy = new Proxy();
  proxy.serve(
    service("shop/empty 10.96.0.2,fd00:96::2 http:80/tcp"),
    service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.244.0.1"),
    slice("shop/web-b http:8080/tcp fd00:10:244::1"),
  );
  for (
    const [hostname, port] of [["10.96.0.2", 80], ["fd00:96::2", 80], ["10.96.0.1", 81], [
      "fd00:96::1",
      81,
    ]] as const
  ) {
    const { error, again } = await refused(hostname, port);
    assert.equal(error, "ConnectionRefused", `${hostname}:${port}`);
    // A client would wait a second for that: a reset ends the first attempt (design 2.2).
    assert.equal(again, 0, `${hostname}:${port}`);
  }
});

Deno.test("packets whose endpoints another program took away keep their destination, and are refused there", async () => {
  using proxy = new Proxy();
  proxy.serve(
    service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp", undefined, {
      externalIPs: ["192.0.2.80", "2001:db8::80"],
    }),
    slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2"),
    slice("shop/web-b http:8080/tcp fd00:10:244::1 fd00:10:244::2"),
  );
  for (const family of ["ip", "ip6"]) nft(["flush", "map", family, "ledgerproxy", "endpoints"]);
  for (const hostname of ["10.96.0.1", "fd00:96::1"]) {
    assert.equal((await refused(hostname, 80)).error, "ConnectionRefused", hostname);
  }
});

Deno.test("TCP over IPv6 reaches the endpoints, and an established connection survives every other change", async () => {
  using proxy = new Proxy();
  const web = service("shop/web fd00:96::1 http:80/tcp");
  const others = (...addresses: string[]) => slice(`shop/web-a http:8080/tcp ${addresses.join(" ")}`);
  using listener = Deno.listen({ hostname: "fd00:10:244::1", port: 8080 });
  proxy.serve(web, others("fd00:10:244::1"));
  using client = await Deno.connect({ hostname: "fd00:96::1", port: 80 });
  using server = await listener.accept();
  const echo = async () => {
    await client.write(Uint8Array.of(7));
    const byte = new Uint8Array(1);
    assert.equal(await server.read(byte), 1);
    assert.equal(byte[0], 7);
  };
  await echo();
  proxy.serve(web, others("fd00:10:244::1", "fd00:10:244::2", "fd00:10:244::3"));
  await echo();
  proxy.serve(web, others("fd00:10:244::1"), service("shop/api fd00:96::9 http:80/tcp"));
  await echo();
});
