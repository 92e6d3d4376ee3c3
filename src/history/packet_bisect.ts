// With which commit, and by which record, a packet stopped to go where it should.

import { TABLE } from "../fold/skeleton.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommittedChange, DriftRecord } from "../ledger/record.ts";
import { setPath } from "../nft/ruleset.ts";
import { bisect, type Condition, type Flip, flips } from "./bisect.ts";
import { type Cause, causeAt, type CommitPlace } from "./cause.ts";
import { recordsAbout } from "./log.ts";
import { type Past, stateAt, WrongPosition } from "./past.ts";
import type { Outcome, Packet, Trace } from "./trace.ts";
import { traceAt } from "./why.ts";

/** Whether one place where a packet may end is as it should be. */
export type Expectation = (outcome: Outcome) => boolean;

/** A packet and what should become of it. */
export interface PacketCondition {
  /** The first packet of a connection. */
  readonly packet: Packet;
  /** Holds for the packet when it holds for any place where the packet may end. */
  readonly expected: Expectation;
}

/** A commit with which the packet began or stopped to go where it should. */
export interface PacketFlip {
  /** Whether it is as expected from this commit on. */
  readonly holds: boolean;
  /** The commit that brought it to the kernel. */
  readonly commit: CommitPlace;
  /** The record that did it. */
  readonly cause: Cause;
  /** Those that the cause made to elements which the packet meets. */
  readonly changes: readonly CommittedChange[];
  /** Where the packet may end without the commit. */
  readonly before: readonly Outcome[];
  /** Where it may end with the commit. */
  readonly after: readonly Outcome[];
}

/** What a search between a good and a bad position finds. */
export type BisectAnswer =
  | { readonly kind: "found"; readonly flip: PacketFlip }
  /** The records that end it were not committed up to the bad position. */
  | { readonly kind: "not committed" }
  | NotBounded;

/** The good position is not good, or the bad one is not bad: then something else than the API server may be the cause. */
export interface NotBounded {
  /** Discriminates the union. */
  readonly kind: "not bounded";
  /** What becomes of the packet at the good position, where that is not as expected. */
  readonly good?: readonly Outcome[];
  /** What becomes of the packet at the bad position, where that is as expected. */
  readonly bad?: readonly Outcome[];
  /** Changes of our tables by other programs in between, newest first. */
  readonly drift: readonly PlacedDrift[];
}

/** A change by another program, with its place. */
export interface PlacedDrift extends Placed {
  /** Which program changed what. */
  readonly record: DriftRecord;
}

/** Reads `endpoint`, `refused`, `dropped` or the address of an endpoint; or says what is wrong with `text`. */
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
  if (address !== null) return ({ kind, destination }) => kind === "deliver" && destination === address;
  return `${text}: it must be endpoint, refused, dropped, or the address of an endpoint`;
}

/** The first commit behind `good` with which the packet stops to go where it should. Throws {@link WrongPosition}. */
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

/** Every commit behind `from`, up to `through`, with which it changes, there and back. Throws {@link WrongPosition}. */
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
  const outcomesAt = (offset: number) => traceAt(stateAt(past, offset).state, packet).outcomes;
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
  { packet }: PacketCondition,
  { commit, record, cause, holds }: Flip,
): PacketFlip {
  const traceAfter = (offset: number) => traceAt(stateAt(past, offset).state, packet);
  const [before, after] = [traceAfter(record.from - 1), traceAfter(record.through)];
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

/** Elements that the packet meets, by {@link place}. */
function elementsMet({ destination }: Packet, { steps }: Trace): string[] {
  return steps.flatMap(({ found }) =>
    found.map(({ set, element: { key } }) => place({ set: setPath(familyOf(destination), TABLE, set), key }))
  );
}

function place({ set, key }: { readonly set: string; readonly key: string }): string {
  return `${set} ${key}`;
}
