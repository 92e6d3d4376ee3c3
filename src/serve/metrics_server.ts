// Serves /metrics over HTTP, kube-proxy's other pages on that port, and /details for clients on this node.

import { METRICS_CONNECTIONS_MAX } from "../limits/serving.ts";
import { Connections } from "./connections.ts";
import {
  type HttpAnswer,
  type HttpNotes,
  type HttpRequest,
  HttpServer,
  NO_NOTES,
  NOT_FOUND,
} from "./http_server.ts";
import type { ServerAddress } from "./listening.ts";
import type { Metrics } from "./metrics.ts";
import {
  flagz,
  flagzText,
  type HealthChecks,
  sliMetrics,
  statusz,
  statuszText,
  type ZPages,
} from "./zpages.ts";

/** The name under which kube-proxy's /configz shows its configuration. */
const CONFIG_GROUP = "kubeproxy.config.k8s.io";
/** Prometheus' content type of the text format. */
const METRICS = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
const TEXT = { "content-type": "text/plain; charset=utf-8" };
const JSON_TYPE = { "content-type": "application/json" };

/** The pages beside /metrics. */
export interface MetricsPages {
  /** The configuration as KubeProxyConfiguration has it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The texts of the problems that /healthz names. Only clients on this node can read them, on any address. */
  details(): Readonly<Record<string, unknown>>;
  /** What /statusz and /flagz show. */
  readonly about: ZPages;
  /** The health checks of /metrics/slis. */
  readonly checks: HealthChecks;
}

/** Answers one path. */
type Page = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

/** Listens on `address` until it is disposed of. Throws AddrInUse and similar errors. */
export function serveMetrics(
  metrics: Pick<Metrics, "text">,
  { config, details, about, checks }: MetricsPages,
  address: ServerAddress,
  notes: HttpNotes = NO_NOTES,
  places = METRICS_CONNECTIONS_MAX,
): HttpServer {
  const slis = sliMetrics(checks, about.startedAt);
  const pages: Map<string, Page> = new Map<string, Page>([
    ["/healthz", () => ({ status: 200, headers: TEXT, body: "ok" })],
    ["/proxyMode", () => ({ status: 200, headers: TEXT, body: "nftables" })],
    ["/configz", () => json({ [CONFIG_GROUP]: config })],
    // The metrics port may be open to other machines, so the client's address decides, not the port's.
    ["/details", ({ client }) => isLoopback(client) ? json(details()) : NOT_FOUND],
    ["/metrics", async () => ({ status: 200, headers: METRICS, body: await metrics.text() })],
    ["/metrics/slis", async () => ({ status: 200, headers: METRICS, body: await slis() })],
    ["/flagz", (request) => negotiated(request, flagz(about), flagzText)],
    [
      "/statusz",
      (request) => negotiated(request, statusz(about, Date.now(), [...pages.keys()].sort()), statuszText),
    ],
  ]);
  return new HttpServer(
    address,
    (request) => pages.get(request.path)?.(request) ?? NOT_FOUND,
    new Connections(places),
    notes,
  );
}

/**
 * `page` as text, or as an object where the client accepts JSON. One that names another kind or version gets neither, nor one that
 * accepts no such type, as in Kubernetes' components (apiserver/pkg/server/statusz, 1.37).
 */
function negotiated<Shown extends { readonly kind: string; readonly apiVersion: string }>(
  { accept }: HttpRequest,
  page: Shown,
  text: (page: Shown) => string,
): HttpAnswer {
  const types = accept.split(",").map((one) => one.replaceAll(/\s/g, "").toLowerCase());
  const [group, version] = page.apiVersion.split("/");
  const named = [`as=${page.kind}`, `g=${group}`, `v=${version}`];
  for (const [type = "", ...parameters] of types.map((one) => one.split(";"))) {
    const about = parameters.filter((one) => /^(as|g|v)=/.test(one));
    if (type === "application/json" && about.every((one) => named.some((it) => it.toLowerCase() === one))) {
      const answer = json(page);
      const headers = { "content-type": `application/json;${named.join(";")}` };
      return about.length === 0 ? answer : { ...answer, headers };
    }
    if (["", "*/*", "text/*", "text/plain"].includes(type)) {
      return { status: 200, headers: TEXT, body: text(page) };
    }
  }
  return {
    status: 406,
    headers: TEXT,
    body: "only these media types are accepted: application/json, text/plain\n",
  };
}

/** A page of JSON. */
function json(value: unknown): HttpAnswer {
  return { status: 200, headers: JSON_TYPE, body: JSON.stringify(value) };
}

/** Whether `address` is a loopback address, which only programs on this node can use. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}
