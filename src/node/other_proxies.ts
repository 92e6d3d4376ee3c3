// Finds what other proxies have left on this node: kube-proxy's tables in nftables mode, its chains in iptables mode, and its
// interface in IPVS mode.

import { kernelTable, TABLE } from "../fold/skeleton.ts";
import type { FoundTable, Kernel, TableName } from "../kernel/kernel.ts";
import { NetlinkKernel } from "../kernel/netlink_kernel.ts";
import { kernelName } from "../kernel/table_alias.ts";
import { legacyNatChains } from "../kernel/legacy_iptables.ts";
import { readSpecial } from "../kernel/special_files.ts";
import { SystemError } from "../kernel/system_error.ts";
import { FAMILIES, type Family } from "../nft/data_type.ts";

/** How often the kernel is asked for kube-proxy's tables. Each poll lists only tables. */
const POLL_MILLISECONDS = 20;

/** The name of kube-proxy's table in both families. */
const KUBE_PROXY_TABLE = "kube-proxy";

/** The kernel for the proxy of that name, whose table has another name there. */
export function kernelOf(serviceProxyName: string | undefined): NetlinkKernel {
  return new NetlinkKernel({ model: TABLE, kernel: kernelTable(serviceProxyName) });
}

/** kube-proxy's nftables tables that `kernel` holds. */
export function kubeProxyTables(kernel: Kernel): TableName[] {
  return kernel.tables().filter(({ name }) => name === KUBE_PROXY_TABLE);
}

/** Our tables that `kernel` holds. */
export function ourTables(kernel: Kernel): FoundTable[] {
  return kernel.tables().filter(({ name }) => name === TABLE);
}

/** Tables of proxies of ours with a name, besides that of `kernel`. */
export function namedTables(kernel: Kernel): FoundTable[] {
  return kernel.tables().filter(({ name }) => name.startsWith(kernelTable("")));
}

/** `ip kube-proxy, ip6 kube-proxy`. Our table has the name that it has in `kernel`. */
export function tableNames(tables: readonly TableName[], kernel?: NetlinkKernel): string {
  const named = (name: string) => kernel === undefined ? name : kernelName(kernel.alias, name);
  return tables.map(({ family, name }) => `${family} ${named(name)}`).join(", ");
}

/**
 * Waits for kube-proxy's table in each family that we serve. kube-proxy writes all rules of a family in one transaction. Calls
 * `waiting` where they are not there yet.
 */
export async function kubeProxyReady(kernel: Kernel, waiting: () => void): Promise<void> {
  const served = ourTables(kernel).map(({ family }) => family);
  const missing = () =>
    served.filter((family) => !kubeProxyTables(kernel).some((table) => table.family === family));
  if (missing().length > 0) waiting();
  while (missing().length > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
}

/**
 * The chain from which all rules of kube-proxy in iptables and IPVS mode are reached. Other chains named KUBE- prove nothing:
 * kubelet keeps KUBE-KUBELET-CANARY on every node, to notice a flush.
 */
const SERVICES_CHAIN = "KUBE-SERVICES";

/** A sentence for each trace of kube-proxy in iptables or IPVS mode, with the way to remove it. Its rules may still act. */
export function otherModes(kernel: Kernel): string[] {
  const remedy = "remove it with `kube-proxy --cleanup` once this proxy serves";
  const found: string[] = [];
  const nat = kernel.tables().filter((table) =>
    table.name === "nat" && kernel.chains(table).includes(SERVICES_CHAIN)
  );
  if (nat.length > 0) {
    found.push(`${tableNames(nat)}: kube-proxy's iptables rules (chain ${SERVICES_CHAIN}); ${remedy}`);
  }
  const legacy = FAMILIES.filter((family) => legacyChains(family).includes(SERVICES_CHAIN));
  if (legacy.length > 0) {
    const tables = tableNames(legacy.map((family) => ({ family, name: "nat" })));
    found.push(`${tables}: kube-proxy's legacy iptables rules (chain ${SERVICES_CHAIN}); ${remedy}`);
  }
  if (/^ *kube-ipvs0:/m.test(contentOf("/proc/net/dev"))) {
    found.push(`interface kube-ipvs0: kube-proxy in IPVS mode; ${remedy}`);
  }
  return found;
}

/** The chains of legacy iptables; none where they cannot be read. */
function legacyChains(family: Family): string[] {
  try {
    return legacyNatChains(family);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return [];
  }
}

/** The text of a file; "" where there is no such file. */
function contentOf(path: string): string {
  try {
    return readSpecial(path);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return "";
  }
}
