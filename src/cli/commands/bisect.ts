// `ledgerproxy bisect GOOD BAD SRC DST:PORT/PROTO`: with which commit, and by which event, a packet stopped to go where it
// should.

import { printLines } from "../terminal.ts";
import { printJson } from "../json_schema.ts";
import { TABLE } from "../../fold/skeleton.ts";
import { setPath } from "../../nft/ruleset.ts";
import type { ClusterState } from "../../fold/cluster_state.ts";
import { bisect, type Flip, flips, type Past } from "../../history/bisect.ts";
import type { Outcome, Packet, Trace } from "../../history/trace.ts";
import { familyOf, parseAddress } from "../../kube/address.ts";
import { readBackward, recordLookup } from "../../ledger/reader.ts";
import type { DriftRecord } from "../../ledger/record.ts";
import type { Storage } from "../../ledger/storage.ts";
import { segmentTerms } from "../../ledger/terms.ts";
import { changeLine, localTime } from "../history_text.ts";
import { beliefAt, causeAt, causeText, existingLedger, offsetAt } from "../ledger_history.ts";
import { log } from "../../node/log.ts";
import { outcomeText } from "../../history/packet_words.ts";
import { parsePacket, traceAt } from "../packet.ts";
import type { PositionArgument } from "../position_argument.ts";
import { printable } from "../../printable.ts";
import { UsageError } from "../../node/usage_error.ts";

/** Flags of `bisect`. */
export interface BisectOptions {
  readonly ledger: string;
  /** What should become of the packet: `endpoint`, an address, `refused` or `dropped`. */
  readonly expect: string;
  readonly interface?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** What is searched for, and where. */
interface Search {
  readonly storage: Storage;
  readonly past: Past;
  readonly packet: Packet;
  readonly holds: (state: ClusterState) => boolean;
}

/** Prints the first commit that ends the expectation, or with `all` each that changes it; returns 1 where there is none. */
export function bisectCommand(
  good: PositionArgument,
  bad: PositionArgument,
  source: string,
  target: string,
  options: BisectOptions,
): number {
  const storage = existingLedger(options.ledger);
  const packet = parsePacket(source, target, options.interface);
  const expected = expectation(packet, options.expect);
  const search: Search = {
    storage,
    past: { record: recordLookup(storage), stateAt: (offset) => beliefAt(storage, offset).state },
    packet,
    holds: (state) => traceAt(state, packet).outcomes.some(expected),
  };
  const [from, through] = [offsetAt(storage, good), offsetAt(storage, bad)];
  if (from >= through) throw new UsageError(`@${from} is not before @${through}: GOOD comes before BAD`);
  const print = (flip: Flip) => printFlip(search, flip, options.json === true);
  if (options.all) return printAll(search, from, through, print);
  if (!heldAsSaid(search, from, through, options.expect)) return 1;
  const flip = bisect(search.past, from, through, search.holds);
  if (flip === undefined) log.error(`what ends it was not committed up to @${through}`);
  else print(flip);
  return flip === undefined ? 1 : 0;
}

function printAll(
  { past, holds }: Search,
  from: number,
  through: number,
  print: (flip: Flip) => void,
): number {
  let found = 0;
  for (const flip of flips(past, from, through, holds)) {
    print(flip);
    found++;
  }
  if (found === 0) log.info(`from @${from} to @${through} nothing changes for this packet`);
  return found === 0 ? 1 : 0;
}

/** Says so where GOOD is not good or BAD is not bad: then others than the API server may be the cause. */
function heldAsSaid(
  { storage, past, packet, holds }: Search,
  good: number,
  bad: number,
  expect: string,
): boolean {
  const [before, after] = [past.stateAt(good), past.stateAt(bad)];
  const told = (state: ClusterState) =>
    traceAt(state, packet).outcomes.map((outcome) => outcomeText(packet, outcome)).join(", ");
  if (!holds(before)) log.error(`GOOD, @${good}, is not as expected (--expect ${expect}): ${told(before)}`);
  if (holds(after)) log.error(`BAD, @${bad}, is as expected (--expect ${expect}): ${told(after)}`);
  if (holds(before) && !holds(after)) return true;
  for (const { offset, record } of driftBetween(storage, good, bad)) {
    const { process, pid, changes, response, time } = record;
    const who = `${process || "somebody"} (process ${pid})`;
    log.error(
      printable(
        `but our tables were changed: @${offset} ${localTime(time)} ${who}: ${
          changes.join(", ")
        }; ${response}`,
      ),
    );
  }
  return false;
}

/** Newest first. */
function* driftBetween(
  storage: Storage,
  from: number,
  through: number,
): Generator<{ readonly offset: number; readonly record: DriftRecord }> {
  const canHold = (segment: string) => segmentTerms(storage, segment).terms.has("kind drift");
  for (const { offset, record } of readBackward(storage, canHold)) {
    if (offset < from) return;
    if (offset <= through && record.kind === "drift") yield { offset, record };
  }
}

function expectation(packet: Packet, expect: string): (outcome: Outcome) => boolean {
  switch (expect) {
    case "endpoint":
      return ({ kind, destination, port }) =>
        kind === "deliver" && (destination !== packet.destination || port !== packet.port);
    case "refused":
      return ({ kind }) => kind === "tcp-reset" || kind === "port-unreachable";
    case "dropped":
      return ({ kind }) => kind === "drop";
  }
  const address = parseAddress(expect);
  if (address !== null) return ({ kind, destination }) => kind === "deliver" && destination === address;
  throw new UsageError(
    `--expect ${expect}: it must be endpoint, refused, dropped, or the address of an endpoint`,
  );
}

/** Elements that the packet meets, by path and key. */
function metBy({ destination }: Packet, { steps }: Trace): string[] {
  return steps.flatMap(({ found }) =>
    found.map(({ set, element }) => `${setPath(familyOf(destination), TABLE, set)} ${element.key}`)
  );
}

function printFlip({ past, packet }: Search, flip: Flip, json: boolean): void {
  const { commit, record, holds } = flip;
  const cause = causeAt(past.record, flip.cause);
  const traces = [record.from - 1, record.through].map((offset) => traceAt(past.stateAt(offset), packet));
  const [before, after] = traces.map(({ outcomes }) => outcomes) as [Outcome[], Outcome[]];
  const met = new Set(traces.flatMap((trace) => metBy(packet, trace)));
  const changes = record.changes.filter(({ cause, set, key }) =>
    cause === flip.cause && met.has(`${set} ${key}`)
  );
  if (json) {
    const { time, generation } = record;
    const place = { offset: commit, time, generation };
    printJson("bisect/1", { holds, commit: place, cause, changes, before, after });
    return;
  }
  const listed = (name: string, outcomes: readonly Outcome[]) => [
    `  ${name}`,
    ...outcomes.map((outcome) => `    ${outcomeText(packet, outcome)}`),
  ];
  const lines = [
    `${holds ? "good again" : "the first bad commit is"} @${commit}  ${localTime(record.time)}`,
    `  ${causeText(cause)}`,
    ...changes.map((change) => `    ${changeLine(change)}`),
    ...listed("before", before),
    ...listed("after", after),
  ];
  printLines(lines);
}
