// Finds the commit, and the record in it, with which a packet ceased to go where it should.

import { TABLE } from "../fold/skeleton.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommittedChange, DriftRecord } from "../ledger/record.ts";
import { setPath } from "../nft/ruleset.ts";
import { bisect, type Condition, type Flip, flips } from "./bisect.ts";
import { type Cause, causeAt, type CommitPlace } from "./cause.ts";
import { recordsAbout } from "./log.ts";
import { NotRecorded, type Past, WrongPosition } from "./past.ts";
import { madeByAnother, pastAt } from "./recorded_rules.ts";
import type { Outcome, Packet, Trace } from "./trace.ts";
import { traceAt, traceOf } from "./why.ts";

/** Whether one outcome of a packet is as it should be. */
export type Expectation = (outcome: Outcome) => boolean;

/** A packet, and the outcome that is expected for it. */
export interface PacketCondition {
  /** The first packet of a connection. */
  readonly packet: Packet;
  /** The condition holds where any possible outcome of the packet is as expected. */
  readonly expected: Expectation;
}

/** A commit with which the packet began or ceased to go where it should. */
export interface PacketFlip {
  /** Whether the outcome is as expected from this commit on. */
  readonly holds: boolean;
  /** The commit that brought it to the kernel. */
  readonly commit: CommitPlace;
  /** The record that changed the outcome. */
  readonly cause: Cause;
  /** The changes that the cause made to elements which the packet meets. */
  readonly changes: readonly CommittedChange[];
  /** The possible outcomes without the commit. */
  readonly before: readonly Outcome[];
  /** The possible outcomes with the commit. */
  readonly after: readonly Outcome[];
}

/** The result of a search between a good and a bad position. */
export type BisectAnswer =
  | { readonly kind: "found"; readonly flip: PacketFlip }
  /** The records that ended the condition were not committed up to the bad position. */
  | { readonly kind: "not committed" }
  | NotBounded;

/** The good position is not good, or the bad one is not bad. Drift in between may explain that. */
export interface NotBounded {
  /** The tag of this member of {@link BisectAnswer}. */
  readonly kind: "not bounded";
  /** The outcomes at the good position, where none is as expected. */
  readonly good?: readonly Outcome[];
  /** The outcomes at the bad position, where one is as expected. */
  readonly bad?: readonly Outcome[];
  /** Changes of our tables by other programs between the two positions, newest first. */
  readonly drift: readonly PlacedDrift[];
}

/** A change of our tables by another program, with its offset. */
export interface PlacedDrift extends Placed {
  /** The record, which names the program and what it changed. */
  readonly record: DriftRecord;
}

/** Parses `endpoint`, `refused`, `dropped` or the address of an endpoint; else returns what is wrong with `text`. */
export function parseExpectation(
  { destination: frontend, port: frontendPort }: Packet,
  text: string,
): Expectation | string {
  switch (text) {
    case "endpoint":
      return ({ kind, destination, port }) =>
        kind === "deliver" && (destination !== frontend || port !== frontendPort);
    case "refused":
      return ({ kind }) => kind === "tcp-reset" || kind === "port-unreachable";
    case "dropped":
      return ({ kind }) => kind === "drop";
  }
  const address = parseAddress(text);
  if (address !== undefined) return ({ kind, destination }) => kind === "deliver" && destination === address;
  return `${text}: it must be endpoint, refused, dropped, or the address of an endpoint`;
}

/** The first commit after `good` with which the packet ceases to go where it should. Throws {@link WrongPosition}. */
export function bisectPacket(
  past: Past,
  good: number,
  bad: number,
  condition: PacketCondition,
): BisectAnswer {
  assertInOrder(good, bad);
  const bounds = boundsOf(past, good, bad, condition);
  if (bounds !== undefined) return bounds;
  const flip = bisect(past, good, bad, holding(condition));
  return flip === undefined
    ? { kind: "not committed" }
    : { kind: "found", flip: packetFlip(past, condition, flip) };
}

/** Every commit after `from`, up to `through`, with which the condition changes. Throws {@link WrongPosition}. */
export function* packetFlips(
  past: Past,
  from: number,
  through: number,
  condition: PacketCondition,
): Generator<PacketFlip> {
  assertInOrder(from, through);
  for (const flip of flips(past, from, through, holding(condition))) yield packetFlip(past, condition, flip);
}

function assertInOrder(good: number, bad: number): void {
  if (good >= bad) throw new WrongPosition(`@${good} is not before @${bad}: GOOD comes before BAD`);
}

function holding({ packet, expected }: PacketCondition): Condition {
  return (state) => traceAt(state, packet).outcomes.some(expected);
}

/** Undefined where the good position is good and the bad one is bad. */
function boundsOf(
  past: Past,
  good: number,
  bad: number,
  { packet, expected }: PacketCondition,
): NotBounded | undefined {
  const outcomesAt = (offset: number) => traceOf(pastAt(past, offset), packet).outcomes;
  const [before, after] = [outcomesAt(good), outcomesAt(bad)];
  const [isGood, isBad] = [before.some(expected), !after.some(expected)];
  if (isGood && isBad) return undefined;
  return {
    kind: "not bounded",
    ...(isGood ? {} : { good: before }),
    ...(isBad ? {} : { bad: after }),
    drift: [...driftBetween(past, good, bad)],
  };
}

function* driftBetween(past: Past, from: number, through: number): Generator<PlacedDrift> {
  for (const { offset, record } of recordsAbout(past, { kind: "drift" })) {
    if (offset < from) return;
    if (offset <= through && record.kind === "drift") yield { offset, record };
  }
}

function packetFlip(
  past: Past,
  { packet, expected }: PacketCondition,
  { commit, record, cause, holds }: Flip,
): PacketFlip {
  const [begin, end] = [pastAt(past, record.from - 1), pastAt(past, record.through)];
  const [before, after] = [traceOf(begin, packet), traceOf(end, packet)];
  const another = begin.recorded ?? end.recorded;
  if (another !== undefined && after.outcomes.some(expected) !== holds) {
    throw new NotRecorded(`${madeByAnother(another)}, which led elsewhere: search on one side of it`);
  }
  const met = new Set([...elementsMet(packet, before), ...elementsMet(packet, after)]);
  return {
    holds,
    commit: { offset: commit, time: record.time, generation: record.generation },
    cause: causeAt(past.lookup(), cause),
    changes: record.changes.filter((change) => change.cause === cause && met.has(place(change))),
    before: before.outcomes,
    after: after.outcomes,
  };
}

/** The elements that the packet meets, each as {@link place} writes it. */
function elementsMet({ destination }: Packet, { steps }: Trace): string[] {
  return steps.flatMap(({ found }) =>
    found.map(({ set, element: { key } }) => place({ set: setPath(familyOf(destination), TABLE, set), key }))
  );
}

function place({ set, key }: { readonly set: string; readonly key: string }): string {
  return `${set} ${key}`;
}
