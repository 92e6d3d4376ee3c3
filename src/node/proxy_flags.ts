// kube-proxy's flags with their names and meaning (1.37). Each flag sets a field of KubeProxyConfiguration, so one parser checks
// flags and files. A flag takes precedence over the file.

/** How the text of a flag becomes the value of its field. */
export type FlagForm = "text" | "number" | "switch" | "list" | "gates";

/** One flag. */
export interface ProxyFlag {
  /** `--cluster-cidr`. */
  readonly name: string;
  /** Path of the field; `MODE` is replaced with the section of the mode in force. */
  readonly field: string;
  readonly form: FlagForm;
  /** The text in help. Without one the flag is accepted, and not in help. */
  readonly help?: string;
}

const flag = (name: string, field: string, form: FlagForm, help?: string): ProxyFlag => ({
  name,
  field,
  form,
  ...(help === undefined ? {} : { help }),
});

/** The flags, in the order in which help shows them. */
export const PROXY_FLAGS: readonly ProxyFlag[] = [
  flag("--node", "hostnameOverride", "text", "name of the own Node object (the host's name, in lower case)"),
  flag("--hostname-override", "hostnameOverride", "text"),
  flag(
    "--cluster-cidr",
    "clusterCIDR",
    "text",
    "CIDRs of the cluster's pods, at most one of each family, with commas",
  ),
  flag(
    "--detect-local-mode",
    "detectLocalMode",
    "text",
    "how pods of this node are recognised: ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix",
  ),
  flag(
    "--pod-bridge-interface",
    "detectLocal.bridgeInterface",
    "text",
    "the bridge of the pods, for BridgeInterface",
  ),
  flag(
    "--pod-interface-name-prefix",
    "detectLocal.interfaceNamePrefix",
    "text",
    "how the names of pods' interfaces begin, for InterfaceNamePrefix",
  ),
  flag("--masquerade-all", "MODE.masqueradeAll", "switch", "masquerade all traffic to cluster IPs"),
  flag(
    "--masquerade-bit",
    "MODE.masqueradeBit",
    "number",
    "bit of the packet mark that means masquerade, 0 to 31 (14)",
  ),
  flag(
    "--nodeport-addresses",
    "nodePortAddresses",
    "list",
    "addresses that serve NodePorts, with commas: CIDRs, primary, localhost, all (primary)",
  ),
  flag("--bind-address", "bindAddress", "text", "the node's primary address of that family"),
  flag("--healthz-bind-address", "healthzBindAddress", "text", "serve /healthz and /livez on ip:port"),
  flag("--metrics-bind-address", "metricsBindAddress", "text", "serve /metrics on ip:port"),
  flag("--bind-address-hard-fail", "bindAddressHardFail", "switch", "exit when an address cannot be bound"),
  flag("--conntrack-max-per-core", "conntrack.maxPerCore", "number"),
  flag("--conntrack-min", "conntrack.min", "number"),
  flag("--conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout", "text"),
  flag("--conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout", "text"),
  flag("--conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal", "switch"),
  flag("--conntrack-udp-timeout", "conntrack.udpTimeout", "text"),
  flag("--conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout", "text"),
  flag("--oom-score-adj", "oomScoreAdj", "number"),
  flag("--proxy-mode", "mode", "text"),
  flag("--iptables-sync-period", "MODE.syncPeriod", "text"),
  flag("--iptables-min-sync-period", "MODE.minSyncPeriod", "text"),
  flag("--iptables-masquerade-bit", "iptables.masqueradeBit", "number"),
  flag("--iptables-localhost-nodeports", "iptables.localhostNodePorts", "switch"),
  flag("--ipvs-sync-period", "ipvs.syncPeriod", "text"),
  flag("--ipvs-min-sync-period", "ipvs.minSyncPeriod", "text"),
  flag("--ipvs-scheduler", "ipvs.scheduler", "text"),
  flag("--ipvs-exclude-cidrs", "ipvs.excludeCIDRs", "list"),
  flag("--ipvs-strict-arp", "ipvs.strictARP", "switch"),
  flag("--ipvs-tcp-timeout", "ipvs.tcpTimeout", "text"),
  flag("--ipvs-tcpfin-timeout", "ipvs.tcpFinTimeout", "text"),
  flag("--ipvs-udp-timeout", "ipvs.udpTimeout", "text"),
  flag("--config-sync-period", "configSyncPeriod", "text"),
  flag("--feature-gates", "featureGates", "gates"),
  flag("--kube-api-content-type", "clientConnection.contentType", "text"),
  flag("--kube-api-burst", "clientConnection.burst", "number"),
  flag("--kube-api-qps", "clientConnection.qps", "number"),
  flag("--profiling", "enableProfiling", "switch"),
  flag("--show-hidden-metrics-for-version", "showHiddenMetricsForVersion", "text"),
  flag(
    "-v, --v",
    "logging.verbosity",
    "number",
    "how much is logged: from 4 on debug messages too (0)",
  ),
  flag("--vmodule", "logging.vmodule", "text"),
  flag(
    "--logging-format",
    "logging.format",
    "text",
    "format of the log on standard error: text or json (text)",
  ),
  flag("--log-flush-frequency", "logging.flushFrequency", "text"),
  flag("--log-json-info-buffer-size", "logging.options.json.infoBufferSize", "text"),
  flag("--log-json-split-stream", "logging.options.json.splitStream", "switch"),
  flag("--log-text-info-buffer-size", "logging.options.text.infoBufferSize", "text"),
  flag("--log-text-split-stream", "logging.options.text.splitStream", "switch"),
];

/** The name of the flag that sets each field, in `mode`. */
export function flagNames(mode: unknown): Map<string, string> {
  return new Map(PROXY_FLAGS.map((flag) => [fieldIn(mode, flag), longName(flag)]));
}

/** The path of a flag's field: in the section `nftables` in that mode, in the section `iptables` in every other. */
function fieldIn(mode: unknown, { field }: ProxyFlag): string {
  return field.replace("MODE", mode === "nftables" ? "nftables" : "iptables");
}

/** `--v` of `-v, --v`. */
function longName({ name }: ProxyFlag): string {
  return name.replace(/^.*--/, "--");
}

/** Options as commander delivers them, by name in camel case. */
export type ProxyFlags = Readonly<Record<string, unknown>>;

/** A KubeProxyConfiguration document, as parsed. */
export type Document = Readonly<Record<string, unknown>>;

/** Whether a parsed value is a document or a section of one: a map, not a single value. */
export function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null;
}

/** `document` with the values of `flags`, and the name of the flag that set each field. */
export function withFlags(
  document: Document,
  flags: ProxyFlags,
): { document: Document; from: Map<string, string> } {
  const from = new Map<string, string>();
  const mode = flags["proxyMode"] ?? document["mode"];
  let result = document;
  for (const flag of PROXY_FLAGS) {
    const name = longName(flag);
    const given = flags[name.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    if (given === undefined) continue;
    const path = fieldIn(mode, flag);
    from.set(path, name);
    result = withValue(result, path.split("."), valueOf(String(given), flag.form));
  }
  return { document: result, from };
}

/** `document` with `value` at a path. A section that is not a map is replaced. */
function withValue(document: Document, [key, ...rest]: readonly string[], value: unknown): Document {
  const inner = document[key!];
  return {
    ...document,
    [key!]: rest.length === 0 ? value : withValue(isDocument(inner) ? inner : {}, rest, value),
  };
}

/** The value of a field. Text that does not parse stays text: the parser of the document then reports it. */
function valueOf(text: string, form: FlagForm): unknown {
  switch (form) {
    case "text":
      return text;
    case "number":
      return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
    case "switch":
      return text === "true" ? true : text === "false" ? false : text;
    case "list":
      return text.split(",");
    case "gates":
      return Object.fromEntries(
        text.split(",").map((gate) => {
          const [name, value] = gate.split("=");
          return [name, value === "true" ? true : value === "false" ? false : value ?? ""];
        }),
      );
  }
}
