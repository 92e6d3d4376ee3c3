// Calls to an API server: answers without an end, and how each call is noted.

import assert from "node:assert/strict";
import { ApiClient, prepareTls } from "../../src/ingest/api_client.ts";
import { kubeconfig, LISTEN } from "../support/api_server.ts";
import { until } from "../support/until.ts";

Deno.test("an endless error answer to an event is not read to its end", async () => {
  const server = Deno.serve(
    LISTEN,
    () =>
      new Response(
        new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536).fill(120)) }),
        { status: 500 },
      ),
  );
  const folder = await Deno.makeTempDir();
  using client = new ApiClient(kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, {}));
  await assert.rejects(client.post("/apis/events.k8s.io/v1/events", {}), /500 Internal Server Error/);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("each answer is noted with its code, and a request without an answer with none", async () => {
  const server = Deno.serve(LISTEN, () => new Response("{}", { status: 403 }));
  const host = `127.0.0.1:${server.addr.port}`;
  const folder = await Deno.makeTempDir();
  using client = new ApiClient(kubeconfig(folder, `https://${host}`, {}));
  const noted: unknown[] = [];
  client.answered = ({ seconds, ...rest }) => noted.push([rest, seconds > 0]);
  await (await client.get("/api/v1/nodes", {}, new AbortController().signal)).body?.cancel();
  await assert.rejects(client.post("/apis/events.k8s.io/v1/events", {}), /403/);
  await server.shutdown();
  client.replaceConnections();
  await assert.rejects(client.get("/api/v1/nodes", {}, new AbortController().signal), /ApiFailure/);
  await Deno.remove(folder, { recursive: true });
  assert.deepEqual(noted, [
    [{ method: "GET", host, status: 403 }, true],
    [{ method: "POST", host, status: 403 }, true],
    [{ method: "GET", host, status: undefined }, true],
  ]);
});

Deno.test("a connection that is made ahead is that of the next request", async () => {
  const asked: string[] = [];
  const ports = new Set<number>();
  const server = Deno.serve(LISTEN, (request, { remoteAddr }) => {
    asked.push(new URL(request.url).pathname);
    ports.add(remoteAddr.port);
    return new Response("{}");
  });
  const folder = await Deno.makeTempDir();
  using client = new ApiClient(kubeconfig(folder, `https://127.0.0.1:${server.addr.port}`, {}));
  prepareTls();
  using _ahead = client.connectAhead();
  await until("it is asked", () => asked.length > 0);
  await (await client.get("/api/v1/nodes", {}, new AbortController().signal)).body?.cancel();
  assert.deepEqual([asked, ports.size], [["/version", "/api/v1/nodes"], 1]);
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a connection that cannot be made ahead is left to the next request, and is given up in the end", async () => {
  const folder = await Deno.makeTempDir();
  {
    using refused = new ApiClient(kubeconfig(folder, "https://127.0.0.1:1", {}));
    using _ahead = refused.connectAhead();
    await assert.rejects(refused.get("/api/v1/nodes", {}, new AbortController().signal), /ApiFailure/);
  }
  // A server that accepts and says nothing.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  {
    using client = new ApiClient(kubeconfig(folder, `https://127.0.0.1:${silent.addr.port}`, {}));
    using _ahead = client.connectAhead();
    (await silent.accept()).close();
  }
  await Deno.remove(folder, { recursive: true });
});
