// The own node: what the fold uses of its Node object, and what is wrong with it. A value stays in force until the API server
// has sent another one. A Node that is deleted, or was created again without addresses yet, keeps its last values. Why not
// drop them? The node still runs and gets packets, and its NodePorts would stop working.

import { isLinkLocal, isSpecial, parseAddress, parseCidr } from "../kube/address.ts";
import { describeKey, type KubeObject, type Node } from "../kube/objects.ts";
import { localCidr, primaryAddresses, type ProxyConfig } from "../kube/proxy_config.ts";
import { type Address, FAMILIES } from "../nft/data_type.ts";
import type { OwnNode } from "./endpoints.ts";

const ZONE_LABEL = "topology.kubernetes.io/zone";

/** Whether there is an own Node object: `unread` until a source has sent its whole list. */
export type NodeFound = "yes" | "unread" | "never" | "gone" | "unnamed";

/** The problem with the own node; "" if there is none. Metrics and health reports contain these values. */
export type OwnNodeProblem =
  | ""
  | "unnamed"
  | "unreadable"
  | "missing"
  | "deleted"
  | "unaddressed"
  | "without-pod-cidrs";

/** The own node for health, metrics and warnings. */
export interface NodeStatus {
  readonly name: string;
  readonly found: NodeFound;
  readonly problem: OwnNodeProblem;
  /** The problem in words, and what to do about it; "" if there is none. */
  readonly text: string;
  /** Whether load balancers may send traffic here: the Node exists, and the autoscaler is not about to delete it. */
  readonly eligible: boolean;
}

/** The part of a ClusterState that decides the status. */
export interface NodeFacts {
  readonly config: ProxyConfig;
  readonly node: OwnNode;
  readonly nodeDeleted: boolean;
  readonly knownNode: Node | undefined;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

/**
 * The status of the own node. `complete`: a source has sent its whole list. `unreadable`: why Nodes cannot be read; "" if
 * they can.
 */
export function nodeStatus(facts: NodeFacts, complete: boolean, unreadable = ""): NodeStatus {
  const { name } = facts.node;
  const object = namedNode(facts.objects, name);
  const found = foundOf(facts, object, complete);
  const problem = problemOf(facts, found, object, unreadable);
  const away = found === "gone" || found === "never";
  const tainted = (object?.spec.taints ?? []).length > 0;
  return { name, found, problem, text: problemText(facts, problem, unreadable), eligible: !away && !tainted };
}

/** The Node object `name` among `objects`; undefined while there is none. */
export function namedNode(
  objects: Pick<ReadonlyMap<string, KubeObject>, "get">,
  name: string,
): Node | undefined {
  const object = objects.get(describeKey({ kind: "Node", namespace: "", name }));
  return object?.kind === "Node" ? object : undefined;
}

function foundOf({ node, nodeDeleted }: NodeFacts, object: Node | undefined, complete: boolean): NodeFound {
  if (node.name === "") return "unnamed";
  if (object !== undefined) return "yes";
  if (nodeDeleted) return "gone";
  return complete ? "never" : "unread";
}

function problemOf(
  { config, knownNode }: NodeFacts,
  found: NodeFound,
  object: Node | undefined,
  unreadable: string,
): OwnNodeProblem {
  if (unreadable !== "") return "unreadable";
  if (found === "unnamed") return "unnamed";
  if (found === "gone") return "deleted";
  if (found === "never") return "missing";
  if (object === undefined) return "";
  if (config.bindAddress === undefined && listedAddresses(object).length === 0) return "unaddressed";
  const needsCidrs = config.detectLocal.mode === "NodeCIDR";
  const own = knownNode === undefined ? [] : podCIDRs(object);
  return needsCidrs && !FAMILIES.some((family) => localCidr(config, own, family)) ? "without-pod-cidrs" : "";
}

function problemText({ node, knownNode, config }: NodeFacts, problem: OwnNodeProblem, why: string): string {
  const { name } = node;
  const remembered = knownNode === undefined
    ? "its addresses, zone and pod CIDRs are not known, so NodePorts are served on no primary address"
    : "its last known addresses, zone and pod CIDRs stay in force";
  switch (problem) {
    case "":
      return "";
    case "unnamed":
      return "no Node is named: no endpoint counts as local; give --node NAME";
    case "unreadable":
      return `the own Node ${name} cannot be read: ${why}; ${remembered}`;
    case "missing":
      return `there is no Node ${name}: ${remembered}; --node must be a name that "kubectl get nodes" lists`;
    case "deleted":
      return `Node ${name} was deleted: ${remembered}`;
    case "unaddressed":
      return `Node ${name} has no usable address in status.addresses (InternalIP or ExternalIP): ${
        node.addresses.length === 0
          ? "NodePorts are served on no primary address"
          : "the last known stay in force"
      }`;
    case "without-pod-cidrs":
      return `Node ${name} has no usable spec.podCIDRs, which detectLocalMode ${config.detectLocal.mode} goes by: ${
        node.podCIDRs.length === 0
          ? "traffic from outside the cluster to cluster IPs is not masqueraded"
          : "the last known stay in force"
      }`;
  }
}

/**
 * The Node whose values are in force, once `now` is the present object (undefined: it was deleted). `known` was in force
 * before, and `before` was the object. A Node without addresses was just created: values that it lacks stay. A
 * new Node gets its pod CIDRs later, so those stay too; an object that had some and has none now has lost them.
 */
export function rememberedNode(
  known: Node | undefined,
  before: Node | undefined,
  now: Node | undefined,
): Node | undefined {
  if (now === undefined || known === undefined) return now ?? known;
  if (known.metadata.name !== now.metadata.name) return now;
  const hasAddresses = listedAddresses(now).length > 0;
  const lost = before !== undefined && before.metadata.uid === now.metadata.uid &&
    podCIDRs(before).length > 0;
  const cidrs = lost || podCIDRs(now).length > 0 ? now.spec.podCIDRs : known.spec.podCIDRs;
  const { podCIDRs: _, ...spec } = now.spec;
  return {
    ...now,
    metadata: hasAddresses
      ? now.metadata
      : { ...now.metadata, labels: { ...known.metadata.labels, ...now.metadata.labels } },
    spec: { ...spec, ...(cidrs === undefined ? {} : { podCIDRs: cidrs }) },
    status: hasAddresses ? now.status : known.status,
  };
}

/** What the fold uses of the Node in force, under `config`. */
export function ownNodeOf(name: string, known: Node | undefined, config: ProxyConfig): OwnNode {
  const listed = known === undefined ? [] : listedAddresses(known);
  const usable = primaryAddresses(config, listed).filter((address) => !isSpecial(address));
  return {
    name,
    zone: known?.metadata.labels?.[ZONE_LABEL] ?? "",
    addresses: usable,
    linkLocal: known === undefined ? [] : addressesOf(known).filter(isLinkLocal),
    podCIDRs: known === undefined ? [] : podCIDRs(known),
  };
}

/** Internal addresses before external ones: kube-proxy uses the first of a family as the node's own. */
function listedAddresses({ status }: Node): Address[] {
  const listed = (type: string) => (status.addresses ?? []).filter((address) => address.type === type);
  return [...listed("InternalIP"), ...listed("ExternalIP")]
    .map(({ address }) => parseAddress(address))
    .filter((address) => address !== undefined).filter((address) => !isSpecial(address));
}

/** All addresses of a Node object, of every type. */
function addressesOf({ status }: Node): Address[] {
  return (status.addresses ?? []).map(({ address }) => parseAddress(address)).filter((one) =>
    one !== undefined
  );
}

function podCIDRs({ spec }: Node): readonly string[] {
  return (spec.podCIDRs ?? []).filter((cidr) => parseCidr(cidr) !== undefined);
}
