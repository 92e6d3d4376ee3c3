// Calls to an API server whose answers have no end.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { kubeconfig, LISTEN } from "../support/api_server.ts";

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
