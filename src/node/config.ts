// Configuration: kube-proxy's flags, a KubeProxyConfiguration file, defaults; in this order.

import { readFault, readTextUpTo } from "../ingest/bounded_file.ts";
import { readDocuments } from "../ingest/manifest_documents.ts";
import type { ConntrackSettings } from "../kube/conntrack_settings.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import {
  type BindAddress,
  type ConfigFile,
  KUBE_PROXY_API_VERSION,
  readConfigFile,
} from "../kube/proxy_config_file.ts";
import { CONFIG_BYTES_MAX } from "../limits.ts";
import { followLogSettings, log } from "./log.ts";
import { type Document, flagNames, type ProxyFlags, withFlags } from "./proxy_flags.ts";
import { UsageError } from "./usage_error.ts";

/** Flags that say how we are set up; those of kube-proxy are in {@link ProxyFlags}. */
export interface ConfigOptions extends ProxyFlags {
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly master?: string;
  readonly source?: string;
  readonly ledger?: string;
}

/** What is in force, whoever said it. */
export interface Settings {
  readonly proxy: ProxyConfig;
  /** Name of the own Node object. */
  readonly node: string;
  readonly kubeconfig?: string;
  /** URL of the API server, in place of the kubeconfig's. */
  readonly master?: string;
  readonly source?: string;
  readonly ledger?: string;
  readonly metricsBindAddress?: BindAddress;
  readonly healthzBindAddress?: BindAddress;
  readonly bindAddressHardFail: boolean;
  /** How long changes may wait for the kernel before the node counts as unhealthy, in seconds. */
  readonly pendingSeconds: number;
  /** Absent: left as they are. */
  readonly conntrack?: ConntrackSettings;
  /** -1000 to 1000; absent: left as it is. */
  readonly oomScoreAdj?: number;
  /** The configuration as KubeProxyConfiguration has it. */
  readonly document: Document;
}

const NO_FILE: Document = {
  apiVersion: KUBE_PROXY_API_VERSION,
  kind: "KubeProxyConfiguration",
  mode: "nftables",
};

/**
 * Flags, then the file, then defaults. Throws {@link UsageError} with everything that is wrong.
 *
 * Addresses to listen on have kube-proxy's defaults when an API server is followed; with `source` we listen where we are
 * told. Sysctls and the OOM score are the node's: they are set only when somebody asks for it.
 */
export function settings(options: ConfigOptions): Settings {
  const { document, file, from } = read(options);
  const kubeconfig = options.kubeconfig ?? (options.source === undefined ? file.kubeconfig : undefined);
  const ledger = options.ledger ?? file.ledger;
  const listens = (field: string) =>
    options.source === undefined || options.config !== undefined || from.has(field);
  const asked = (field: string) =>
    options.config !== undefined || [...from.keys()].some((path) => path.startsWith(field));
  return {
    proxy: file.proxy,
    node: file.node ?? Deno.hostname().toLowerCase(),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(options.master === undefined ? {} : { master: options.master }),
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(ledger === undefined ? {} : { ledger }),
    ...(listens("metricsBindAddress") ? { metricsBindAddress: file.metrics } : {}),
    ...(listens("healthzBindAddress") ? { healthzBindAddress: file.healthz } : {}),
    bindAddressHardFail: file.bindAddressHardFail,
    pendingSeconds: 2 * file.syncPeriodSeconds,
    ...(asked("conntrack") ? { conntrack: file.conntrack } : {}),
    ...(asked("oomScoreAdj") ? { oomScoreAdj: file.oomScoreAdj } : {}),
    document,
  };
}

function read(
  options: ConfigOptions,
): { document: Document; file: ConfigFile; from: ReadonlyMap<string, string> } {
  const { config } = options;
  const { values, problems, repeated } = config === undefined
    ? { values: [NO_FILE], problems: [], repeated: [] }
    : readDocuments(config, readText(config), "kubernetes");
  const isTheirs = (value: unknown) =>
    (value as { kind?: unknown } | null)?.kind === "KubeProxyConfiguration";
  const theirs = values.find(isTheirs) as Document | undefined;
  const { document, from } = withFlags(theirs ?? {}, options);
  followLogSettings(document);
  const documents = values.map((value) => value === theirs ? document : value);
  const twice = repeated.map(({ document, line, key }) => ({
    strict: document !== theirs,
    text: `line ${line}: ${JSON.stringify(key)} stands twice`,
  }));
  const broken = [...problems, ...twice.filter(({ strict }) => strict).map(({ text }) => text)];
  const result = broken.length > 0 ? { ok: false as const, problems: broken } : readConfigFile(documents);
  if (!result.ok) {
    const names = config === undefined ? flagNames(document["mode"]) : from;
    throw new UsageError([
      config === undefined ? "flags that cannot be:" : `--config ${config}:`,
      ...result.problems.map((problem) => `  ${named(problem, names)}`),
    ].join("\n"));
  }
  const warnings = [...twice.map(({ text }) => `${text}; the last is used`), ...result.warnings];
  for (const warning of warnings) log.warn(config === undefined ? warning : `${config}: ${warning}`);
  return { document, file: result.config, from };
}

/** `problem` with the flag in place of the field it stands for. */
function named(problem: string, flags: ReadonlyMap<string, string>): string {
  const [path] = problem.split(": ", 1) as [string];
  const field = [...flags.keys()].find((field) => path === field || path.startsWith(`${field}.`));
  return field === undefined ? problem : `${flags.get(field)}${problem.slice(path.length)}`;
}

function readText(path: string): string {
  try {
    return readTextUpTo(path, CONFIG_BYTES_MAX);
  } catch (error) {
    throw new UsageError(`--config ${path}: ${readFault(error)}`);
  }
}
