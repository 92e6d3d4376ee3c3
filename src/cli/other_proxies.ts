// What other proxies have left on this node: kube-proxy's tables in nftables mode, its chains in iptables mode, its
// interface in IPVS mode.

import type { Kernel, TableName } from "../kernel/kernel.ts";

/** kube-proxy's table, in both families. */
const KUBE_PROXY_TABLE = "kube-proxy";

/** kube-proxy's nftables tables that `kernel` holds. */
export function kubeProxyTables(kernel: Kernel): TableName[] {
  return kernel.tables().filter(({ name }) => name === KUBE_PROXY_TABLE);
}

/** `ip kube-proxy, ip6 kube-proxy`. */
export function tableNames(tables: readonly TableName[]): string {
  return tables.map(({ family, name }) => `${family} ${name}`).join(", ");
}

/** Traces of kube-proxy in iptables or IPVS mode, each with the way to remove it; such rules may still translate. */
export function otherModes(kernel: Kernel): string[] {
  const remedy = "remove it with `kube-proxy --cleanup` once this proxy serves";
  const found: string[] = [];
  const nat = kernel.tables().filter(({ name }) => name === "nat");
  if (nat.length > 0) {
    found.push(`${tableNames(nat)}: iptables rules, perhaps kube-proxy's (chains KUBE-...); ${remedy}`);
  }
  if (
    exists("/proc/net/ip_tables_names") && Deno.readTextFileSync("/proc/net/ip_tables_names").includes("nat")
  ) {
    found.push(`legacy iptables nat rules, perhaps kube-proxy's (chains KUBE-...); ${remedy}`);
  }
  if (exists("/sys/class/net/kube-ipvs0")) {
    found.push(`interface kube-ipvs0: kube-proxy in IPVS mode; ${remedy}`);
  }
  return found;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
