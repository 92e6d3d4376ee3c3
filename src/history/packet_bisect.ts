// Finds the commit, and the record in it, with which a packet stopped going where it should.

import { FOLD_VERSION } from "../fold/fold_version.ts";
import { TABLE } from "../fold/skeleton.ts";
import { familyOf, parseAddress } from "../kube/address.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommittedChange, DriftRecord } from "../ledger/record.ts";
import { serviceOfComment } from "../kube/named_services.ts";
import { setPath } from "../nft/ruleset.ts";
import { endpointParts } from "../nft/text.ts";
import { type PacketChange, packetChanges } from "./packet_changes.ts";
import { type Cause, causeAt, commitOf, type CommitPlace, isDamage } from "./cause.ts";
import { recordsAbout } from "./log.ts";
import { type Lookup, NotRecorded, type Past, type PastState, stateAt, WrongPosition } from "./past.ts";
import { madeByAnother, pastAt } from "./recorded_rules.ts";
import type { Outcome, Packet, Trace } from "./trace.ts";
import { traceOf } from "./why.ts";

/** Whether one outcome of a packet is as it should be. */
export type Expectation = (outcome: Outcome) => boolean;

/** A packet, and the outcome that is expected for it. */
export interface PacketCondition {
  /** The first packet of a connection. */
  readonly packet: Packet;
  /**
   * The condition holds where any possible outcome of the packet is as expected. `same`: where all outcomes, their probabilities and the
   * Services are those at the good position; of several changes each one counts.
   */
  readonly expected: Expectation | Unchanged;
}

/** The expectation that nothing about the packet changes. */
export interface Unchanged {
  /** Distinguishes it from the other expectations. */
  readonly kind: "same";
}

/** A commit with which the packet started or stopped going where it should. */
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

/**
 * Parses `endpoint`, `refused`, `dropped`, `same`, or an endpoint's address with or without its port; else returns what is wrong with
 * `text`.
 */
export function parseExpectation(
  { destination: frontend, port: frontendPort }: Packet,
  text: string,
): Expectation | Unchanged | string {
  switch (text) {
    case "same":
      return { kind: "same" };
    case "endpoint":
      return ({ kind, destination, port }) =>
        kind === "deliver" && (destination !== frontend || port !== frontendPort);
    case "refused":
      return ({ kind }) => kind === "tcp-reset" || kind === "port-unreachable";
    case "dropped":
      return ({ kind }) => kind === "drop";
  }
  const parts = parseAddress(text) === undefined ? endpointParts(text) : undefined;
  const address = parseAddress(parts?.address ?? text);
  if (address !== undefined) {
    return ({ kind, destination, port }) =>
      kind === "deliver" && destination === address && (parts === undefined || String(port) === parts.port);
  }
  return `${text}: it must be endpoint, refused, dropped, same, or an endpoint as ADDRESS or ADDRESS:PORT`;
}

/**
 * The first commit after `good` with which the packet stops going where it should. `known`: the state at `good`, where the caller has
 * made it and uses it no more. Throws {@link WrongPosition}.
 */
export function bisectPacket(
  past: Past,
  good: number,
  bad: number,
  condition: PacketCondition,
  known?: PastState,
): BisectAnswer {
  assertInOrder(good, bad);
  const begin = pastAt(past, good, known);
  const bounds = boundsOf(past, begin, bad, condition);
  if (bounds !== undefined) return bounds;
  for (const flip of flipsFrom(past, good, bad, condition, begin)) {
    if (flip.holds) continue;
    assertRecorded(past, condition, good, begin.lookup(flip.commit.offset)!, flip.holds);
    return { kind: "found", flip };
  }
  return { kind: "not committed" };
}

/**
 * As {@link bisectPacket} from the state `begin` at `good`, and again where retention removes what it reads: then from a state of its
 * own, because `begin` was used.
 */
export function bisectFrom(
  past: Past,
  begin: PastState,
  { good, bad }: { readonly good: number; readonly bad: number },
  condition: PacketCondition,
): BisectAnswer {
  let known: PastState | undefined = begin;
  return past.again(() => {
    const state = known;
    known = undefined;
    return bisectPacket(past, good, bad, condition, state);
  });
}

/** Every commit after `from`, up to `through`, with which the condition changes; `known` as above. Throws {@link WrongPosition}. */
export function* packetFlips(
  past: Past,
  from: number,
  through: number,
  condition: PacketCondition,
  known?: PastState,
): Generator<PacketFlip> {
  assertInOrder(from, through);
  yield* flipsFrom(past, from, through, condition, known ?? stateAt(past, from));
}

function* flipsFrom(
  past: Past,
  from: number,
  through: number,
  { packet, expected }: PacketCondition,
  begin: PastState,
): Generator<PacketFlip> {
  let first: unknown;
  const valueOf = (trace: Trace) => {
    const value = "kind" in expected ? meaningOf(trace) : trace.outcomes.some(expected);
    first ??= value;
    return value;
  };
  for (const { value, ...change } of packetChanges<unknown>(past, from, through, packet, valueOf, begin)) {
    yield flipOf(begin.lookup, packet, change, "kind" in expected ? value === first : value === true);
  }
}

/** Everything about a trace that an expectation of no change looks at: outcomes with their probability, and the Services met. */
function meaningOf({ outcomes, steps }: Trace): string {
  const services = steps.flatMap(({ found }) =>
    found.map(({ element }) => serviceOfComment(element.comment ?? ""))
  );
  return JSON.stringify([outcomes, [...new Set(services)].sort()]);
}

function assertInOrder(good: number, bad: number): void {
  if (good >= bad) throw new WrongPosition(`@${good} is not before @${bad}: GOOD comes before BAD`);
}

/** Undefined where the good position is good and the bad one is bad. */
function boundsOf(
  past: Past,
  good: PastState,
  bad: number,
  { packet, expected }: PacketCondition,
): NotBounded | undefined {
  const before = traceOf(good, packet);
  const meets = meeting(expected, before);
  const after = traceOf(pastAt(past, bad), packet);
  const [isGood, isBad] = [meets(before), !meets(after)];
  if (isGood && isBad) return undefined;
  return {
    kind: "not bounded",
    ...(isGood ? {} : { good: before.outcomes }),
    ...(isBad ? {} : { bad: after.outcomes }),
    drift: [...driftBetween(past, good.state.folded, bad)],
  };
}

/** Whether a trace is as expected; `good` is the one at the good position. */
function meeting(expected: PacketCondition["expected"], good: Trace): (trace: Trace) => boolean {
  if (!("kind" in expected)) return ({ outcomes }) => outcomes.some(expected);
  const wanted = meaningOf(good);
  return (trace) => meaningOf(trace) === wanted;
}

function* driftBetween(past: Past, from: number, through: number): Generator<PlacedDrift> {
  for (const { offset, record } of recordsAbout(past, { kind: "drift" }, through)) {
    if (offset < from) return;
    if (record.kind === "drift") yield { offset, record };
  }
}

/** Throws {@link NotRecorded} where another version made rules at `commit` that led elsewhere than those of this version. */
function assertRecorded(
  past: Past,
  { packet, expected }: PacketCondition,
  good: number,
  { record: commit }: Placed,
  holds: boolean,
): void {
  if (commit.kind !== "commit") return;
  const earlier = commitOf(past.lookup(), commit.from - 1);
  if (isDamage(earlier)) throw earlier;
  if (commit.fold === FOLD_VERSION && (earlier === undefined || earlier.record.fold === FOLD_VERSION)) return;
  const [begin, end] = [pastAt(past, commit.from - 1), pastAt(past, commit.through)];
  const another = begin.recorded ?? end.recorded;
  if (another === undefined) return;
  const meets = meeting(expected, traceOf(pastAt(past, good), packet));
  if (meets(traceOf(end, packet)) !== holds) {
    throw new NotRecorded(`${madeByAnother(another)}, which led elsewhere: search on one side of it`);
  }
}

function flipOf(
  lookup: Lookup,
  packet: Packet,
  { commit, record, cause, before, after }: Omit<PacketChange<unknown>, "value">,
  holds: boolean,
): PacketFlip {
  const met = new Set([...elementsMet(packet, before), ...elementsMet(packet, after)]);
  return {
    holds,
    commit: { offset: commit, time: record.time, generation: record.generation },
    cause: causeAt(lookup, cause),
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
