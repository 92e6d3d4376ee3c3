// Connections that die without a reset, hang in their TLS handshake, or are cut by a load balancer again and again. They are
// replaced, and cuts are reported once a minute.

import assert from "node:assert/strict";
import { createServer } from "node:https";
import { apiSource } from "../../src/ingest/api_source.ts";
import { ApiConnection } from "../../src/ingest/connection.ts";
import { BOOKMARK, line, LISTEN, page, Server, status, stream, whole } from "../support/api_server.ts";
import { Follower } from "../support/follower.ts";
import { SilentRelay } from "../support/silent_relay.ts";
import { until } from "../support/until.ts";

const TIMES = {
  idleMilliseconds: 600_000,
  backoffMilliseconds: 10,
  backoffMaxMilliseconds: 50,
  quietMilliseconds: 200,
  unansweredMilliseconds: 200,
  probeMilliseconds: 300,
};
/** For what is not to be found dead: client and server share a loop, which a busy machine may hold up. */
const PATIENT = { ...TIMES, unansweredMilliseconds: 10_000, probeMilliseconds: 10_000 };
const first = () => stream([line("ADDED", whole("a")), BOOKMARK], true);
const late = () => stream([line("ADDED", whole("late", "11"))], true);

Deno.test("a connection that dies without a reset is noticed and replaced", async () => {
  await using server = new Server((query) => query.has("sendInitialEvents") ? first() : late());
  await using relay = new SilentRelay(server.port);
  const times = { ...TIMES, unansweredMilliseconds: 2000, probeMilliseconds: 2000 };
  await using follower = new Follower(
    apiSource(server.client(relay.address.port), "node-a", false, times),
  );
  await until("it is listed", () => follower.said().includes("list Service: a"));
  assert.equal(relay.connections, 1);
  relay.silence();
  await until("it is followed again", () => follower.said().includes("+late"));
  assert.match(follower.said().join("\n"), /! Service: the connection is dead: a probe was not answered/);
  assert.equal(server.calls[1]!.get("resourceVersion"), "10");
});

Deno.test("a TLS handshake that is never answered is aborted and retried", async () => {
  await using server = new Server(first);
  await using relay = new SilentRelay(server.port);
  relay.mute = true;
  await using follower = new Follower(
    apiSource(server.client(relay.address.port), "node-a", false, TIMES),
  );
  await until("it is given up", () => follower.said().length > 0);
  relay.mute = false;
  await until("it is listed", () => follower.said().includes("list Service: a"));
});

Deno.test("a silent connection that works is kept", async () => {
  let probes = 0;
  await using server = new Server(first, (path) => {
    if (path === "/livez") probes++;
    return path === "/livez" ? new Response("ok") : stream([BOOKMARK], true);
  });
  await using relay = new SilentRelay(server.port);
  await using follower = new Follower(
    apiSource(server.client(relay.address.port), "node-a", false, PATIENT),
  );
  await until("it is probed a few times", () => probes >= 4);
  assert.deepEqual([relay.connections, server.calls.length], [1, 1]);
  assert.deepEqual(follower.said().filter((text) => text.startsWith("!")), []);
});

Deno.test("watches on HTTP/1.1, which have connections of their own, are renewed in time", async () => {
  const watches: string[] = [];
  const server = createServer({ cert: LISTEN.cert, key: LISTEN.key }, (request, response) => {
    const query = new URL(request.url!, "https://server").searchParams;
    const services = request.url!.startsWith("/api/v1/services");
    if (!query.has("watch")) return void response.writeHead(422).end();
    response.writeHead(200, { "content-type": "application/json" });
    if (query.has("sendInitialEvents")) response.write(BOOKMARK);
    else if (services && query.has("watch")) {
      watches.push(query.get("timeoutSeconds")!);
      response.write(watches.length < 3 ? "\n" : line("ADDED", whole("late", "11")));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  {
    await using unused = new Server(() => undefined);
    await using relay = new SilentRelay(port);
    const times = { ...PATIENT, refreshMilliseconds: 1500, quietMilliseconds: 60_000 };
    await using follower = new Follower(
      apiSource(unused.client(relay.address.port), "node-a", false, times),
    );
    const service = () => follower.source.status().find(({ kind }) => kind === "Service")!;
    await until("all are listed", () => follower.source.status().every(({ listed }) => listed));
    const listedAt = service().receivedAt;
    await until(
      "a renewed watch has an answer",
      () => service().receivedAt > listedAt && watches.length >= 1,
    );
    relay.silence();
    await until("they are followed again", () => follower.said().includes("+late"));
    assert.deepEqual(follower.said().filter((text) => text.startsWith("!")), []);
    assert.equal(watches[0], "1");
  }
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("watches that a load balancer cuts again and again are resumed with one log line", async () => {
  await using server = new Server((query) => query.has("sendInitialEvents") ? first() : stream(["\n"], true));
  await using relay = new SilentRelay(server.port);
  const times = { ...PATIENT, shortMilliseconds: 1 };
  await using follower = new Follower(
    apiSource(server.client(relay.address.port), "node-a", false, times),
  );
  await until("it is listed", () => follower.said().includes("list Service: a"));
  for (let cuts = 1; cuts <= 8; cuts++) {
    relay.cut();
    await until("it is followed again", () => server.calls.length > cuts);
  }
  // A slow machine cuts a connection that is being made too: that is another problem, with a line of its own.
  const lines = follower.said().filter((text) => /^! \w+: a watch was cut and is resumed: ./.test(text));
  assert.equal(lines.length, 1, lines.join("\n"));
});

/** `response`, compressed as by a proxy that compresses every answer. */
function gzipped(response: Response): Response {
  const body = response.body!.pipeThrough(new CompressionStream("gzip"));
  const headers = { "content-type": "application/json; charset=utf-8", "content-encoding": "gzip" };
  return new Response(body, { status: response.status, headers });
}

Deno.test("a list and a Status are read although the server compresses them without a request for it", async () => {
  const boom = { kind: "Status", apiVersion: "v1", status: "Failure", message: "not ready", code: 503 };
  let ready = false;
  await using server = new Server((query) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return late();
    return gzipped(ready ? page(["a", "b"]) : Response.json(boom));
  });
  await using follower = new Follower(apiSource(server.client(), "node-a", false, PATIENT));
  await until("it says why", () => follower.said().includes("! Service: not ready; trying again"));
  ready = true;
  await until("it is listed", () => follower.said().includes("list Service: a,b"));
});

Deno.test("pages are asked for and read in gzip, watches and streamed lists are not", async () => {
  await using server = new Server((query) => {
    if (query.has("sendInitialEvents")) return status(422, "Invalid");
    if (query.has("watch")) return stream([line("ADDED", whole("c"))], true);
    return query.has("continue") ? gzipped(page(["b"])) : gzipped(page(["a"], { continue: "more" }));
  });
  await using follower = new Follower(apiSource(server.client(), "node-a", false, PATIENT));
  await until(
    "the watch is read",
    () => follower.said().includes("list Service: a,b") && server.calls.length > 3,
  );
  const asked = server.calls.map((query, i) =>
    `${query.has("watch") ? "watch" : "page"} ${server.encodings[i]}`
  );
  assert.deepEqual(asked.slice(0, 4), ["watch identity", "page gzip", "page gzip", "watch identity"]);
});

Deno.test("the event loop turns while a body is read, also where all of it is there already", async () => {
  const pieces = ReadableStream.from(Array.from({ length: 64 }, () => new Uint8Array(1024 * 1024)));
  // Sixty kilobytes on the wire.
  const body = await new Response(pieces.pipeThrough(new CompressionStream("gzip"))).bytes();
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  await using server = new Server(() => new Response(body, { headers }));
  server.firstLists = true;
  using connection = new ApiConnection(server.client());
  let [read, turns] = [0, 0];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ended = Promise.withResolvers<void>();
  const request = connection.open("/api/v1/services", {}, "json", {
    head: () => undefined,
    bytes(chunk) {
      read += chunk.length;
      timer ??= setTimeout(() => {
        turns++;
        timer = undefined;
      }, 0);
      return undefined;
    },
    end: () => void ended.resolve(),
    failed: ({ text }) => void ended.reject(new Error(text)),
  });
  await ended.promise;
  await request.closed;
  clearTimeout(timer);
  assert.equal(read, 64 * 1024 * 1024);
  assert.ok(turns >= 100, `${turns} turns`);
});
