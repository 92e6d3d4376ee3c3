// The pages that Kubernetes' components have, over HTTP.

import assert from "node:assert/strict";
import { serveMetrics } from "../../src/serve/metrics_server.ts";

Deno.test("/statusz, /flagz and /metrics/slis answer as in Kubernetes' components, without secrets", async () => {
  const address = { hostname: "127.0.0.1", port: 20_249 };
  const pages = {
    config: {},
    details: () => ({}),
    about: {
      startedAt: 1000,
      version: "1.2.3",
      runtime: "Deno 2",
      flags: { v: "2", master: "https://u:secret@api" },
    },
    checks: { healthz: () => false, livez: () => true },
  };
  await using _server = serveMetrics({ text: () => Promise.resolve("") }, pages, address);
  const get = async (path: string, accept: string) =>
    await (await fetch(`http://127.0.0.1:${address.port}${path}`, { headers: { accept } })).text();
  const json = async (path: string) => JSON.parse(await get(path, "application/json;v=v1beta1"));
  const { kind, startTime, binaryVersion, paths } = await json("/statusz");
  assert.deepEqual([kind, startTime, binaryVersion], ["Statusz", "1970-01-01T00:00:01Z", "1.2.3"]);
  assert.ok(paths.includes("/metrics/slis") && paths.includes("/statusz"));
  assert.match(await get("/statusz", "*/*"), /^\nledgerproxy statusz\nWarning: /);
  assert.equal((await json("/flagz")).flags.v, "2");
  const asked = async (path: string, accept: string) => {
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { headers: { accept } });
    await response.body?.cancel();
    return [response.status, response.headers.get("content-type")];
  };
  const structured = "application/json;v=v1beta1;g=config.k8s.io;as=Statusz";
  assert.deepEqual(await asked("/statusz", structured), [
    200,
    "application/json;as=Statusz;g=config.k8s.io;v=v1beta1",
  ]);
  const page = "text/html,application/xhtml+xml,*/*;q=0.8";
  assert.deepEqual(await asked("/statusz", page), [200, "text/plain; charset=utf-8"]);
  const refused = ["text/html", "application/yaml", structured.replace("Statusz", "Flagz")];
  for (const accept of refused) assert.equal((await asked("/statusz", accept))[0], 406, accept);
  assert.match(await get("/flagz", "*/*"), /\nv: 2\n/);
  assert.doesNotMatch(await get("/flagz", "*/*"), /secret/);
  assert.match(
    await get("/metrics/slis", "*/*"),
    /^kubernetes_healthcheck\{name="ledgerproxy",type="healthz"\} 0$/m,
  );
  const second = await get("/metrics/slis", "*/*");
  assert.match(
    second,
    /^kubernetes_healthchecks_total\{name="ledgerproxy",type="livez",status="success"\} 2$/m,
  );
  assert.match(
    second,
    /^kubernetes_healthchecks_total\{name="ledgerproxy",type="livez",status="error"\} 0$/m,
  );
});
