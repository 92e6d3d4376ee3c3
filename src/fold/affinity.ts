// ClientIP affinity as data. Packets write pins into one map for all ServicePorts, `affinity-pins`: the client, the cluster IP,
// protocol and port of the ServicePort, and the number of an endpoint (pinned_endpoints.ts). So all frontends of a ServicePort
// share its pins, as in kube-proxy. A pin whose endpoint is gone is not used, and the next connection of its client replaces it.
// Why not a set and a chain for each endpoint, as in kube-proxy? The kernel validates all chains whenever one is added.

import type { ServicePort } from "../kube/service_port.ts";
import { type Address, canonicalAddress, type Family } from "../nft/data_type.ts";
import { chainElement } from "../nft/objects.ts";
import { elementKey } from "../nft/ruleset.ts";
import { rule } from "../nft/statement.ts";
import { AFFINITY_KEY, pinKey, rulesAtClusterIP } from "./affinity_chains.ts";
import { listsUsed } from "./endpoints.ts";
import { leadPinnedFor } from "./leads.ts";
import { elementResource, type ServiceResource } from "./resource.ts";
import { OBJECT_PATHS, PATHS } from "./skeleton.ts";

/** `seconds` written as an address, for the map of timeouts. */
export function timeoutAddress(family: Family, seconds: number): Address {
  const [high, low] = [seconds >> 16, seconds & 0xffff];
  if (family === "ip") return canonicalAddress(`0.${high}.${low >> 8}.${low & 0xff}`);
  return canonicalAddress(`100::${high === 0 ? "" : `${high.toString(16)}:`}${low.toString(16)}`);
}

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
 * What all ServicePorts with the timeout of `port` share: chains that pin a client, or renew its pin, and the elements that lead
 * there. Why chains? A timeout is part of a rule. It is the only thing of affinity that is not data.
 */
export function timeoutResources(port: ServicePort): ServiceResource[] {
  const { family, affinitySeconds, externalIPs, nodePort } = port;
  const short = isShort(port);
  const open = externalIPs.length > 0 || nodePort !== 0;
  return [
    ...(short ? atClusterIP(family, affinitySeconds) : []),
    ...(short && !open ? [] : renewal(family, affinitySeconds)),
  ];
}

function atClusterIP(family: Family, seconds: number): ServiceResource[] {
  const name = `pinned/${seconds}`;
  const key = elementKey([leadPinnedFor(family, seconds)]);
  return [
    elementResource(
      OBJECT_PATHS[family].chain,
      chainElement(family, { name, rules: rulesAtClusterIP(family, seconds) }),
    ),
    elementResource(PATHS[family]["affinity-leads"], { key, value: `goto ${name}` }),
  ];
}

function renewal(family: Family, seconds: number): ServiceResource[] {
  const name = `renew/${seconds}`;
  const rules = [
    rule([{ kind: "verdict", verdict: { kind: "jump", chain: AFFINITY_KEY } }]),
    rule([{ kind: "pin", key: pinKey(family), map: "affinity-pins", timeoutSeconds: seconds }]),
  ];
  const key = elementKey([timeoutAddress(family, seconds)]);
  return [
    elementResource(OBJECT_PATHS[family].chain, chainElement(family, { name, rules })),
    elementResource(PATHS[family]["affinity-renewals"], { key, value: `jump ${name}` }),
  ];
}
