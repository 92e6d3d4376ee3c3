// Decides what the program hands to the writer of its ledger, and what it does while the disk is slow, fails or ends:
// stepHandoff(state, input, now) -> effects. Rules never wait long for the disk. Records that it has not written wait in memory
// up to a bound; further ones are left out and counted. Once the ledger can go on, it is opened again with a gap record.

import {
  DURABLE_WAIT_MILLISECONDS,
  HANDOFF_LATE_MILLISECONDS,
  TURN_MILLISECONDS_MAX,
  UNWRITTEN_BYTES_MAX,
  WRITTEN_WAIT_MILLISECONDS,
} from "../limits/ledger.ts";
import type { SyncPolicy } from "./disk_writer.ts";
import type { LedgerFailure } from "./ledger.ts";
import type { LedgerRecord } from "./record.ts";
import type { RecordEncoder } from "./record_encoder.ts";
import type { DiskRequest } from "./disk_messages.ts";

/** A sync that was not answered is asked for again after so many milliseconds. */
const SYNC_AGAIN_MILLISECONDS = 30_000;

/**
 * Where every record is durable, a sync is only a look at the files, which other programs may have removed: a call for each of three
 * files on other threads, so it is made this seldom.
 */
const LOOK_MILLISECONDS = 10_000;

/** How far the disk has come. */
export interface WrittenSoFar {
  /** Offset after the last record that is in a file. */
  readonly written: number;
  /** Offset after the last record that is durable. */
  readonly durable: number;
  /** Bytes of all lines that are in files. */
  readonly bytes: number;
}

/** Changed in place by {@link stepHandoff} alone. Times are milliseconds of a clock that never goes back, less those in `blocked`. */
export interface HandoffState {
  readonly encoder: RecordEncoder;
  readonly policy: SyncPolicy;
  /** Bytes that may wait in memory. */
  readonly waitingMax: number;
  progress: WrittenSoFar;
  /** Bytes of all lines that were handed over. */
  handedBytes: number;
  /** Bytes that were handed over before this turn of the loop. */
  handedBefore: number;
  /** The largest turn of those that the disk has not written: its bytes, and all bytes to its end. */
  burst: { readonly bytes: number; readonly end: number };
  /** When this turn began, or the first record was handed over; undefined before both. */
  turnAt: number | undefined;
  /** For how long the loop did not turn: many calls of the disk answer through the loop, so that is no time of the disk. */
  blocked: number;
  /** Records that were left out since the last one that was handed over. */
  leftOut: number;
  /** Bytes that a start would have to read after the newest snapshot. */
  tailBytes: number;
  /** Whether rules wait for the disk: not once it was late, until it has caught up. */
  prompt: boolean;
  /** Since when records wait for the disk. */
  waitingSince: number | undefined;
  /** Since when a sync waits for the disk, and what it is to make durable. */
  syncing: { readonly since: number; readonly askedAt: number; readonly next: number } | undefined;
  /** When a sync was asked for last. */
  syncedAt: number;
  /** Why the disk refuses records. */
  reason: string | undefined;
  /** Why the session ended. */
  lost: string | undefined;
  /** Why the next session cannot begin. */
  refused: string | undefined;
  /** Whether the ledger was asked to be opened again. */
  reopening: boolean;
}

/** What happened. */
export type HandoffInput =
  /** The loop has turned, and takes a batch. */
  | { readonly kind: "turn" }
  /** Records are to be appended. */
  | { readonly kind: "append"; readonly records: readonly LedgerRecord[] }
  /** Rules are about to follow the records so far. */
  | { readonly kind: "await-written" }
  /** The effect `wait` is done; `late`: the disk did not come so far in time. */
  | { readonly kind: "waited"; readonly late: boolean }
  /** Records are to be made durable, and the files are to be looked at from time to time. */
  | { readonly kind: "sync" }
  /** The counters were read. */
  | { readonly kind: "progress"; readonly progress: WrittenSoFar }
  /** It was reported that the disk refuses records; without a reason it takes them again. */
  | { readonly kind: "disk"; readonly reason: string | undefined }
  /** The writer failed, or the folder is another one. */
  | { readonly kind: "lost"; readonly reason: string }
  /** The ledger was to be opened again, and cannot be. */
  | { readonly kind: "refused"; readonly reason: string }
  /** A snapshot was handed over. */
  | { readonly kind: "snapshot" };

/** What must be done, in order. */
export type HandoffEffect =
  /** Send a request. One that can wait goes with the next one, or after a moment: each write is a call on another thread. */
  | { readonly kind: "post"; readonly request: DiskRequest; readonly canWait?: boolean }
  /** Wait until the disk has written the records before `next`, or with `durable` has made them durable. */
  | { readonly kind: "wait"; readonly next: number; readonly durable: boolean; readonly milliseconds: number }
  /** Open the ledger again as soon as possible, and start the loop again from it. */
  | { readonly kind: "reopen" };

/** The state at the end of a ledger that was just opened. `tailBytes` follow its newest snapshot. */
export function newHandoff(
  encoder: RecordEncoder,
  policy: SyncPolicy,
  tailBytes: number,
  waitingMax = UNWRITTEN_BYTES_MAX,
): HandoffState {
  const { next } = encoder.end;
  return {
    encoder,
    policy,
    waitingMax,
    progress: { written: next, durable: 0, bytes: 0 },
    handedBytes: 0,
    handedBefore: 0,
    burst: { bytes: 0, end: 0 },
    turnAt: undefined,
    blocked: 0,
    leftOut: 0,
    tailBytes,
    prompt: true,
    waitingSince: undefined,
    syncing: undefined,
    syncedAt: -Infinity,
    reason: undefined,
    lost: undefined,
    refused: undefined,
    reopening: false,
  };
}

/** Offset of the next record. */
export function handoffNext({ encoder, leftOut }: HandoffState): number {
  return encoder.end.next + leftOut;
}

/** Records that the program has folded, and that are in no file. */
export function unwritten(state: HandoffState): number {
  return handoffNext(state) - state.progress.written;
}

/** Why records are not on the disk at `at`. */
export function handoffFailure(state: HandoffState, at: number): LedgerFailure | undefined {
  const records = unwritten(state);
  const now = timeOfDisk(state, at);
  const { lost, refused, leftOut, reason, waitingSince = now, syncing } = state;
  if (refused !== undefined) return { reason: refused, records };
  if (lost !== undefined) return { reason: lost, records };
  if (reason !== undefined) return { reason, records };
  const silent = now - Math.min(waitingSince, syncing?.since ?? now);
  if (silent > HANDOFF_LATE_MILLISECONDS) {
    return { reason: `the disk has not answered for ${Math.floor(silent / 1000)} s`, records };
  }
  return leftOut > 0 ? { reason: "the disk was too slow: records were left out", records } : undefined;
}

/** Applies one input to `state` and returns what must be done. */
export function stepHandoff(state: HandoffState, input: HandoffInput, at: number): HandoffEffect[] {
  const now = timeOfDisk(state, at);
  switch (input.kind) {
    case "turn":
      return beginTurn(state, at);
    case "append":
      return append(state, input.records, at);
    case "await-written":
      return awaitWritten(state);
    case "waited":
      state.prompt = !input.late;
      return [];
    case "sync":
      return sync(state, now);
    case "progress":
      return noteProgress(state, input.progress, now);
    case "disk":
      state.reason = input.reason;
      return resume(state);
    case "lost":
      state.lost ??= input.reason;
      return resume(state);
    case "refused":
      state.refused = input.reason;
      return [];
    case "snapshot":
      state.tailBytes = 0;
      return [];
  }
}

/** The time `at` without that for which the loop was blocked. */
function timeOfDisk({ turnAt, blocked }: HandoffState, at: number): number {
  return Math.min(at, turnAt === undefined ? at : turnAt + TURN_MILLISECONDS_MAX) - blocked;
}

function beginTurn(state: HandoffState, at: number): HandoffEffect[] {
  const { handedBytes, handedBefore, progress, burst, turnAt = at } = state;
  if (at - turnAt > TURN_MILLISECONDS_MAX) state.blocked += at - turnAt;
  state.turnAt = at;
  const bytes = handedBytes - handedBefore;
  if (bytes > burst.bytes || progress.bytes >= burst.end) state.burst = { bytes, end: handedBytes };
  state.handedBefore = handedBytes;
  return [];
}

/**
 * Whether more records wait than may. This is decided at the beginning of a turn, and the largest turn does not count: a list
 * comes in one piece, and of 30,000 Services has more bytes than may wait, before the disk had any time for them.
 */
function isFull({ handedBefore, progress, burst, waitingMax }: HandoffState): boolean {
  const spared = progress.bytes < burst.end ? burst.bytes : 0;
  return handedBefore - progress.bytes - spared > waitingMax;
}

function append(state: HandoffState, records: readonly LedgerRecord[], at: number): HandoffEffect[] {
  const { encoder } = state;
  // Once a record is left out, so are all that follow: the ledger has no holes.
  if (state.leftOut > 0 || state.lost !== undefined || isFull(state)) {
    state.leftOut += records.length;
    return [];
  }
  const first = encoder.end.next;
  const { lines, end } = encoder.encode(records);
  state.handedBytes += lines.length;
  state.tailBytes += lines.length;
  state.waitingSince ??= timeOfDisk(state, at);
  state.turnAt ??= at;
  // Rules follow inputs alone. The record of a commit is of what is in the kernel already.
  const canWait = records.every(({ kind }) => kind === "commit");
  return [{ kind: "post", request: { kind: "append", first, lines, end }, ...canWait && { canWait } }];
}

/** Whether rules wait for the disk at all. */
export function waitsForDisk({ prompt, lost, reason }: HandoffState): boolean {
  return prompt && lost === undefined && reason === undefined;
}

function awaitWritten(state: HandoffState): HandoffEffect[] {
  const { policy, progress, encoder } = state;
  const { next } = encoder.end;
  const durable = policy === "always";
  if (!waitsForDisk(state)) return [];
  if ((durable ? progress.durable : progress.written) >= next) return [];
  const milliseconds = durable ? DURABLE_WAIT_MILLISECONDS : WRITTEN_WAIT_MILLISECONDS;
  return [{ kind: "wait", next, durable, milliseconds }];
}

function sync(state: HandoffState, now: number): HandoffEffect[] {
  const { lost, syncing, reason, policy, progress, encoder } = state;
  // A disk that hangs needs no second message. One that fails does, and so does one that did not receive the first.
  const asked = syncing !== undefined && reason === undefined &&
    now - syncing.askedAt < SYNC_AGAIN_MILLISECONDS;
  if (lost !== undefined || asked) return [];
  const rests = progress.durable >= encoder.end.next && reason === undefined;
  if (rests && now - state.syncedAt < LOOK_MILLISECONDS) return [];
  state.syncedAt = now;
  const { next } = syncing ?? encoder.end;
  if (policy !== "never" && progress.durable < next) {
    state.syncing = { since: syncing?.since ?? now, askedAt: now, next };
  }
  return [{ kind: "post", request: { kind: "sync", next: encoder.end.next } }];
}

function noteProgress(state: HandoffState, progress: WrittenSoFar, now: number): HandoffEffect[] {
  const before = state.progress;
  state.progress = progress;
  const { written, durable } = progress;
  const caughtUp = written >= state.encoder.end.next;
  if (caughtUp) state.prompt = true;
  state.waitingSince = caughtUp ? undefined : written > before.written ? now : state.waitingSince ?? now;
  if (state.syncing !== undefined && durable >= state.syncing.next) state.syncing = undefined;
  return resume(state);
}

/** The ledger is opened again once it was lost, or once the disk has written all that it was handed before the gap. */
function resume(state: HandoffState): HandoffEffect[] {
  const { lost, leftOut, progress, encoder, reason } = state;
  const writable = leftOut > 0 && reason === undefined && progress.written >= encoder.end.next;
  if (state.reopening || (lost === undefined && !writable)) return [];
  state.reopening = true;
  return [{ kind: "reopen" }];
}
