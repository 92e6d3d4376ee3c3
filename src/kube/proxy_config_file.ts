// KubeProxyConfiguration v1alpha1 as nodes have it today. All errors are reported at once, each with its path, its value and
// what would be accepted. A setting without effect here is a warning, and so is an unknown field: kube-proxy 1.37 decodes
// this version leniently too, and a configuration outlives the release that it was written for.

import { INTERFACE_BYTES_MAX } from "../limits/rules.ts";
import { familyOf, parseAddress, parseCidr } from "./address.ts";
import type { ConntrackSettings } from "./conntrack_settings.ts";
import { fieldsOf } from "./json_value.ts";
import {
  DEFAULT_PROXY_CONFIG,
  type DetectLocal,
  isNodePortAddress,
  type ProxyConfig,
} from "./proxy_config.ts";
import { expectation, quoted } from "./quoted.ts";
import { isServiceProxyName, SERVICE_PROXY_NAME_FORM } from "./service_proxy_name.ts";
import { valueAt, without } from "./without.ts";
import * as z from "./zod.ts";

/** The settings of a configuration file, with kube-proxy's defaults for the fields that it leaves out. */
export interface ConfigFile {
  readonly proxy: ProxyConfig;
  readonly kubeconfig?: string;
  /** hostnameOverride, in lower case. */
  readonly node?: string;
  readonly healthz: ListenAddress;
  readonly metrics: ListenAddress;
  /** Whether the program ends when it cannot listen; if not, it retries. */
  readonly bindAddressHardFail: boolean;
  /** syncPeriod in seconds. A change that waits for the kernel for twice as long makes the node unhealthy. */
  readonly syncPeriodSeconds: number;
  readonly conntrack: ConntrackSettings;
  /** -1000 to 1000. */
  readonly oomScoreAdj: number;
  readonly ledger?: string;
}

/** This program's own flags that the file has fields for. A flag takes precedence. */
export interface OwnFlags {
  readonly serviceProxyName?: string;
  /** Without a value it is true; with one it has its text. */
  readonly countConnections?: boolean | "true" | "false";
}

/** An address to listen on. */
export interface ListenAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The file's meaning with warnings, or everything that is wrong with it. */
export type ReadConfig =
  | { readonly ok: true; readonly config: ConfigFile; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export const KUBE_PROXY_API_VERSION = "kubeproxy.config.k8s.io/v1alpha1";
const OUR_API_VERSION = "ledgerproxy.config/v1alpha1";

/** A duration as Go writes it: `1m30s`. */
const DURATION = /^\+?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
const duration = z.string().regex(DURATION, 'a duration such as "30s" or "1m30s" is expected').nullish();
const notNegative = z.number().int().min(0).nullish();
const anything = z.unknown().optional();
const cidrs = z.string().refine(
  (text) => text === "" || text.split(",").every((cidr) => parseCidr(cidr) !== undefined),
  'CIDRs such as "10.244.0.0/16", two with a comma, are expected',
);
const HEALTHZ_PORT = 10256;
const METRICS_PORT = 10249;
/** Those of a proxy with a name: the node's other proxy listens on the ports above. */
const NAMED_HEALTHZ_PORT = 10356;
const NAMED_METRICS_PORT = 10349;
const bindAddress = (port: number) =>
  z.string().refine(
    (text) => text === "" || parseBindAddress(withPort(text, port)) !== undefined,
    `IP:PORT such as "0.0.0.0:${port}" is expected`,
  ).nullish();
const modeSection = {
  masqueradeBit: z.number().int().min(0).max(31).nullish(),
  masqueradeAll: z.boolean().nullish(),
  syncPeriod: duration,
  minSyncPeriod: duration,
};
const interfaceName = z.string().refine(
  (text) => text === "" || isInterface(text),
  "the name of an interface is expected",
).nullish();

const kubeProxy = z.strictObject({
  apiVersion: z.literal(KUBE_PROXY_API_VERSION),
  kind: z.literal("KubeProxyConfiguration"),
  featureGates: z.record(z.string(), z.boolean()).nullish(),
  clientConnection: z.strictObject({
    kubeconfig: z.string().nullish(),
    acceptContentTypes: z.string().nullish(),
    contentType: z.string().nullish(),
    qps: z.number().nullish(),
    burst: notNegative,
  }).nullish(),
  // What else it has has no effect here.
  logging: z.object({ format: z.enum(["", "text", "json"]).nullish(), verbosity: notNegative }).nullish(),
  hostnameOverride: z.string().refine(
    (text) => text === "" || text.trim() !== "",
    "the name of a Node is expected",
  ).nullish(),
  bindAddress: z.string().refine(
    (text) => text === "" || parseAddress(text) !== undefined,
    "an IP address is expected",
  ).nullish(),
  healthzBindAddress: bindAddress(HEALTHZ_PORT),
  metricsBindAddress: bindAddress(METRICS_PORT),
  bindAddressHardFail: z.boolean().nullish(),
  enableProfiling: z.boolean().nullish(),
  showHiddenMetricsForVersion: z.string().nullish(),
  mode: z.enum(["", "iptables", "nftables", "ipvs"]).nullish(),
  iptables: z.strictObject({ ...modeSection, localhostNodePorts: z.boolean().nullish() }).nullish(),
  ipvs: z.record(z.string(), anything).nullish(),
  nftables: z.strictObject(modeSection).nullish(),
  winkernel: anything,
  detectLocalMode: z.enum(["", "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"])
    .nullish(),
  detectLocal: z.strictObject({
    bridgeInterface: interfaceName,
    interfaceNamePrefix: interfaceName,
  }).nullish(),
  clusterCIDR: cidrs.nullish(),
  nodePortAddresses: z.array(
    z.string().refine(isNodePortAddress, "a CIDR, primary, localhost or all is expected"),
  ).nullish(),
  oomScoreAdj: z.number().int().min(-1000).max(1000).nullish(),
  conntrack: z.strictObject({
    maxPerCore: notNegative,
    min: notNegative,
    tcpEstablishedTimeout: duration,
    tcpCloseWaitTimeout: duration,
    tcpBeLiberal: z.boolean().nullish(),
    udpTimeout: duration,
    udpStreamTimeout: duration,
  }).nullish(),
  configSyncPeriod: duration,
  portRange: z.string().nullish(),
  windowsRunAsService: z.boolean().nullish(),
});

const ours = z.strictObject({
  apiVersion: z.literal(OUR_API_VERSION),
  kind: z.literal("LedgerProxyConfiguration"),
  ledger: z.string().min(1).nullish(),
  serviceProxyName: z.string().refine(isServiceProxyName, SERVICE_PROXY_NAME_FORM).nullish(),
  countConnections: z.boolean().nullish(),
});

const OUR_FIELDS = Object.keys(ours.shape).filter((name) => !["apiVersion", "kind"].includes(name)).join(
  ", ",
);

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

/** Values of bindAddress that name no address of the node. */
const UNSPECIFIED: readonly string[] = ["0.0.0.0", "::"];

type KubeProxy = z.infer<typeof kubeProxy>;

/** Fields that are read and have no effect here, with the reason. */
const NO_EFFECT: Readonly<Record<string, string>> = {
  featureGates: "there are no gates",
  enableProfiling: "there is no profiling endpoint",
  showHiddenMetricsForVersion: "no metric is hidden",
  configSyncPeriod: "nothing is listed again without a reason",
  winkernel: "there is no Windows here",
  ipvs: "rules are nftables, always",
  portRange: "nothing has used it for years",
  windowsRunAsService: "there is no Windows here",
};

/** Fields that an older kube-proxy read, and the release that dropped them (kubernetes/kubernetes 78294, 78399, 112133). */
const REMOVED: Readonly<Record<string, string>> = {
  resourceContainer: "1.16",
  "conntrack.max": "1.16",
  udpIdleTimeout: "1.26",
};

/**
 * Reads the documents of a configuration file: a KubeProxyConfiguration, and one of ours or none. Of several
 * KubeProxyConfigurations the first counts, as in kube-proxy 1.37, whose decoder reads no further.
 */
export function readConfigFile(
  documents: readonly unknown[],
  { serviceProxyName, countConnections }: OwnFlags = {},
): ReadConfig {
  const theirs = documents.filter((document) => kindOf(document) === "KubeProxyConfiguration");
  const own = documents.filter(isOurs);
  const problems: string[] = [];
  if (theirs.length === 0) problems.push("0 documents of kind KubeProxyConfiguration; one is expected");
  if (serviceProxyName !== undefined && !isServiceProxyName(serviceProxyName)) {
    problems.push(`--service-proxy-name: ${quoted(serviceProxyName)}; ${SERVICE_PROXY_NAME_FORM}`);
  }
  if (own.length > 1) {
    problems.push(`${own.length} documents of kind LedgerProxyConfiguration; one at most is expected`);
  }
  const strange = documents.filter((document) => !theirs.includes(document) && !own.includes(document))
    .map((document) =>
      `kind: ${quoted(kindOf(document))}; KubeProxyConfiguration or LedgerProxyConfiguration is expected`
    );
  const lenient = theirs.length === 0 ? undefined : parseTheirs(theirs[0]);
  const parsedOwn = own.length === 0 ? undefined : ours.safeParse(own[0], z.SELDOM_READ);
  for (const [document, error] of [[theirs[0], lenient?.error], [own[0], parsedOwn?.error]] as const) {
    problems.push(...(error?.issues ?? []).flatMap((issue) => issueTexts(issue, document)));
  }
  const fields = lenient?.fields;
  if (fields !== undefined) problems.push(...contradictions(fields));
  // If the file is rejected, a document of another kind may be the cause, so it is an error then and not a warning.
  if (problems.length > 0 || fields === undefined) return { ok: false, problems: [...strange, ...problems] };
  const warnings = [
    ...strange.map((text) => `${text}; the document is not read`),
    ...theirs.slice(1).map((document) =>
      `document ${
        documents.indexOf(document) + 1
      } is a KubeProxyConfiguration too; the first one is used, this one is not read`
    ),
    ...lenient!.unknown,
    ...warningsOf(fields),
  ];
  const { ledger, serviceProxyName: name, countConnections: counts } = parsedOwn?.data ?? {};
  const isCounting = countConnections === undefined ? counts === true : String(countConnections) === "true";
  const config = configOf(fields, serviceProxyName ?? name ?? undefined, isCounting);
  return { ok: true, config: { ...config, ...(ledger ? { ledger } : {}) }, warnings };
}

function kindOf(document: unknown): unknown {
  return fieldsOf(document).kind;
}

/** Whether a document is for this program: by its kind or, if that is misspelt, by its apiVersion. */
function isOurs(document: unknown): boolean {
  const { apiVersion } = fieldsOf(document);
  return kindOf(document) === "LedgerProxyConfiguration" || apiVersion === OUR_API_VERSION;
}

/** Reads a KubeProxyConfiguration without its unknown fields; `unknown` has a warning for each. */
function parseTheirs(
  document: unknown,
): { fields?: KubeProxy | undefined; error?: z.ZodError | undefined; unknown: string[] } {
  const whole = kubeProxy.safeParse(document, z.SELDOM_READ);
  const paths = (whole.error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : []
  );
  const { data, error } = paths.length === 0
    ? whole
    : kubeProxy.safeParse(without(document, paths), z.SELDOM_READ);
  return { fields: data, error, unknown: paths.map((path) => unknownText(path.join("."))) };
}

function unknownText(path: string): string {
  const since = REMOVED[path];
  return since === undefined
    ? `${path}: there is no such field; it is left out`
    : `${path}: kube-proxy has not read it since ${since}; it is left out`;
}

function issueTexts(issue: z.core.$ZodIssue, document: unknown): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    // Those of kube-proxy's document are warnings, and are left out before.
    const known = `there is no such field; LedgerProxyConfiguration has ${OUR_FIELDS}`;
    return issue.keys.map((key) => `${path === "" ? key : `${path}.${key}`}: ${known}`);
  }
  const value = valueAt(document, issue.path);
  // YAML 1.1 reads a bare `n` as false and `0123` as a number.
  const quotes = issue.code === "invalid_type" && issue.expected === "string" &&
      (typeof value === "boolean" || typeof value === "number")
    ? ": write it in quotes"
    : "";
  return [`${path}: ${quoted(value)}; ${expectation(issue)}${quotes}`];
}

/** Errors that are in no field alone, but in how fields go together. */
function contradictions(
  { detectLocalMode, detectLocal, nodePortAddresses, clusterCIDR }: KubeProxy,
): string[] {
  const words = (nodePortAddresses ?? []).filter((entry) => parseCidr(entry) === undefined);
  const twice = words.filter((word, i) => words.indexOf(word) !== i);
  const families = (clusterCIDR ?? "").split(",").flatMap((text) => parseCidr(text)?.family ?? []);
  return [
    ...(detectLocalMode === "BridgeInterface" && !detectLocal?.bridgeInterface
      ? ["detectLocal.bridgeInterface: nothing; detectLocalMode BridgeInterface needs it"]
      : []),
    ...(detectLocalMode === "InterfaceNamePrefix" && !detectLocal?.interfaceNamePrefix
      ? ["detectLocal.interfaceNamePrefix: nothing; detectLocalMode InterfaceNamePrefix needs it"]
      : []),
    ...[...new Set(twice)].map((word) =>
      `nodePortAddresses: ${JSON.stringify(word)} is there twice; once is enough`
    ),
    ...(families.length > new Set(families).size
      ? [`clusterCIDR: ${JSON.stringify(clusterCIDR)}; at most one CIDR of each family is expected`]
      : []),
  ];
}

function configOf(
  fields: KubeProxy,
  serviceProxyName: string | undefined,
  countConnections: boolean,
): ConfigFile {
  const section = fields.mode === "nftables" ? fields.nftables : fields.iptables;
  // An empty address means the default, as kube-proxy 1.37 has it, and kubeadm writes empty ones.
  const primary = parseAddress(fields.bindAddress ?? "");
  const isIpv6 = primary !== undefined && familyOf(primary) === "ip6";
  const [any, loopback] = isIpv6 ? ["::", "::1"] : ["0.0.0.0", "127.0.0.1"];
  const [healthzPort, metricsPort] = serviceProxyName === undefined
    ? [HEALTHZ_PORT, METRICS_PORT]
    : [NAMED_HEALTHZ_PORT, NAMED_METRICS_PORT];
  const healthz = parseBindAddress(withPort(fields.healthzBindAddress || any, healthzPort))!;
  const metrics = parseBindAddress(withPort(fields.metricsBindAddress || loopback, metricsPort))!;
  const { conntrack } = fields;
  return {
    proxy: {
      masqueradeBit: section?.masqueradeBit ?? DEFAULT_PROXY_CONFIG.masqueradeBit,
      masqueradeAll: section?.masqueradeAll ?? false,
      detectLocal: detectLocalOf(fields),
      nodePortAddresses: fields.nodePortAddresses ?? [],
      ...(primary === undefined || UNSPECIFIED.includes(primary) ? {} : { bindAddress: primary }),
      ...(serviceProxyName === undefined ? {} : { serviceProxyName }),
      ...(countConnections ? { countConnections } : {}),
    },
    ...(fields.clientConnection?.kubeconfig ? { kubeconfig: fields.clientConnection.kubeconfig } : {}),
    ...(fields.hostnameOverride ? { node: fields.hostnameOverride.trim().toLowerCase() } : {}),
    healthz,
    metrics,
    bindAddressHardFail: fields.bindAddressHardFail ?? false,
    syncPeriodSeconds: seconds(section?.syncPeriod) || 30,
    conntrack: {
      maxPerCore: conntrack?.maxPerCore ?? 32_768,
      min: conntrack?.min ?? 131_072,
      tcpEstablishedTimeout: seconds(conntrack?.tcpEstablishedTimeout ?? "24h"),
      tcpCloseWaitTimeout: seconds(conntrack?.tcpCloseWaitTimeout ?? "1h"),
      tcpBeLiberal: conntrack?.tcpBeLiberal ?? false,
      udpTimeout: seconds(conntrack?.udpTimeout),
      udpStreamTimeout: seconds(conntrack?.udpStreamTimeout),
    },
    oomScoreAdj: fields.oomScoreAdj ?? -999,
  };
}

/** Whole seconds of a duration as Go writes it; 0 for none. */
function seconds(text: string | null | undefined): number {
  const parts = (text ?? "").matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g);
  return Math.floor(
    [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_SECONDS[unit!]!, 0),
  );
}

function detectLocalOf({ detectLocalMode, detectLocal, clusterCIDR }: KubeProxy): DetectLocal {
  switch (detectLocalMode) {
    case "NodeCIDR":
      return { mode: "NodeCIDR" };
    case "BridgeInterface":
      return { mode: "BridgeInterface", name: detectLocal!.bridgeInterface! };
    case "InterfaceNamePrefix":
      return { mode: "InterfaceNamePrefix", prefix: detectLocal!.interfaceNamePrefix! };
    default:
      return { mode: "ClusterCIDR", cidrs: clusterCIDR ? clusterCIDR.split(",") : [] };
  }
}

function warningsOf(fields: KubeProxy): string[] {
  const set = (key: string) => !isEmpty(fieldsOf(fields)[key]);
  const idle = Object.entries(NO_EFFECT).filter(([key]) => set(key)).map(([key, why]) =>
    `${key} has no effect: ${why}`
  );
  const section = fields.mode === "nftables" ? fields.nftables : fields.iptables;
  if (seconds(section?.minSyncPeriod) > 0) {
    idle.push("minSyncPeriod has no effect: a sync costs what changed, so there is nothing to wait for");
  }
  if (fields.mode === "nftables") return idle;
  const mode = fields.mode || "iptables (the default)";
  const primary = fields.nodePortAddresses?.length
    ? ""
    : "; NodePorts are served on the node's primary addresses only";
  return [`mode ${mode}: rules are nftables here, always${primary}`, ...idle];
}

/** Whether a value is the empty one of its type: generated files contain many of them. */
function isEmpty(value: unknown): boolean {
  if (
    value === undefined || value === null || value === "" || value === false || value === 0 || value === "0s"
  ) return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** Adds `port` to an address without a port, as kube-proxy 1.37 does (AppendPortIfNeeded). Other texts are unchanged. */
function withPort(text: string, port: number): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  return familyOf(address) === "ip6" ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `127.0.0.1:10249`, `[::1]:10249`; undefined for anything else. */
function parseBindAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  const hostname = parseAddress(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3]);
  return match === null || hostname === undefined || port < 1 || port > 65535
    ? undefined
    : { hostname, port };
}

function isInterface(name: string): boolean {
  return /^[^\s"*/\\]+$/.test(name) && name.length <= INTERFACE_BYTES_MAX;
}
