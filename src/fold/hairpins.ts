// Connections of a pod to itself: one that connects to itself through a Service drops packets from its own address, so these are
// masqueraded.

import type { Address, Family } from "../nft/data_type.ts";
import { elementKey } from "../nft/ruleset.ts";
import { type ElementResource, elementResource } from "./resource.ts";
import { PATHS } from "./skeleton.ts";

/** The element for the connections of an endpoint to itself. */
export function hairpin(
  { family, protocol }: { readonly family: Family; readonly protocol: string },
  address: Address,
  number: number,
): ElementResource {
  const key = elementKey([address, address, protocol, String(number)]);
  return elementResource(PATHS[family]["hairpin-connections"], { key });
}
