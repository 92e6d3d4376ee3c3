// Servers whose certificate has another name than their URL (tls-server-name), over real TLS connections.

import assert from "node:assert/strict";
import { ApiClient } from "../../src/ingest/api_client.ts";
import { LISTEN, status } from "../support/api_server.ts";
import { Authority } from "../support/cluster/certificates.ts";
import { asked, configure } from "../support/configured_client.ts";

Deno.test("with tls-server-name the certificate must have that name before anything is sent", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const seen: string[] = [];
  const body = "x".repeat(3_000_000);
  const server = Deno.serve({
    ...LISTEN,
    cert: Deno.readTextFileSync(certificate),
    key: Deno.readTextFileSync(key),
  }, (request) => {
    seen.push(request.headers.get("authorization") ?? "nothing");
    return new Response(body);
  });
  const url = `https://127.0.0.1:${server.addr.port}`;
  const ask = (name: string | undefined, ca = authority.certificate) =>
    asked(
      configure(folder, { server: url, "certificate-authority": ca, "tls-server-name": name }, {
        token: "t",
      }),
    );
  assert.equal(await ask("api.example"), body);
  assert.deepEqual(seen, ["Bearer t"]);
  assert.match(await ask(undefined), /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: .*certificate/);
  assert.match(await ask("other.example"), /^ApiFailure: https:\/\/127\.0\.0\.1:\d+: .*certificate/);
  const other = new Authority(`${folder}/other`);
  assert.match(await ask("api.example", other.certificate), /^ApiFailure: .*certificate/);
  assert.deepEqual(seen, ["Bearer t"], "no other server received a request");
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a watch with tls-server-name is read as it arrives, ends with its signal, and shows an error answer", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const cert = Deno.readTextFileSync(certificate);
  const server = Deno.serve({ ...LISTEN, cert, key: Deno.readTextFileSync(key) }, (request) => {
    if (new URL(request.url).searchParams.get("watch") === null) return status(403, "Forbidden");
    const first = new TextEncoder().encode("first\n");
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(first) }));
  });
  using client = new ApiClient(configure(folder, {
    server: `https://127.0.0.1:${server.addr.port}`,
    "certificate-authority": authority.certificate,
    "tls-server-name": "api.example",
  }, {}));
  const stop = new AbortController();
  const refused = await client.get("/api/v1/nodes", {}, stop.signal);
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /Forbidden for a test/);
  const response = await client.get("/api/v1/nodes", { watch: "1" }, stop.signal);
  const reader = response.body!.getReader({ mode: "byob" });
  const { value } = await reader.read(new Uint8Array(100));
  assert.equal(new TextDecoder().decode(value), "first\n");
  stop.abort();
  await assert.rejects(reader.read(new Uint8Array(100)));
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("with tls-server-name an answer that breaks off, is empty, or redirects is a failure", async () => {
  const folder = await Deno.makeTempDir();
  const authority = new Authority(`${folder}/authority`);
  const { certificate, key } = authority.server("DNS:api.example");
  const answers = [
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ncut",
    "HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "",
    "no HTTP",
  ];
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(certificate),
    key: Deno.readTextFileSync(key),
  });
  const path = configure(folder, {
    server: `https://127.0.0.1:${listener.addr.port}`,
    "certificate-authority": authority.certificate,
    "tls-server-name": "api.example",
  }, {});
  for (const answer of answers) {
    const served = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(answer));
    })();
    assert.match(await asked(path), /^(TypeError|ApiFailure): /, answer);
    await served;
  }
  listener.close();
  await Deno.remove(folder, { recursive: true });
});
