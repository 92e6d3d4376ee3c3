// The beginning of `run` and `record`: opens the ledger, folds its records, and makes the record of the configuration.

import { type EngineState, newEngine, stepEngine } from "../engine/engine.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { SERVICE_BOUNDS } from "../kube/bounds.ts";
import { type HashProof, newestSnapshot, type Snapshot } from "../ledger/snapshot.ts";
import { cutBehind, type CutTail, cutTail, straySnapshots } from "../ledger/cut.ts";
import { removeBehind, removeFiles } from "../ledger/cut_files.ts";
import { atOnce } from "../ledger/disk_work.ts";
import { segmentFirst, segmentNames } from "../ledger/format.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { readLedger } from "../ledger/reader.ts";
import { type ConfigRecord, type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { isLedgerDamage, LedgerDamage } from "../ledger/damage.ts";
import type { TornTail } from "../ledger/segment.ts";
import { endHalfAside, folderStorage, isUnfinishedFile, type Storage } from "../ledger/storage.ts";
import type { SyncPolicy } from "../ledger/disk_writer.ts";
import { LedgerWriter, type RecoveryOptions } from "../ledger/writer.ts";
import { type Continuation, continueBehind } from "./cut_ledger.ts";
import { log } from "./log.ts";
import { progress } from "./progress.ts";
import { setDamagedAside } from "./renew_ledger.ts";
import type { Settings } from "./config.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./program_version.ts";

/** The folder of the ledger. Throws {@link UsageError} where no flag or file names one. */
export function ledgerFolder(path: string | undefined): string {
  if (path !== undefined) return path;
  throw new UsageError(
    "--ledger DIR is missing: the folder to keep the ledger in (it is made when absent)",
  );
}

/** An open ledger, and the engine that has folded it. */
export interface Opened {
  readonly engine: EngineState;
  readonly ledger: LedgerWriter;
  /** Whether this ledger replaces a damaged one that had committed rules, and no rules were committed since. */
  readonly renewed: boolean;
}

/** How many records the engine gets at once while a ledger is read. */
const FOLDED_TOGETHER = 1000;

/** Opens the ledger and folds it. A damaged ledger is set aside, and a new one begins with the records that can be read. */
export function openForWriting(path: string, policy: SyncPolicy): Opened {
  const storage = folderStorage(path, true);
  endHalfAside(storage);
  try {
    return openWhole(storage, policy);
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    const { folder, records } = setDamagedAside(storage, error, new Date().toISOString());
    reportRenewal(error, `${path}/${folder}`, records);
    return openWhole(storage, policy);
  }
}

/** Opens and folds the ledger in `storage`. Throws LedgerDamage. */
function openWhole(storage: Storage, policy: SyncPolicy): Opened {
  const open = (options: RecoveryOptions) => new LedgerWriter(storage, { policy, ...options });
  const { engine, read, cut, unused } = foldWhole(storage, storage.path, foldBeginning(storage), open);
  // Now this process has the lock.
  atOnce(read.disk.attempt(removeFiles(read.disk.folder, unused)));
  const behind = cut !== undefined && goOnBehind(engine, read, cut);
  if (cut !== undefined) {
    read.sync();
    if (read.failure === undefined) atOnce(read.disk.attempt(removeBehind(read.disk.folder, cut.from)));
  }
  return { engine, ledger: read, renewed: behind || isRenewed(storage, engine) };
}

/** Logs that a damaged ledger was set aside in `folder`, and that a new one begins with `records`. */
export function reportRenewal(damage: LedgerDamage, folder: string, records: readonly LedgerRecord[]): void {
  const newer = damage.newerVersion !== undefined;
  log.error(`the ledger is ${newer ? "of a newer program" : "damaged"}: ${damage.message}`);
  log.error(`it is set aside in ${folder}; a new one goes on with ${records.length - 1} records of it`);
}

/** Records the gap that a cut left. Returns whether rules were committed from what is missing, and from nothing before. */
export function goOnBehind(engine: EngineState, ledger: Ledger, cut: CutLedger): boolean {
  const { records, committed } = cut;
  log.error(`the end of the ledger was cut off: ${cut.text}; it goes on with a record of the gap`);
  stepEngine(engine, { kind: "appended", first: ledger.append(records), records });
  return committed && engine.cluster.committed === undefined;
}

/** Whether the ledger replaces a damaged one that had committed rules, and no rules were committed since. */
export function isRenewed(storage: Storage, { cluster }: EngineState): boolean {
  if (cluster.committed !== undefined) return false;
  const [first] = readLedger(storage);
  return replacesRules(first?.record);
}

/** Whether `record` begins a ledger that replaces a damaged one with committed rules. */
export function replacesRules(record: LedgerRecord | undefined): boolean {
  return record?.kind === "gap" && record.salvaged?.committed === true;
}

/** A ledger whose end was cut off, and how it goes on. */
export type CutLedger = CutTail & Continuation;

/** A ledger that was folded. */
export interface FoldedLedger<T> {
  readonly engine: EngineState;
  /** What `open` returned. */
  readonly read: T;
  /** Where its end was cut off. */
  readonly cut: CutLedger | undefined;
  /** Files that no start needs: the writer removes them. */
  readonly unused: readonly string[];
}

/** What a fold begins with. */
export interface FoldBeginning {
  /** Where the end of the ledger was cut off, as its snapshots show. */
  readonly lost: CutTail | undefined;
  /** Snapshots that are of no use. */
  readonly strays: readonly string[];
  /** The newest whole one. */
  readonly snapshot: Snapshot<SnapshotLine> | undefined;
}

/** Reads what a fold begins with, which takes a third of its time. */
export function foldBeginning(storage: Storage, prove?: HashProof): FoldBeginning {
  const lost = cutTail(storage, "snapshots");
  const strays = straySnapshots(storage);
  return { lost, strays, snapshot: newestSnapshot(storage, lost?.from, snapshotMisfit, strays, prove) };
}

/** Folds a ledger: the snapshot, then the records after it, some at a time. `open` reads these records. */
export function foldWhole<T extends { readonly torn: TornTail | undefined; readonly next: number }>(
  storage: Storage,
  path: string,
  { lost, strays, snapshot }: FoldBeginning,
  open: (options: RecoveryOptions) => T,
): FoldedLedger<T> {
  if (snapshot === undefined) requireBeginning(storage);
  const engine = newEngine(snapshot && restoredState(snapshot.lines));
  const counted = progress("records read from the ledger");
  let waiting: LedgerRecord[] = [];
  let first = 0;
  const fold = () => {
    if (waiting.length > 0) {
      stepEngine(engine, { kind: "appended", first: offsetOf(first), records: waiting });
    }
    first += waiting.length;
    waiting = [];
    counted(first);
  };
  const read = open({
    ...(snapshot === undefined ? {} : { behind: snapshot }),
    onRecord(offset, record) {
      if (waiting.length === 0) first = offset;
      if (waiting.push(record) >= FOLDED_TOGETHER) fold();
    },
  });
  fold();
  const unused = [...strays, ...storage.names().filter(isUnfinishedFile)];
  const cut = lost ?? cutBehind(storage, read.next);
  const goesOn = cut &&
    { ...cut, ...continueBehind(storage, cut, engine.cluster, new Date().toISOString()) };
  if (read.torn !== undefined) {
    const { file, keep, lostBytes, reason } = read.torn;
    log.warn(`${path}/${file}: cut ${lostBytes} bytes of an unfinished write at byte ${keep} (${reason})`);
  }
  return { engine, read, cut: goesOn, unused };
}

/** Throws LedgerDamage where the past was removed and no whole snapshot of it is left: the state would not be complete. */
function requireBeginning(storage: Storage): void {
  const [name] = segmentNames(storage);
  const first = name === undefined ? 0 : segmentFirst(name)!;
  if (first === 0) return;
  throw new LedgerDamage(
    name!,
    1,
    0,
    `what was before @${first} is not kept, and no snapshot of it is whole`,
  );
}

/** The record of the configuration: a ledger begins with one, and gets another when the configuration changes. */
export function configRecord({ node, proxy }: Pick<Settings, "node" | "proxy">): ConfigRecord {
  return { kind: "config", time: new Date().toISOString(), version: VERSION, nodeName: node, proxy };
}

/** The record of the configuration that `run` appends. */
export function boundedConfig(settings: Pick<Settings, "node" | "proxy">): ConfigRecord {
  return { ...configRecord(settings), bounds: SERVICE_BOUNDS };
}
