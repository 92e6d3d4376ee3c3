// Keeps the health check ports those of the Services. It is called for each batch, and most batches change nothing here: then it does
// nothing.

import type { ClusterState } from "../fold/cluster_state.ts";
import { contains, familyOf, isLinkLocal, parseAddress } from "../kube/address.ts";
import { type NodePortScope, nodePortScope } from "../kube/proxy_config.ts";
import { partsOfService } from "../kube/service_name.ts";
import type { Address, Family } from "../nft/data_type.ts";
import type { HealthCheckPorts, ServiceHealth } from "../serve/health_server.ts";

/** How often the addresses of the node are read again, in milliseconds, where nothing else has changed. */
const INTERFACES_MILLISECONDS = 30_000;

/** What the ports follow from. */
type Facts = Pick<ClusterState, "healthChecks" | "healthChecksVersion" | "config" | "node">;

/** What was followed last, and until when it holds. */
interface Followed extends Omit<Facts, "healthChecks"> {
  readonly until: number;
}

/** Opens and closes `ports` where that is needed. */
export class HealthCheckFollowing {
  #followed: Followed | undefined;

  constructor(readonly ports: Pick<HealthCheckPorts, "follow">) {}

  /** Follows `cluster` at `now`, in milliseconds of a clock that never goes back. */
  follow({ healthChecks, healthChecksVersion, config, node }: Facts, now: number): void {
    const before = this.#followed;
    if (
      before?.healthChecksVersion === healthChecksVersion && before.config === config &&
      before.node === node && now < before.until
    ) return;
    const services = [...healthChecks].map(([service, check]): ServiceHealth => {
      return { ...partsOfService(service), ...check };
    });
    if (services.length === 0) this.ports.follow(services, []);
    else {
      const { all, ofIpv6 } = hostnames({ config, node }, ownAddresses());
      this.ports.follow(services, all, ofIpv6);
    }
    this.#followed = { healthChecksVersion, config, node, until: now + INTERFACES_MILLISECONDS };
  }
}

/** The addresses of health check ports. */
interface Hostnames {
  /** Those of every Service. */
  readonly all: readonly string[];
  /** Those that Services of IPv6 have beside them. */
  readonly ofIpv6: readonly string[];
}

/**
 * Health check ports are where NodePorts are, as in kube-proxy. `own`: all addresses of the node.
 *
 * Where NodePorts are on every address of IPv6 and on some of IPv4, each address of IPv6 has a socket: one at :: would have clients of
 * IPv4 too, and Deno has no way to refuse them (2.9.6).
 */
export function hostnames(
  { config, node }: Pick<ClusterState, "config" | "node">,
  own: readonly Address[],
): Hostnames {
  const [ip, ip6] = [nodePortScope(config, "ip"), nodePortScope(config, "ip6")];
  if (ip.all && ip6.all) return { all: ["::"], ofIpv6: [] };
  const within = (family: Family, scope: NodePortScope) =>
    scope.all ? [] : covered(family, scope, node.addresses, own);
  const ofIpv6 = ip6.all ? own.filter((address) => familyOf(address) === "ip6") : [];
  return { all: [...(ip.all ? ["0.0.0.0"] : []), ...within("ip", ip), ...within("ip6", ip6)], ofIpv6 };
}

/** The addresses of one family that `scope` has, but for loopback. */
function covered(
  family: Family,
  { primary, cidrs }: Exclude<NodePortScope, { readonly all: true }>,
  primaries: readonly Address[],
  own: readonly Address[],
): Address[] {
  const within = own.filter((address) => cidrs.some((cidr) => contains(cidr, address)));
  const all = [...(primary ? primaries : []), ...within].filter((address) => familyOf(address) === family);
  return [...new Set(all)].filter((address) => !/^(127\.|::1$)/.test(address));
}

/** The addresses of the node's interfaces. A link-local one of IPv6 cannot be listened on without the name of its interface. */
function ownAddresses(): Address[] {
  return Deno.networkInterfaces().map(({ address }) => parseAddress(address)).filter((one) =>
    one !== undefined
  ).filter((one) => familyOf(one) === "ip" || !isLinkLocal(one));
}
