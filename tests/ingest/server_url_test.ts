// URLs of API servers and proxies.

import assert from "node:assert/strict";
import { parseServerUrl, shownUrl } from "../../src/ingest/server_url.ts";

Deno.test("name and password are taken out of a URL, and slash, query and fragment are left out", () => {
  assert.deepEqual(parseServerUrl("https://n:p%40@10.0.0.1:6443/path/?a=b#c", ["https:"]), {
    url: "https://10.0.0.1:6443/path",
    login: { username: "n", password: "p@" },
    plain: false,
    loopback: false,
  });
  assert.equal(parseServerUrl("ftp://10.0.0.1", ["https:"]), undefined);
  assert.equal(parseServerUrl("no URL", ["https:"]), undefined);
});

Deno.test("loopback is an address or name of this machine alone", () => {
  const loopback = (host: string) => parseServerUrl(`http://${host}:8001`, ["http:"])?.loopback;
  assert.deepEqual(["127.0.0.1", "127.1.2.3", "[::1]", "localhost"].map(loopback), [true, true, true, true]);
  assert.deepEqual(["10.0.0.1", "localhost.example", "[::2]"].map(loopback), [false, false, false]);
});

Deno.test("a wrong URL is quoted only where it cannot hold a secret", () => {
  assert.equal(shownUrl("ftp://example.com:21"), '"ftp://example.com:21"');
  assert.equal(shownUrl("host:6443"), '"host:6443"');
  for (const text of ["https://n:p@host", "eyJhbGciOi.eyJpc3MiOi.c2ln", "https://host/?token=t"]) {
    assert.equal(shownUrl(text), "(not shown: it may hold a secret)");
  }
});
