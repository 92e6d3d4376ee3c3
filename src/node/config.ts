// Reads the configuration: kube-proxy's flags first, then a KubeProxyConfiguration file, then defaults.

import { type Documents, readDocuments } from "../ingest/manifest_documents.ts";
import type { ConntrackSettings } from "../kube/conntrack_settings.ts";
import type { ProxyConfig } from "../kube/proxy_config.ts";
import {
  type ConfigFile,
  KUBE_PROXY_API_VERSION,
  type ListenAddress,
  type OwnFlags,
  readConfigFile,
} from "../kube/proxy_config_file.ts";
import { CONFIG_BYTES_MAX } from "../limits/input.ts";
import { followLogSettings, log } from "./log.ts";
import { type Document, flagNames, isDocument, type ProxyFlags, withFlags } from "./proxy_flags.ts";
import { namedFile } from "./named_file.ts";
import { UsageError } from "./usage_error.ts";

/** This program's flags about its set-up. kube-proxy's flags are in {@link ProxyFlags}. */
export interface ConfigOptions extends ProxyFlags, OwnFlags {
  readonly config?: string;
  /** The configuration where it is not to be read from `config`: its name in messages, and its text. */
  readonly configText?: { readonly name: string; readonly text: string };
  readonly kubeconfig?: string;
  readonly master?: string;
  readonly source?: string;
  readonly ledger?: string;
}

/** The settings in force, from whichever place. */
export interface Settings {
  readonly proxy: ProxyConfig;
  /** Name of the own Node object. */
  readonly node: string;
  readonly kubeconfig?: string;
  /** URL of the API server, in place of the kubeconfig's. */
  readonly master?: string;
  readonly source?: string;
  readonly ledger?: string;
  readonly metricsBindAddress?: ListenAddress;
  readonly healthzBindAddress?: ListenAddress;
  readonly bindAddressHardFail: boolean;
  /** How long changes may wait for the kernel before the node counts as unhealthy, in seconds. */
  readonly pendingSeconds: number;
  /** Absent: the node's values stay. */
  readonly conntrack?: ConntrackSettings;
  /** -1000 to 1000; absent: the present value stays. */
  readonly oomScoreAdj?: number;
  /** The configuration as a KubeProxyConfiguration document. */
  readonly document: Document;
}

/** The kind of kube-proxy's document. */
const THEIR_KIND = "KubeProxyConfiguration";
/** The document of a node without a configuration file. The mode decides which section the flags of kube-proxy set. */
const NO_FILE: Document = {
  apiVersion: KUBE_PROXY_API_VERSION,
  kind: THEIR_KIND,
  mode: "nftables",
};

/**
 * The settings of `options`. Throws one {@link UsageError} that names everything that is wrong.
 *
 * The addresses to listen on have kube-proxy's defaults when an API server is followed. With `source` the program listens only
 * on addresses that a flag or file names, and sets sysctls of the node only when a flag or file does. The OOM score is set only
 * when asked for: in a pod kubelet has given one, and lowering it needs a capability that the pod does not have.
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
    ...(options.source === undefined || asked("conntrack") ? { conntrack: file.conntrack } : {}),
    ...(asked("oomScoreAdj") ? { oomScoreAdj: file.oomScoreAdj } : {}),
    document,
  };
}

/** Reads the file and lays the flags over it. One parser checks both, so that a flag and a field have the same rules. */
function read(
  options: ConfigOptions,
): { document: Document; file: ConfigFile; from: ReadonlyMap<string, string> } {
  const { config } = options;
  const given = options.configText ??
    (config === undefined
      ? undefined
      : { name: `--config ${config}`, text: namedFile("--config", config, CONFIG_BYTES_MAX) });
  const { values, problems, repeated }: Omit<Documents, "count"> = given === undefined
    ? { values: [NO_FILE], problems: [], repeated: [] }
    : readDocuments(config ?? given.name, given.text, "kubernetes");
  const theirs = values.find(isTheirs);
  const { document, from } = withFlags(theirs ?? {}, options);
  // The settings of the log apply first, so that the warnings below have the right form.
  followLogSettings(document);
  const documents = values.map((value) => value === theirs ? document : value);
  const twice = repeated.map(({ kind, line, key }) => ({
    strict: kind !== THEIR_KIND,
    text: `line ${line}: ${JSON.stringify(key)} is repeated`,
  }));
  // A repeated key in our own document is an error: it is new, so no file in use depends on the last one winning.
  const broken = [...problems, ...twice.filter(({ strict }) => strict).map(({ text }) => text)];
  const result = broken.length > 0
    ? { ok: false as const, problems: broken }
    : readConfigFile(documents, options);
  if (!result.ok) {
    const names = given === undefined ? flagNames(document["mode"]) : from;
    throw new UsageError([
      given === undefined ? "wrong flags:" : `${given.name}:`,
      ...result.problems.map((problem) => `  ${named(problem, names)}`),
    ].join("\n"));
  }
  const warnings = [...twice.map(({ text }) => `${text}; the last is used`), ...result.warnings];
  const place = given === undefined ? "" : `${config ?? given.name}: `;
  for (const warning of warnings) log.warn(`${place}${warning}`);
  return { document, file: result.config, from };
}

/** Whether a document is kube-proxy's; the other one is this program's. */
function isTheirs(value: unknown): value is Document {
  return isDocument(value) && value["kind"] === THEIR_KIND;
}

/** `problem` with the name of the flag in place of its field. */
function named(problem: string, flags: ReadonlyMap<string, string>): string {
  const [path = ""] = problem.split(": ", 1);
  const field = [...flags.keys()].find((field) => path === field || path.startsWith(`${field}.`));
  return field === undefined ? problem : `${flags.get(field)}${problem.slice(path.length)}`;
}
