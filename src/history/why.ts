// Where the first packet of a connection goes, and which rule, Service, endpoint and record made it so.

import { type ClusterState, ownNode } from "../fold/cluster_state.ts";
import { TABLE } from "../fold/skeleton.ts";
import { familyOf } from "../kube/address.ts";
import { plainElement } from "../nft/objects.ts";
import { type Element, setPath } from "../nft/ruleset.ts";
import { type Cause, causeOf } from "./cause.ts";
import type { Found } from "./packet_walk.ts";
import { nodeAddresses, rivals } from "./packet_words.ts";
import type { PastState } from "./past.ts";
import { type Outcome, type Packet, type Trace, trace, type TraceStep } from "./trace.ts";

/** A packet's path through the rules at a position. */
export interface PacketPath {
  /** The packet as its sender sends it. */
  readonly packet: Packet;
  /** Name of the node; "" where it has none. */
  readonly node: string;
  /** Offset of the last record that the rules follow. */
  readonly at: number;
  /** Rules that did something, in the order in which packets meet them. */
  readonly steps: readonly PathStep[];
  /** Every place where the packet may end, by probability. */
  readonly outcomes: readonly Outcome[];
  /** Services that want a frontend which another Service holds, in words. */
  readonly rivals: readonly string[];
}

/** A rule that did something to the packet. */
export interface PathStep extends Omit<TraceStep, "found"> {
  /** What the rule found in sets and maps. */
  readonly found: readonly FoundElement[];
}

/** An element that a rule found. */
export interface FoundElement extends Element {
  /** Name of the set or map. */
  readonly set: string;
  /** Absent where the configuration alone put it there. */
  readonly cause?: Cause;
}

/** The path of `packet` through the rules of `past`. */
export function pathOf(past: PastState, packet: Packet): PacketPath {
  const { state } = past;
  const { steps, outcomes } = traceAt(state, packet);
  return {
    packet,
    node: state.node.name,
    at: state.folded,
    steps: steps.map(({ hook, priority, chain, rule, found }) => ({
      ...{ hook, priority, chain, rule },
      found: found.map((one) => caused(past, packet, one)),
    })),
    outcomes,
    rivals: rivals(packet, steps, state),
  };
}

/** Traces `packet` through the rules of `state`, on its node. */
export function traceAt(state: ClusterState, packet: Packet): Trace {
  return trace({ tables: state.tables, elements: state.desired }, packet, nodeAddresses(ownNode(state)));
}

function caused(past: PastState, { destination }: Packet, { set, element }: Found): FoundElement {
  const cause = causeOf(past, setPath(familyOf(destination), TABLE, set), element.key);
  return { set, ...plainElement(element), ...(cause === undefined ? {} : { cause }) };
}
