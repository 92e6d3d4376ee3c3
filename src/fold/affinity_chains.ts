// The chains of ClientIP affinity, and the sets and maps that only they use. While a packet is in them, its addresses and its
// port are notes: the destination is a lead and then the number of an endpoint, the source is the cluster IP of the ServicePort,
// and the port of a packet for a NodePort is that of the ServicePort. Connection tracking and a map have the originals, which
// are put back before the packet is translated. Why in the packet? Rules have no other place that nft can print.

import { PINS_MAX } from "../limits/rules.ts";
import { addressType, type DataType, type Family } from "../nft/data_type.ts";
import type { Chain, Container } from "../nft/ruleset.ts";
import { type KeyPart, type Rule, rule, type Selector, type Statement } from "../nft/statement.ts";
import { lead, leadPinnedFor, PINNED, PINNED_LOCAL } from "./leads.ts";
import {
  classRules,
  drawRules,
  type Flavour,
  frontendParts,
  LOST,
  pickChain,
  SLOT_CLASSES,
} from "./pick_chains.ts";

/** Where packets of a frontend with affinity go: by the kind of the frontend. */
export const AFFINITY_ENTRY = { ips: "affinity-ips", nodeports: "affinity-nodeports" } as const;

/** The chain that writes the ServicePort of a frontend into the packet, whatever is noted there. */
export const AFFINITY_KEY = "affinity-key";

/**
 * What a pin is found by: the client, and the ServicePort while its cluster IP and port are in the packet. For IPv6 it is a hash
 * of them, of 64 bits: nft 1.0.6 aborts where the key of an update is longer than 16 bytes, or its lookup needs more registers.
 * Two clients with the same hash would share a pin, and each would still reach endpoints of its own ServicePort.
 */
export function pinKey(family: Family): KeyPart[] {
  const of: Selector[] = [`ct original ${family} saddr`, ...servicePortKey(family)];
  return family === "ip" ? of : [{ kind: "hash", of, seed: 1 }, { kind: "hash", of, seed: 2 }];
}

/** The same at the cluster IP, whose packets need no note: the address that they came for is that of the ServicePort. */
function pinKeyAtClusterIP(family: Family): KeyPart[] {
  const of: Selector[] = [`${family} saddr`, ...frontendParts(family, "frontend")];
  return family === "ip" ? of : [{ kind: "hash", of, seed: 1 }, { kind: "hash", of, seed: 2 }];
}

/**
 * The rules for packets to a cluster IP whose clients are pinned for `timeoutSeconds`. The first is all that most of them need:
 * their client has a pin, which is renewed, to an endpoint that is there. Where a client has no pin, the destination is still
 * the lead, and there is none to delete. An endpoint whose number equals the lead, one of 2^32, keeps its pins when it is gone:
 * until they expire, their clients draw again for each connection.
 */
export function rulesAtClusterIP(family: Family, timeoutSeconds: number): Rule[] {
  const destination = `${family} daddr` as const;
  const [key, map] = [pinKeyAtClusterIP(family), "affinity-pins"];
  const pinned: Statement = { kind: "daddr-set", key, map };
  const renewed: Statement = { kind: "pin", key, map, timeoutSeconds };
  const endpoint: Selector[] = [...frontendParts(family, "frontend"), destination];
  const dnat: Statement = { kind: "dnat", key: endpoint, map: "affinity-endpoints" };
  const value = leadPinnedFor(family, timeoutSeconds);
  return [
    rule([pinned, renewed, dnat]),
    rule([
      { kind: "match", selector: destination, operator: "!=", value },
      { kind: "unpin", key, map },
    ], "its endpoint is gone"),
    rule([jump("affinity-ip-draw")]),
    rule([renewed, dnat]),
    LOST,
  ];
}

/** The ServicePort while its cluster IP is the packet's source and its port the packet's destination port. */
function servicePortKey(family: Family): Selector[] {
  return [`${family} saddr`, "meta l4proto", "th dport"];
}

const NODE_PORT: readonly Selector[] = ["meta l4proto", "th dport"];
const RETURN: Statement = { kind: "verdict", verdict: { kind: "return" } };
const DROP: Statement = { kind: "verdict", verdict: { kind: "drop" } };

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
    map("affinity-timeouts", servicePort, [address], "ClientIP affinity: seconds"),
    map("affinity-nodeport-timeouts", nodePort, [address], "ClientIP affinity: seconds"),
    {
      kind: "map",
      name: "affinity-renewals",
      key: [address],
      value: "verdict",
      comment: "seconds to chains",
    },
    {
      kind: "map",
      name: "affinity-leads",
      key: [address],
      value: "verdict",
      comment: "leads of cluster IPs with ClientIP affinity",
    },
    ...["", "local-"].flatMap((list): Container[] => [
      map(`${list}affinity-classes`, servicePort, [address], "ClientIP affinity: slot classes"),
      map(
        `${list}affinity-slots`,
        [...servicePort, "slot"],
        [address],
        "ClientIP affinity: numbers in slots",
      ),
      {
        kind: "set",
        name: `${list}affinity-numbers`,
        key: [...servicePort, address],
        comment: "ClientIP affinity: endpoints",
      },
    ]),
    map("affinity-endpoints", [...servicePort, address], endpoint, "ClientIP affinity: endpoints by number"),
    map("affinity-nodeport-endpoints", [...nodePort, address], endpoint, "the same for NodePorts"),
    {
      kind: "map",
      name: "affinity-pins",
      // See pinKey: each 32 bits of the hash have the type of a slot, which nft calls an integer.
      key: family === "ip" ? [address, ...servicePort] : ["slot", "slot"],
      value: [address],
      flag: "dynamic",
      size: PINS_MAX,
      comment: "clients, and the number of their endpoint",
    },
  ];
}

/** Chains of affinity. A packet enters them by {@link AFFINITY_ENTRY} with a pinned lead as its destination. */
export function affinityChains(family: Family): Chain[] {
  const frontend: Selector[] = [`ct original ${family} daddr`, ...NODE_PORT];
  return [
    {
      name: AFFINITY_ENTRY.ips,
      rules: [
        rule([{ kind: "saddr-set", key: frontend, map: "affinity-cluster-ips" }]),
        rule([jump("affinity")]),
        rule([{ kind: "saddr-set", key: frontend, map: "affinity-timeouts" }, renew(family)]),
        rule([{ kind: "saddr-restore" }]),
        rule([{ kind: "dnat", key: [...frontend, `${family} daddr`], map: "affinity-endpoints" }]),
        LOST,
      ],
    },
    {
      name: AFFINITY_ENTRY.nodeports,
      rules: [
        ...toServicePort,
        rule([jump("affinity")]),
        toNodePort(family),
        rule([{ kind: "saddr-set", key: NODE_PORT, map: "affinity-nodeport-timeouts" }, renew(family)]),
        toNodePort(family),
        rule([
          // The port is that of a NodePort again.
          { kind: "saddr-set", key: NODE_PORT, map: "affinity-nodeport-ips" },
          { kind: "saddr-restore" },
          { kind: "dnat", key: [...NODE_PORT, `${family} daddr`], map: "affinity-nodeport-endpoints" },
        ]),
        rule([DROP], "no endpoint found, or not the port"),
      ],
    },
    {
      name: AFFINITY_KEY,
      rules: [
        rule([{ kind: "saddr-set", key: frontend, map: "affinity-cluster-ips" }, RETURN]),
        ...toServicePort,
      ],
    },
    ...numberChains(family, ""),
    ...numberChains(family, "local-"),
    ...drawChains(family, "", "affinity-ip", frontendParts(family, "frontend")),
  ];
}

/** Cluster IP and port of the ServicePort that has a NodePort. */
const toServicePort: readonly Rule[] = [
  rule([{ kind: "saddr-set", key: NODE_PORT, map: "affinity-nodeport-ips" }]),
  rule([{ kind: "dport-set", key: NODE_PORT, map: "affinity-nodeport-ports" }]),
];

/** The NodePort of a ServicePort: the kernel does not correct the checksum of a port, so it has to be as it was. */
function toNodePort(family: Family): Rule {
  return rule([{ kind: "dport-set", key: servicePortKey(family), map: "affinity-port-nodeports" }]);
}

/** Pins the client to the endpoint whose number is the destination. The packet's source is the timeout. */
function renew(family: Family): Statement {
  return { kind: "vmap", key: [`${family} saddr`], map: "affinity-renewals" };
}

/** Chains that write the number of an endpoint into the destination: the one that the client is pinned to, or a random one. */
function numberChains(family: Family, list: "" | "local-"): Chain[] {
  const destination = `${family} daddr` as const;
  const servicePort = servicePortKey(family);
  const pinned: Statement = { kind: "daddr-set", key: pinKey(family), map: "affinity-pins" };
  const isLocal = (kind: "cluster" | "local", slotClass: number) =>
    rule([
      { kind: "match", selector: destination, operator: "==", value: lead(family, kind, slotClass) },
      { kind: "verdict", verdict: { kind: "goto", chain: "local-affinity" } },
    ]);
  const endpoint: Selector[] = [...servicePort, destination];
  return [
    {
      name: `${list}affinity`,
      rules: [
        ...(list === "" ? [isLocal("local", PINNED), isLocal("cluster", PINNED_LOCAL)] : []),
        rule([pinned, { kind: "lookup", key: endpoint, set: `${list}affinity-numbers` }, RETURN]),
        rule([pinned, { kind: "unpin", key: pinKey(family), map: "affinity-pins" }], "its endpoint is gone"),
        rule([{ kind: "verdict", verdict: { kind: "goto", chain: `${list}affinity-draw` } }]),
      ],
    },
    ...drawChains(family, list, `${list}affinity`, servicePort),
  ];
}

/**
 * Chains that write the number of a random endpoint of `list` into the destination. Why are there others for cluster IPs? There
 * the address of the frontend is that of the ServicePort, and so new clients need no note of it: two writes and a lookup less.
 */
function drawChains(
  family: Family,
  list: "" | "local-",
  name: "affinity" | "local-affinity" | "affinity-ip",
  servicePort: readonly Selector[],
): Chain[] {
  const flavour: Flavour = `${name}-pick`;
  return [
    {
      name: `${name}-draw`,
      rules: [
        rule([{ kind: "daddr-set", key: servicePort, map: `${list}affinity-classes` }]),
        ...classRules(family, "cluster", flavour),
      ],
    },
    ...SLOT_CLASSES.map((slotClass): Chain => ({
      name: pickChain(flavour, slotClass),
      rules: drawRules(slotClass, (modulus) =>
        rule([
          {
            kind: "daddr-set",
            key: [...servicePort, { kind: "numgen", modulus }],
            map: `${list}affinity-slots`,
          },
          RETURN,
        ])),
    })),
  ];
}

function jump(chain: string): Statement {
  return { kind: "verdict", verdict: { kind: "jump", chain } };
}
