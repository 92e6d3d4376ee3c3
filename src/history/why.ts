// Explains where the first packet of a connection goes: the rules, the elements that they find, and the causes of those.

import { type ClusterState, ownNode, type Rules } from "../fold/cluster_state.ts";
import { TABLE } from "../fold/skeleton.ts";
import { familyOf } from "../kube/address.ts";
import { plainElement } from "../nft/objects.ts";
import { type Element, setPath } from "../nft/ruleset.ts";
import { type Cause, causeOf } from "./cause.ts";
import type { CountedElements } from "./counted_connections.ts";
import type { SetElement } from "./packet_walk.ts";
import { nodeAddresses, rivals } from "./packet_words.ts";
import type { PastState } from "./past.ts";
import { wholeRules } from "./recorded_rules.ts";
import { type Looked, type Outcome, type Packet, type Trace, trace, type TraceStep } from "./trace.ts";

/** A packet's path through the rules at a position. */
export interface PacketPath {
  /** The packet as its sender sends it. */
  readonly packet: Packet;
  /** Name of the node; "" where it has none. */
  readonly node: string;
  /** Offset of the last record that the rules follow. */
  readonly at: number;
  /** The rules that did something, in the order in which the packet meets them. */
  readonly steps: readonly PathStep[];
  /** Every possible outcome, the most probable first. */
  readonly outcomes: readonly Outcome[];
  /** Lines about Services that claim a frontend of another Service. */
  readonly rivals: readonly string[];
}

/** A rule that did something, with the causes of what it found. */
export interface PathStep extends Omit<TraceStep, "found"> {
  /** The elements that the rule found. */
  readonly found: readonly FoundElement[];
}

/** An element that a rule found, with its cause. */
export interface FoundElement extends Element {
  /** Name of the set or map. */
  readonly set: string;
  /** Absent where the configuration alone made the element. */
  readonly cause?: Cause;
  /** How many connections it has counted; absent where it has no counter, or counts were not given. */
  readonly connections?: number;
}

/**
 * The path of `packet` through the rules of `past`, with what the kernel has `counted`. Throws NotRecorded where the ledger does not
 * hold all of them.
 */
export function pathOf(past: PastState, packet: Packet, counted?: CountedElements): PacketPath {
  const { state } = past;
  const { steps, outcomes } = traceOf(past, packet);
  return {
    packet,
    node: state.node.name,
    at: state.folded,
    steps: steps.map(({ hook, priority, chain, rule, found }) => ({
      ...{ hook, priority, chain, rule },
      found: found.map((one) => caused(past, packet, one, counted)),
    })),
    outcomes,
    rivals: rivals(packet, steps, state),
  };
}

/** Traces `packet` through the rules of `past`. Throws NotRecorded where the ledger does not hold all of them. */
export function traceOf(past: PastState, packet: Packet): Trace {
  const { knownNode } = past.state;
  return traceAt({ knownNode, ...wholeRules(past) }, packet);
}

/** Traces `packet` through the rules of `state`, on its node. */
export function traceAt(
  state: Rules & Pick<ClusterState, "knownNode">,
  packet: Packet,
  looked?: Looked,
): Trace {
  const rules = { tables: state.tables, elements: state.desired };
  return trace(rules, packet, nodeAddresses(ownNode(state)), looked);
}

function caused(
  past: PastState,
  { destination }: Packet,
  { set, element }: SetElement,
  counted: CountedElements | undefined,
): FoundElement {
  const path = setPath(familyOf(destination), TABLE, set);
  const cause = causeOf(past, path, element.key);
  const connections = counted?.elements.get(path)?.get(element.key);
  return {
    ...{ set, ...plainElement(element) },
    ...(cause === undefined ? {} : { cause }),
    ...(connections === undefined ? {} : { connections }),
  };
}
