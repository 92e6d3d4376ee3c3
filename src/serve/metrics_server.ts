// Serves /metrics over HTTP, with kube-proxy's /healthz, /proxyMode and /configz beside it.

import type { Metrics } from "./metrics.ts";

/** The name under which kube-proxy's /configz shows its configuration. */
const CONFIG_GROUP = "kubeproxy.config.k8s.io";

/** Listens on `address` until disposed of. Throws AddrInUse and its like. */
export function serveMetrics(
  metrics: Metrics,
  config: Readonly<Record<string, unknown>>,
  address: { hostname: string; port: number },
): AsyncDisposable {
  const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  return Deno.serve({ ...address, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname;
    if (path === "/healthz") return new Response("ok");
    if (path === "/proxyMode") return new Response("nftables");
    if (path === "/configz") return Response.json({ [CONFIG_GROUP]: config });
    if (path !== "/metrics") return new Response("not found\n", { status: 404 });
    return new Response(await metrics.text(), { headers });
  });
}
