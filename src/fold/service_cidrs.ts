// The addresses of ServiceCIDRs as elements of a set. Blocks of several objects may be equal or nest, and an interval set of nft takes
// no two that overlap: only those are elements that are in no other one.

import { type Cidr, cidrText, disjoint, parseCidr, prefixOf } from "../kube/address.ts";
import { BLOCKS_ONE_BY_ONE_MAX } from "../limits/rules.ts";
import type { ServiceCIDR } from "../kube/objects.ts";
import { type ElementKey, elementKey, type SetPath } from "../nft/ruleset.ts";
import type { ClusterState } from "./cluster_state.ts";
import { PATHS } from "./skeleton.ts";

/** One element that is to be, or not to be. */
export interface CidrElement {
  readonly path: SetPath;
  readonly key: ElementKey;
  readonly exists: boolean;
}

/** A block with its leading bits, of which those of every block in it begin with them. */
interface Block {
  readonly cidr: Cidr;
  readonly prefix: string;
}

/** The blocks of objects, which never change: they are needed for each change of another one. */
const known = new WeakMap<ServiceCIDR, readonly Block[]>();

/** All elements. */
export function cidrElements({ serviceCIDRs }: ClusterState): CidrElement[] {
  const blocks = [...serviceCIDRs.values()].flatMap(blocksOf);
  return disjoint(blocks.map(({ cidr }) => cidr)).map((cidr) => elementOf(cidr, true));
}

/** Puts `object` in place of the ServiceCIDR `name`, and returns all elements that this can change. */
export function changeServiceCIDR(
  state: ClusterState,
  name: string,
  object: ServiceCIDR | undefined,
): CidrElement[] {
  const { serviceCIDRs } = state;
  const had = serviceCIDRs.get(name);
  const changed = [had, object].flatMap((one) => one === undefined ? [] : blocksOf(one));
  const before = changed.length > BLOCKS_ONE_BY_ONE_MAX ? cidrElements(state) : [];
  if (object === undefined) serviceCIDRs.delete(name);
  else serviceCIDRs.set(name, object);
  if (changed.length <= BLOCKS_ONE_BY_ONE_MAX) return changed.flatMap((block) => around(serviceCIDRs, block));
  const after = cidrElements(state);
  const left = new Set(after.map(({ path, key }) => `${path} ${key}`));
  return [...before.map((one) => ({ ...one, exists: left.has(`${one.path} ${one.key}`) })), ...after];
}

/** The elements of `block`, of those in it and of those that it is in: no others depend on it. */
function around(serviceCIDRs: ReadonlyMap<string, ServiceCIDR>, block: Block): CidrElement[] {
  const related = new Map<string, Cidr>();
  for (const object of serviceCIDRs.values()) {
    for (const { prefix, cidr } of blocksOf(object)) {
      if (prefix.startsWith(block.prefix) || block.prefix.startsWith(prefix)) related.set(prefix, cidr);
    }
  }
  const shown = new Set(disjoint([...related.values()]));
  const gone = related.has(block.prefix) ? [] : [elementOf(block.cidr, false)];
  return [...gone, ...[...related.values()].map((cidr) => elementOf(cidr, shown.has(cidr)))];
}

function blocksOf(object: ServiceCIDR): readonly Block[] {
  let blocks = known.get(object);
  if (blocks === undefined) {
    const cidrs = (object.spec.cidrs ?? []).map(parseCidr).filter((cidr) => cidr !== undefined);
    blocks = cidrs.map((cidr) => ({ cidr, prefix: prefixOf(cidr) }));
    known.set(object, blocks);
  }
  return blocks;
}

function elementOf(cidr: Cidr, exists: boolean): CidrElement {
  return { path: PATHS[cidr.family]["service-cidrs"], key: elementKey([cidrText(cidr)]), exists };
}
