// The pages /statusz, /flagz and /metrics/slis, as components of Kubernetes 1.37 have them (KEP-4827, KEP-4828, KEP-3466). The
// first two have a text for people and, where a client accepts application/json, an object of config.k8s.io/v1beta1.

import { redacted } from "../printable.ts";
import { Counter, Gauge, Registry } from "./prometheus.ts";

/** What the pages show. */
export interface ZPages {
  /** When the process started, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly version: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
  /** The flags that were given, by name. */
  readonly flags: Readonly<Record<string, string>>;
}

const API_VERSION = "config.k8s.io/v1beta1";
const NAME = "ledgerproxy";
const WARNING =
  "Warning: This page is for people. It may change, so programs should ask for application/json.";

/** The object of /statusz. `paths` are the pages of the port. */
export function statusz({ startedAt, version, runtime }: ZPages, now: number, paths: readonly string[]) {
  return {
    kind: "Statusz",
    apiVersion: API_VERSION,
    metadata: { name: NAME },
    startTime: `${new Date(startedAt).toISOString().slice(0, 19)}Z`,
    uptimeSeconds: Math.floor((now - startedAt) / 1000),
    binaryVersion: version,
    runtimeVersion: runtime,
    paths,
  };
}

/** The text of /statusz. */
export function statuszText(page: ReturnType<typeof statusz>): string {
  return [
    "",
    `${NAME} statusz`,
    WARNING,
    "",
    `Started: ${page.startTime}`,
    `Up: ${page.uptimeSeconds} s`,
    `Runtime version: ${page.runtimeVersion}`,
    `Binary version: ${page.binaryVersion}`,
    `Paths: ${page.paths.join(" ")}`,
    "",
  ].join("\n");
}

/** The object of /flagz, without secrets. */
export function flagz({ flags }: ZPages) {
  const shown = Object.entries(flags).map(([name, value]) => [name, redacted(value)] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  return {
    kind: "Flagz",
    apiVersion: API_VERSION,
    metadata: { name: NAME },
    flags: Object.fromEntries(shown),
  };
}

/** The text of /flagz. */
export function flagzText(page: ReturnType<typeof flagz>): string {
  const lines = Object.entries(page.flags).map(([name, value]) => `${name}: ${value}`);
  return ["", `${NAME} flagz`, WARNING, "", ...lines, ""].join("\n");
}

/** The health checks whose results /metrics/slis has, each with its present result. */
export type HealthChecks = Readonly<Record<"healthz" | "livez", () => boolean>>;

/** The text of /metrics/slis. Each request runs the checks once, as a scraper of SLIs expects. */
export function sliMetrics(checks: HealthChecks, startedAt: number): () => Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const result = new Gauge({
    name: "kubernetes_healthcheck",
    help: "1 where the health check succeeds, else 0",
    labelNames: ["name", "type"] as const,
    registers,
  });
  const total = new Counter({
    name: "kubernetes_healthchecks_total",
    help: "Results of the health checks",
    labelNames: ["name", "type", "status"] as const,
    registers,
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start of the process, in seconds since 1970",
    registers,
  })
    .set(startedAt / 1000);
  for (const type of ["healthz", "livez"] as const) {
    for (const status of ["success", "error"]) total.inc({ name: NAME, type, status }, 0);
  }
  return async () => {
    for (const type of ["healthz", "livez"] as const) {
      const ok = checks[type]();
      result.set({ name: NAME, type }, ok ? 1 : 0);
      total.inc({ name: NAME, type, status: ok ? "success" : "error" });
    }
    return await registry.metrics();
  };
}
