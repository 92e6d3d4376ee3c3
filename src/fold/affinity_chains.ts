// The chains of ClientIP affinity, and the sets and maps that only they use. While a packet is in them, its priority is a lead or the
// number of an endpoint. What a pin is found by has the ServicePort's cluster IP and port, so they are written over those of any
// other frontend, and put back before the packet is translated.

import { PINS_MAX } from "../limits/rules.ts";
import { AFFINITY_SECONDS_DEFAULT } from "../kube/service_port.ts";
import { addressType, type DataType, type Family } from "../nft/data_type.ts";
import type { Chain, Container } from "../nft/ruleset.ts";
import {
  goto,
  jump,
  type KeyPart,
  type Rule,
  rule,
  type Selector,
  type Statement,
} from "../nft/statement.ts";
import { IS_NUMBERED, isClass, type Pinning } from "./leads.ts";
import { drawRules, type Flavour, frontendKey, NODE_PORT, pickChain } from "./pick_chains.ts";
import { SLOT_CLASSES } from "./slots.ts";

/** The chain of cluster IPs with the default timeout. It is always there, so that a rule can lead to it; others have a slash. */
export const DEFAULT_TIMEOUT_CHAIN = "pinned";

/** The name of the chain for a way of pinning clients: `pinned/60`, `pinned-local-nodeports/60`. */
export function pinnedChain({ seconds, short, at, list }: Pinning): string {
  if (short) return seconds === AFFINITY_SECONDS_DEFAULT ? DEFAULT_TIMEOUT_CHAIN : `pinned/${seconds}`;
  return `pinned-${list === "local" ? "local-" : ""}${at === "nodeport" ? "nodeports" : "ips"}/${seconds}`;
}

/** The rules of {@link pinnedChain}. */
export function pinnedRules(family: Family, pinning: Pinning): Rule[] {
  const { seconds, short, at } = pinning;
  if (short) return rulesAtClusterIP(family, seconds);
  return at === "nodeport" ? rulesAtNodePort(family, pinning) : rulesAtAddress(family, pinning);
}

/**
 * What a pin is found by: the client, and the ServicePort while its cluster IP and port are in the packet. For IPv6 it is a hash
 * of them, of 64 bits: nft 1.0.6 aborts where the key of an update is longer than 16 bytes, or its lookup needs more registers.
 * Two clients with the same hash would share a pin, and each would still reach endpoints of its own ServicePort.
 */
function pinKey(family: Family): KeyPart[] {
  const of: Selector[] = [`${family} saddr`, ...frontendKey(family)];
  return family === "ip" ? of : [{ kind: "hash", of, seed: 1 }, { kind: "hash", of, seed: 2 }];
}

function renewed(family: Family, timeoutSeconds: number): Statement {
  return { kind: "pin", key: pinKey(family), map: "affinity-pins", timeoutSeconds };
}

function pinned(family: Family): Statement {
  return { kind: "priority-set", key: pinKey(family), map: "affinity-pins" };
}

function unpinned(family: Family): Statement {
  return { kind: "unpin", key: pinKey(family), map: "affinity-pins" };
}

/** To the endpoint whose number the packet has, as a frontend has them. */
function toNumbered(family: Family, at: Pinning["at"]): Statement {
  const key: Selector[] = [...at === "address" ? frontendKey(family) : NODE_PORT, "meta priority"];
  return { kind: "dnat", key, map: at === "address" ? "affinity-endpoints" : "affinity-nodeport-endpoints" };
}

/**
 * The rules for packets to a cluster IP whose clients are pinned for `seconds`. The first is all that most of them need: their
 * client has a pin, which is renewed, to an endpoint that is there. Where a client has no pin, the packet still has its lead,
 * and so the slot class. The rule for two endpoints spares the way through two chains. An update of a map that is full ends its rule.
 */
function rulesAtClusterIP(family: Family, seconds: number): Rule[] {
  const frontend = frontendKey(family);
  const [renew, dnat] = [renewed(family, seconds), toNumbered(family, "address")];
  return [
    rule([pinned(family), renew, dnat]),
    rule([isClass(2), drawn(family, "", 2), renew, dnat]),
    rule([IS_NUMBERED, unpinned(family), { kind: "priority-set", key: frontend, map: "service-ips" }], GONE),
    rule([jump("affinity-draw")]),
    rule([IS_NUMBERED, renew, dnat]),
    rule([dnat], "no room for its pin"),
  ];
}

const GONE = "its endpoint is gone";

/** The same where the address is not the cluster IP, or a pin may lead to an endpoint of another list. */
function rulesAtAddress(family: Family, { seconds, list }: Pinning): Rule[] {
  const key = frontendKey(family);
  return [
    rule([{ kind: "daddr-set", key, map: "affinity-cluster-ips" }]),
    rule([jump(`${prefixOf(list)}affinity`)]),
    rule([IS_NUMBERED, renewed(family, seconds)]),
    rule([{ kind: "daddr-restore" }]),
    rule([toNumbered(family, "address")]),
  ];
}

/** The same for a NodePort. The kernel does not correct the checksum of a port, so it has to be as it was. */
function rulesAtNodePort(family: Family, { seconds, list }: Pinning): Rule[] {
  const frontend = frontendKey(family);
  return [
    rule([{ kind: "daddr-set", key: NODE_PORT, map: "affinity-nodeport-ips" }]),
    rule([{ kind: "dport-set", key: NODE_PORT, map: "affinity-nodeport-ports" }]),
    rule([jump(`${prefixOf(list)}affinity`)]),
    rule([IS_NUMBERED, renewed(family, seconds)]),
    rule([{ kind: "dport-set", key: frontend, map: "affinity-port-nodeports" }]),
    rule([{ kind: "daddr-restore" }, toNumbered(family, "nodeport")]),
    rule([{ kind: "verdict", verdict: { kind: "drop" } }], "no endpoint found, or not the port"),
  ];
}

/** Before the names of sets and chains of a list of endpoints. */
type ListPrefix = "" | "local-";

function prefixOf(list: Pinning["list"]): ListPrefix {
  return list === "local" ? "local-" : "";
}

/** Sets and maps of affinity. */
export function affinityContainers(family: Family): Container[] {
  const address = addressType(family);
  const servicePort: DataType[] = [address, "inet_proto", "inet_service"];
  const nodePort: DataType[] = ["inet_proto", "inet_service"];
  const endpoint: DataType[] = [address, "inet_service"];
  const map = (name: string, key: DataType[], value: DataType[], comment: string): Container => ({
    ...{ kind: "map", name, key, value, comment },
  });
  return [
    map("affinity-cluster-ips", servicePort, [address], "ClientIP affinity: ClusterIP of an address"),
    map("affinity-nodeport-ips", nodePort, [address], "ClientIP affinity: ClusterIP of a NodePort"),
    map("affinity-nodeport-ports", nodePort, ["inet_service"], "ClientIP affinity: port of a NodePort"),
    map("affinity-port-nodeports", servicePort, ["inet_service"], "ClientIP affinity: NodePort of a port"),
    {
      kind: "map",
      name: "affinity-leads",
      key: ["classid"],
      value: "verdict",
      comment: "leads of frontends with ClientIP affinity",
    },
    ...["", "local-"].flatMap((list): Container[] => [
      map(`${list}affinity-classes`, servicePort, ["classid"], "ClientIP affinity: slot classes"),
      map(
        `${list}affinity-slots`,
        [...servicePort, "slot"],
        ["classid"],
        "ClientIP affinity: numbers in slots",
      ),
      {
        kind: "set",
        name: `${list}affinity-numbers`,
        key: [...servicePort, "classid"],
        comment: "ClientIP affinity: endpoints",
      },
    ]),
    map(
      "affinity-endpoints",
      [...servicePort, "classid"],
      endpoint,
      "ClientIP affinity: endpoints by number",
    ),
    map("affinity-nodeport-endpoints", [...nodePort, "classid"], endpoint, "the same for NodePorts"),
    {
      kind: "map",
      name: "affinity-pins",
      // See pinKey: each 32 bits of the hash have the type of a slot, which nft calls an integer.
      key: family === "ip" ? [address, ...servicePort] : ["slot", "slot"],
      value: ["classid"],
      flag: "dynamic",
      size: PINS_MAX,
      comment: "clients, and the number of their endpoint",
    },
  ];
}

/** Chains of affinity that do not depend on Services. */
export function affinityChains(family: Family): Chain[] {
  const pinning: Pinning = { seconds: AFFINITY_SECONDS_DEFAULT, short: true, at: "address", list: "cluster" };
  return [
    { name: DEFAULT_TIMEOUT_CHAIN, rules: pinnedRules(family, pinning) },
    ...numberChains(family, ""),
    ...numberChains(family, "local-"),
  ];
}

/** Chains that give a packet the number of an endpoint: the one that its client is pinned to, or a random one of the list. */
function numberChains(family: Family, list: ListPrefix): Chain[] {
  const servicePort = frontendKey(family);
  const endpoint: Selector[] = [...servicePort, "meta priority"];
  const flavour: Flavour = `${list}affinity-pick`;
  return [
    {
      name: `${list}affinity`,
      rules: [
        rule([pinned(family), { kind: "lookup", key: endpoint, set: `${list}affinity-numbers` }, RETURN]),
        rule([pinned(family), unpinned(family)], GONE),
        rule([
          { kind: "priority-set", key: servicePort, map: `${list}affinity-classes` },
          goto(`${list}affinity-draw`),
        ]),
      ],
    },
    {
      name: `${list}affinity-draw`,
      rules: SLOT_CLASSES.map((slotClass) => rule([isClass(slotClass), goto(pickChain(flavour, slotClass))])),
    },
    ...SLOT_CLASSES.map((slotClass): Chain => ({
      name: pickChain(flavour, slotClass),
      rules: drawRules(slotClass, (modulus) => rule([drawn(family, list, modulus), RETURN])),
    })),
  ];
}

/** Draws the number of an endpoint. */
function drawn(family: Family, list: ListPrefix, modulus: number): Statement {
  const key: KeyPart[] = [...frontendKey(family), { kind: "numgen", modulus }];
  return { kind: "priority-set", key, map: `${list}affinity-slots` };
}

const RETURN: Statement = { kind: "verdict", verdict: { kind: "return" } };
