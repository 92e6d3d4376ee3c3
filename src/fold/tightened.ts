// Guards that let fewer sources through than before. The rules see the first packet of a flow alone. A flow that no one has
// answered yet is no connection: its next packet, such as a SYN that is sent again, must meet the guard as a first one does.
// So the engine forgets the unanswered flows of these frontends, and their next packets are first ones.

import { contains, parseAddress, parseCidr } from "../kube/address.ts";
import { type Address, concatenationParts, type Family } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import { holderOf } from "./claims.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { ServiceResource } from "./resource.ts";

/** A frontend with a guard: flows to it from any other source are not let through. */
export interface GuardedFrontend {
  readonly family: Family;
  readonly address: Address;
  /** `tcp . 80`. */
  readonly port: string;
  /** Canonical prefixes of the sources that may use it. */
  readonly sources: readonly string[];
}

/** Whether the guard lets `client` through. Each source is a prefix, or one address as nft writes it. */
export function letsThrough({ sources }: GuardedFrontend, client: string): boolean {
  const address = parseAddress(client);
  return sources.some((source) => {
    const cidr = parseCidr(source);
    return source === client || (cidr !== undefined && address !== undefined && contains(cidr, address));
  });
}

/** The guard of the frontend that has `claim`; undefined where it has none now, and lets every source through. */
export function guardNow(
  state: Pick<ClusterState, "claims" | "programs">,
  claim: string,
): GuardedFrontend | undefined {
  const holder = holderOf(state, claim);
  const resource = holder === undefined ? undefined : state.programs.get(holder)?.resources.get(claim);
  return resource === undefined ? undefined : guardOf(resource);
}

/** All frontends with a guard by claim, as they are now. */
export function guardedFrontends(
  state: Pick<ClusterState, "claims" | "programs">,
): Map<string, GuardedFrontend> {
  const all = new Map<string, GuardedFrontend>();
  for (const { resources } of state.programs.values()) {
    for (const resource of resources.all) {
      const guard = guardOf(resource) && guardNow(state, resource.claim);
      if (guard !== undefined) all.set(resource.claim, guard);
    }
  }
  return all;
}

function guardOf(resource: ServiceResource): GuardedFrontend | undefined {
  if (resource.kind !== "frontend" || resource.values.guard === undefined || resource.address === undefined) {
    return undefined;
  }
  const { family, address, frontend, sources } = resource;
  return { family, address, port: elementKey(concatenationParts(frontend).slice(1)), sources };
}

/** Notes in `tightened` that a frontend's guard lets fewer sources through, where it does. Call it when the elements change. */
export function noteTightened(
  tightened: Map<string, GuardedFrontend>,
  claim: string,
  before: ServiceResource | undefined,
  after: ServiceResource | undefined,
): void {
  const guard = after === undefined ? undefined : guardOf(after);
  if (guard === undefined) {
    if (tightened.size > 0) tightened.delete(claim);
    return;
  }
  const earlier = before?.kind === "frontend" && before.values.guard !== undefined
    ? before.sources
    : undefined;
  const sources = new Set(guard.sources);
  if (earlier !== undefined && earlier.every((source) => sources.has(source))) return;
  tightened.set(claim, guard);
}
