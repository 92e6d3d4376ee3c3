// Flags that decide where packets go, with kube-proxy's names and meaning, and the configuration they make.

import { parseCidr } from "../kube/address.ts";
import {
  DEFAULT_PROXY_CONFIG,
  type DetectLocal,
  isNodePortAddress,
  type ProxyConfig,
} from "../kube/proxy_config.ts";
import { assertInterface } from "../nft/statement.ts";
import { UsageError } from "./usage_error.ts";

/** The flags as commander delivers them. */
export interface ProxyOptions {
  readonly clusterCidr?: readonly string[];
  readonly detectLocalMode?: DetectLocal["mode"];
  readonly podBridgeInterface?: string;
  readonly podInterfaceNamePrefix?: string;
  readonly masqueradeAll?: boolean;
  readonly masqueradeBit?: number;
  readonly nodeportAddresses?: readonly string[];
}

const MODES: readonly DetectLocal["mode"][] = [
  "ClusterCIDR",
  "NodeCIDR",
  "BridgeInterface",
  "InterfaceNamePrefix",
];

/** One flag: how it is written, what it does, and how its value is read; `parse` throws {@link UsageError}. */
export interface Flag {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (text: string) => unknown;
}

/** The flags, in the order in which help shows them. */
export const PROXY_FLAGS: readonly Flag[] = [
  {
    flags: "--cluster-cidr <cidrs>",
    description: "CIDRs of the cluster's pods, one a family, with a comma",
    parse: cidrs,
  },
  {
    flags: "--detect-local-mode <mode>",
    description: `how pods of this node are told: ${MODES.join(", ")}`,
    parse: mode,
  },
  { flags: "--pod-bridge-interface <name>", description: "the bridge of the pods, for BridgeInterface" },
  {
    flags: "--pod-interface-name-prefix <prefix>",
    description: "how pods' interfaces begin, for InterfaceNamePrefix",
  },
  { flags: "--masquerade-all", description: "masquerade all traffic to cluster IPs" },
  {
    flags: "--masquerade-bit <n>",
    description: "bit of the packet mark that means masquerade, 0 to 31 (14)",
    parse: bit,
  },
  {
    flags: "--nodeport-addresses <list>",
    description: "where NodePorts are served: CIDRs, primary, localhost, all, with commas (primary)",
    parse: nodePortAddresses,
  },
];

/** The configuration that `options` ask for, with `base` for what they leave out. Throws {@link UsageError}. */
export function proxyConfig(options: ProxyOptions, base: ProxyConfig = DEFAULT_PROXY_CONFIG): ProxyConfig {
  const detects = options.detectLocalMode !== undefined || options.clusterCidr !== undefined;
  return {
    masqueradeBit: options.masqueradeBit ?? base.masqueradeBit,
    masqueradeAll: options.masqueradeAll ?? base.masqueradeAll,
    detectLocal: detects ? detectLocal(options) : base.detectLocal,
    nodePortAddresses: options.nodeportAddresses ?? base.nodePortAddresses,
  };
}

function detectLocal(options: ProxyOptions): DetectLocal {
  const mode = options.detectLocalMode ?? "ClusterCIDR";
  switch (mode) {
    case "ClusterCIDR":
      return { mode, cidrs: options.clusterCidr ?? [] };
    case "NodeCIDR":
      return { mode };
    case "BridgeInterface":
      return { mode, name: interfaceName(mode, "--pod-bridge-interface", options.podBridgeInterface) };
    case "InterfaceNamePrefix": {
      const flag = "--pod-interface-name-prefix";
      return { mode, prefix: interfaceName(mode, flag, options.podInterfaceNamePrefix) };
    }
  }
}

function interfaceName(mode: string, flag: string, name: string | undefined): string {
  if (name === undefined) throw new UsageError(`--detect-local-mode ${mode} needs ${flag} NAME`);
  try {
    assertInterface(name.endsWith("*") ? "" : name);
  } catch {
    throw new UsageError(`${flag} ${JSON.stringify(name)}: that is not the name of an interface`);
  }
  return name;
}

function mode(text: string): DetectLocal["mode"] {
  const found = MODES.find((mode) => mode === text);
  if (found === undefined) {
    throw new UsageError(`--detect-local-mode ${text}: it must be one of ${MODES.join(", ")}`);
  }
  return found;
}

function cidrs(text: string): string[] {
  const listed = text.split(",");
  const bad = listed.find((cidr) => parseCidr(cidr) === null);
  if (bad !== undefined) {
    throw new UsageError(`--cluster-cidr: ${JSON.stringify(bad)} is not a CIDR such as 10.244.0.0/16`);
  }
  return listed;
}

function bit(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 31) {
    throw new UsageError(`--masquerade-bit ${text}: it must be 0 to 31`);
  }
  return number;
}

function nodePortAddresses(text: string): string[] {
  const listed = text.split(",");
  const bad = listed.find((entry) => !isNodePortAddress(entry));
  if (bad !== undefined) {
    throw new UsageError(
      `--nodeport-addresses: ${JSON.stringify(bad)} is neither a CIDR nor one of primary, localhost, all`,
    );
  }
  return listed;
}
