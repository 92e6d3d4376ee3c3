// ClientIP affinity as data. Packets write pins into one map for all ServicePorts, `affinity-pins`: the client, the cluster IP,
// protocol and port of the ServicePort, and the number of an endpoint (pinned_endpoints.ts). So all frontends of a ServicePort
// share its pins, as in kube-proxy. A pin whose endpoint is gone is not used, and the next connection of its client replaces it.
// Why not a set and a chain for each endpoint, as in kube-proxy? The kernel validates all chains whenever one is added.

import type { ServicePort } from "../kube/service_port.ts";
import type { Family } from "../nft/data_type.ts";
import { chainElement } from "../nft/objects.ts";
import { elementKey } from "../nft/ruleset.ts";
import { DEFAULT_TIMEOUT_CHAIN, pinnedChain, pinnedRules } from "./affinity_chains.ts";
import { listsUsed } from "./endpoints.ts";
import { pinningOf } from "./leads.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS, PATHS } from "./skeleton.ts";

/** Timeouts longer than twenty of a step are multiples of it, in seconds. */
const TIMEOUT_STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
/** How many of a step a timeout has at least. */
const STEPS_OF_TIMEOUT = 20;

/**
 * A timeout of ClientIP affinity, rounded up by at most a twentieth. Each timeout in use needs a chain, and each new chain has the
 * kernel validate all of them: 86,400 are possible, and fewer than 300 are left. Round ones, as 90 s, 30 min or 3 h, stay as they are.
 */
export function roundedTimeout(seconds: number): number {
  const step = TIMEOUT_STEPS.findLast((step) => STEPS_OF_TIMEOUT * step <= seconds) ?? 1;
  return Math.ceil(seconds / step) * step;
}

/**
 * Whether packets to the cluster IP of `port` take the short way: all its endpoints are those of one list. Where there are two, a
 * pin may lead to an endpoint that is in the other.
 */
export function isShort(port: ServicePort): boolean {
  return !listsUsed(port).local;
}

/**
 * The chain behind `lead`, and the element that leads there: all frontends with that lead share them. None where the lead pins no
 * clients. Why a chain for each timeout? It is part of a rule, and the only thing of affinity that is not data.
 */
export function pinningResources(family: Family, lead: string | undefined): ServiceResource[] {
  const pinning = lead === undefined ? undefined : pinningOf(lead);
  if (pinning === undefined) return [];
  const name = pinnedChain(pinning);
  if (name === DEFAULT_TIMEOUT_CHAIN) return [];
  const rules = pinnedRules(family, pinning);
  const element = { key: elementKey([lead!]), value: `goto ${name}` };
  return [
    elementResource(OBJECT_PATHS[family].chain, chainElement(family, { name, rules })),
    elementResource(PATHS[family]["affinity-leads"], element),
  ];
}
