// Traces the first packet of a connection through the base chains, by hook and priority, to every possible outcome. It is
// pure: the result follows from a ruleset, a packet and the node's addresses, so it works for any position of a ledger.

import { assert } from "../invariant.ts";
import { familyOf } from "../kube/address.ts";
import type { Address, Protocol } from "../nft/data_type.ts";
import { assembled } from "../nft/objects.ts";
import type { Chain, ElementKey, Hook, Ruleset, Table } from "../nft/ruleset.ts";
import { type Ended, type Step, type Terrain, terrainOf, walkChain, type Way } from "./packet_walk.ts";

/** The first packet of a connection, as its sender sends it. */
export interface Packet {
  /** Address of the sender. */
  readonly source: Address;
  /** Of the same family as `source`. */
  readonly destination: Address;
  /** Its transport protocol. */
  readonly protocol: Protocol;
  /** Destination port, 1 to 65535. */
  readonly port: number;
  /** The interface that receives it. Without one the packet matches no rule about an interface. */
  readonly interface?: string;
}

/** A rule that did something, with its hook. */
export interface TraceStep extends Step {
  /** The hook of the base chain. */
  readonly hook: Hook["hook"];
  /** Priority of the base chain. */
  readonly priority: number;
}

/** One possible end of the packet. */
export interface Outcome {
  /** `deliver`: it leaves the node for `destination`, or reaches a program on it. */
  readonly kind: "deliver" | "drop" | "port-unreachable" | "tcp-reset";
  /** Its destination in the end. */
  readonly destination: Address;
  /** Its destination port in the end. */
  readonly port: number;
  /** Whether its source becomes an address of the node. */
  readonly masqueraded: boolean;
  /** 0 to 1; the probabilities of all outcomes add up to 1. */
  readonly probability: number;
}

/** The path of a packet. */
export interface Trace {
  /** The rules that did something, in the order in which the packet meets them on any of its ways. */
  readonly steps: readonly TraceStep[];
  /** The most probable first; those alike by destination. */
  readonly outcomes: readonly Outcome[];
}

/** Hooks a packet passes, before the routing decision and after it. */
type Route = "in" | "forward" | "out" | "loop";

const BEFORE_ROUTING: Readonly<Record<"in" | "out", readonly Hook["hook"][]>> = {
  in: ["prerouting"],
  out: ["output"],
};
/** A packet that the node sends to itself is received by the loopback interface. NAT has been decided before that. */
const AFTER_ROUTING: Readonly<Record<Route, readonly Hook["hook"][]>> = {
  in: ["input"],
  forward: ["forward", "postrouting"],
  out: ["postrouting"],
  loop: ["postrouting", "prerouting", "input"],
};

/** Receives the keys that a trace looks up in sets and maps: see packet_walk.ts. */
export type Looked = (set: string, key: ElementKey | undefined) => void;

/**
 * Traces `packet` through our tables in `ruleset`, on a node that has `addresses` beside loopback. The node sends the packet
 * where its source is one of them; else it receives the packet. `looked` receives what the result depends on.
 */
export function trace(
  ruleset: Ruleset,
  packet: Packet,
  addresses: readonly Address[],
  looked?: Looked,
): Trace {
  const whole = assembled(ruleset);
  const family = familyOf(packet.destination);
  assert(familyOf(packet.source) === family, "a packet has one address family");
  const table = whole.tables.find((table) => table.family === family);
  if (table === undefined) return { steps: [], outcomes: [untouched(packet)] };
  const steps = new Map<string, TraceStep>();
  const isLocal = (address: Address) =>
    addresses.includes(address) || address.startsWith("127.") || address === "::1";
  const walk = (chain: Chain, way: Way): Ended[] => {
    const { hook, priority } = chain.hook!;
    const note = (step: Step) => {
      const key = JSON.stringify([hook, step]);
      if (!steps.has(key)) steps.set(key, { hook, priority, ...step });
    };
    const terrain: Terrain = terrainOf(whole, table, { isLocal, note, ...(looked && { looked }) });
    return walkChain(terrain, chain.name, way);
  };
  const own = isLocal(packet.source);
  const start: Ended = {
    packet: {
      ...packet,
      original: packet.destination,
      sender: packet.source,
      pins: {},
      interface: own ? "" : packet.interface ?? "",
      mark: 0,
      priority: "none",
      translated: false,
      masqueraded: false,
    },
    probability: 1,
    end: "accept",
  };
  let ways: readonly Ended[] = [start];
  for (const hook of BEFORE_ROUTING[own ? "out" : "in"]) ways = pass(table, hook, ways, walk, true);
  ways = ways.flatMap((way) => {
    const here = isLocal(way.packet.destination);
    const route: Route = own ? (here ? "loop" : "out") : here ? "in" : "forward";
    return AFTER_ROUTING[route].reduce<readonly Ended[]>(
      (going, hook) => pass(table, hook, going, walk, hook !== "prerouting"),
      [way],
    );
  });
  return { steps: [...steps.values()], outcomes: outcomesOf(ways) };
}

/** Walks all ways that are not decided through the base chains of `hook`. Chains of type nat are skipped without `nat`. */
function pass(
  table: Table,
  hook: Hook["hook"],
  ways: readonly Ended[],
  walk: (chain: Chain, way: Way) => Ended[],
  nat: boolean,
): readonly Ended[] {
  const chains = table.chains
    .filter((chain) => chain.hook?.hook === hook && (nat || chain.hook.type !== "nat"))
    .sort((a, b) => a.hook!.priority - b.hook!.priority);
  return chains.reduce<readonly Ended[]>(
    (going, chain) =>
      going.flatMap((way) =>
        way.end !== "accept" || isDone(chain, way) ? [way] : walk(chain, way).map(throughMeansAccept)
      ),
    ways,
  );
}

/** The NAT chains of a hook end with the first that translates. (Linux nf_nat_inet_fn: it asks nf_nat_initialized after each.) */
function isDone({ hook }: Chain, { packet }: Way): boolean {
  return hook?.type === "nat" && hook.hook !== "postrouting" && packet.translated;
}

/** A way that ends after a base chain is accepted: all our base chains have policy accept. */
function throughMeansAccept(ended: Ended): Ended {
  return ended.end === "through" ? { ...ended, end: "accept" } : ended;
}

function untouched({ destination, port }: Packet): Outcome {
  return { kind: "deliver", destination, port, masqueraded: false, probability: 1 };
}

function outcomesOf(ways: readonly Ended[]): Outcome[] {
  const outcomes = new Map<string, Outcome>();
  for (const { packet, end, probability } of ways) {
    const { destination, port } = packet;
    const decided = end === "accept" ? "deliver" : end;
    assert(decided !== "through" && decided !== "next", "a base chain always decides");
    const outcome = { kind: decided, destination, port, masqueraded: packet.masqueraded } as const;
    const key = JSON.stringify(outcome);
    const before = outcomes.get(key)?.probability ?? 0;
    outcomes.set(key, { ...outcome, probability: before + probability });
  }
  return [...outcomes].sort(([a, one], [b, other]) =>
    other.probability - one.probability ||
    (`${one.destination} ${a}` < `${other.destination} ${b}` ? -1 : 1)
  ).map(([, outcome]) => outcome);
}
