// Keeps the health check ports those of the Services. It is called for each batch, and most batches change nothing here: then it does
// nothing.

import type { ClusterState } from "../fold/cluster_state.ts";
import { contains, parseAddress } from "../kube/address.ts";
import { partsOfService } from "../kube/service_name.ts";
import { nodePortScope } from "../kube/proxy_config.ts";
import { FAMILIES } from "../nft/data_type.ts";
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
    this.ports.follow(services, services.length === 0 ? [] : hostnames({ config, node }));
    this.#followed = { healthChecksVersion, config, node, until: now + INTERFACES_MILLISECONDS };
  }
}

/** The addresses of health check ports: those that serve NodePorts, as in kube-proxy. */
function hostnames({ config, node }: Pick<ClusterState, "config" | "node">): string[] {
  const scopes = FAMILIES.map((family) => nodePortScope(config, family));
  if (scopes.some(({ all }) => all)) return ["::"];
  const own = Deno.networkInterfaces().map(({ address }) => parseAddress(address)).filter((one) =>
    one !== undefined
  );
  const covered = own.filter((address) =>
    scopes.some((scope) => !scope.all && scope.cidrs.some((cidr) => contains(cidr, address)))
  );
  const primary = scopes.some((scope) => !scope.all && scope.primary) ? node.addresses : [];
  return [...new Set<string>([...primary, ...covered])].filter((address) => !/^(127\.|::1$)/.test(address));
}
