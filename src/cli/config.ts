// `--config FILE`: a KubeProxyConfiguration as nodes have it. What a flag says too, the flag decides.

import { readDocuments } from "../ingest/manifest_documents.ts";
import { type BindAddress, readConfigFile } from "../kube/proxy_config_file.ts";
import { log } from "./log.ts";
import { proxyConfig, type ProxyOptions } from "./proxy_options.ts";
import { UsageError } from "./usage_error.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";

/** Flags that a configuration file can stand for. */
export interface ConfigOptions extends ProxyOptions {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly source?: string;
  readonly node?: string;
  readonly ledger?: string;
  readonly metricsBindAddress?: BindAddress;
  readonly healthzBindAddress?: BindAddress;
}

/** What is in force, whoever said it. */
export interface Settings {
  readonly proxy: ProxyConfig;
  /** Name of the own Node object. */
  readonly node: string;
  readonly kubeconfig?: string;
  readonly source?: string;
  readonly ledger?: string;
  readonly metricsBindAddress?: BindAddress;
  readonly healthzBindAddress?: BindAddress;
}

/** Flags, then the file, then defaults. Throws {@link UsageError} with everything that is wrong with the file. */
export function settings(options: ConfigOptions): Settings {
  const file = options.config === undefined ? undefined : readConfig(options.config);
  const kubeconfig = options.kubeconfig ?? (options.source === undefined ? file?.kubeconfig : undefined);
  const ledger = options.ledger ?? file?.ledger;
  const metrics = options.metricsBindAddress ?? file?.metrics;
  const healthz = options.healthzBindAddress ?? file?.healthz;
  return {
    proxy: proxyConfig(options, file?.proxy),
    node: options.node ?? file?.node ?? Deno.hostname().toLowerCase(),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(metrics === undefined ? {} : { metricsBindAddress: metrics }),
    ...(healthz === undefined ? {} : { healthzBindAddress: healthz }),
  };
}

function readConfig(path: string) {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(`--config ${path}: ${(error as Error).message.replace(/:.*/, "")}`);
  }
  const { values, problems } = readDocuments(path, text);
  const read = problems.length > 0 ? { ok: false as const, problems } : readConfigFile(values);
  if (!read.ok) {
    throw new UsageError([`--config ${path}:`, ...read.problems.map((problem) => `  ${problem}`)].join("\n"));
  }
  for (const warning of read.warnings) log.warn(`${path}: ${warning}`);
  return read.config;
}
