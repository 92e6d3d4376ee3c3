// The beginning of `run` and `record`: opens the ledger, folds its records, and makes the record of the configuration.

import { type EngineState, newEngine, stepEngine } from "../engine/engine.ts";
import { restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import { snapshotMisfit } from "../fold/snapshot_shape.ts";
import { newestSnapshot } from "../ledger/snapshot.ts";
import { sameValue } from "../kube/equality.ts";
import { cutBehind, type CutTail, cutTail, straySnapshots } from "../ledger/cut.ts";
import { segmentFirst } from "../ledger/format.ts";
import { readLedger } from "../ledger/reader.ts";
import { type ConfigRecord, type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { isLedgerDamage, LedgerDamage } from "../ledger/damage.ts";
import { segmentNames } from "../ledger/segment.ts";
import { folderStorage, isUnfinishedFile, type Storage } from "../ledger/storage.ts";
import { LedgerWriter, type SyncPolicy } from "../ledger/writer.ts";
import { continueBehind, removeBehind } from "./cut_ledger.ts";
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
  try {
    const lost = cutTail(storage, "snapshots");
    const opened = openWhole(storage, path, policy, lost?.from);
    const cut = lost ?? cutBehind(storage, opened.ledger.next);
    const behind = cut === undefined ? false : goOnBehind(storage, opened, cut);
    return { ...opened, renewed: behind || isRenewed(storage, opened) };
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
    const { folder, records } = setDamagedAside(storage, error, new Date().toISOString());
    const newer = error.newerVersion !== undefined;
    log.error(`the ledger is ${newer ? "of a newer program" : "damaged"}: ${error.message}`);
    log.error(
      `it is set aside in ${path}/${folder}; a new one goes on with ${records.length - 1} records of it`,
    );
    const opened = openWhole(storage, path, policy);
    const first = opened.ledger.append(records);
    stepEngine(opened.engine, { kind: "appended", first, records });
    return { ...opened, renewed: replacesRules(records[0]) };
  }
}

/** Records the gap that a cut left. Returns whether rules were committed from what is missing, and from nothing before. */
function goOnBehind(
  storage: Storage,
  { engine, ledger }: Pick<Opened, "engine" | "ledger">,
  cut: CutTail,
): boolean {
  const { records, committed } = continueBehind(storage, cut, engine.cluster, new Date().toISOString());
  log.error(`the end of the ledger was cut off: ${cut.text}; it goes on with a record of the gap`);
  const first = ledger.append(records);
  stepEngine(engine, { kind: "appended", first, records });
  ledger.sync();
  if (ledger.failure === undefined) ledger.attempt(() => removeBehind(storage, cut));
  return committed && engine.cluster.committed === undefined;
}

/** Whether the ledger replaces a damaged one that had committed rules, and no rules were committed since. */
function isRenewed(storage: Storage, { engine }: Pick<Opened, "engine">): boolean {
  if (engine.cluster.committed !== undefined) return false;
  const [first] = readLedger(storage);
  return replacesRules(first?.record);
}

/** Whether `record` begins a ledger that replaces a damaged one with committed rules. */
function replacesRules(record: LedgerRecord | undefined): boolean {
  return record?.kind === "gap" && record.salvaged?.committed === true;
}

/**
 * Opens a ledger and folds it: the newest whole snapshot of what was before offset `end`, where one is given, then the records
 * after it, some at a time.
 */
function openWhole(
  storage: Storage,
  path: string,
  policy: SyncPolicy,
  end?: number,
): Pick<Opened, "engine" | "ledger"> {
  const strays = straySnapshots(storage);
  const snapshot = newestSnapshot<SnapshotLine>(storage, end, snapshotMisfit, strays);
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
  const ledger = new LedgerWriter(storage, {
    policy,
    ...(snapshot === undefined ? {} : { behind: snapshot }),
    onRecord(offset, record) {
      if (waiting.length === 0) first = offset;
      if (waiting.push(record) >= FOLDED_TOGETHER) fold();
    },
  });
  fold();
  // Now this process has the lock.
  ledger.attempt(() => {
    for (const name of [...strays, ...storage.names().filter(isUnfinishedFile)]) storage.remove(name);
  });
  if (ledger.torn !== undefined) {
    const { file, keep, lostBytes, reason } = ledger.torn;
    log.warn(`${path}/${file}: cut ${lostBytes} bytes of an unfinished write at byte ${keep} (${reason})`);
  }
  return { engine, ledger };
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

/** Whether the newest configuration in the ledger is that of `config`. */
export function isConfigured({ cluster }: EngineState, { nodeName, proxy, bounds }: ConfigRecord): boolean {
  return cluster.node.name === nodeName && sameValue(cluster.config, proxy) &&
    sameValue(cluster.bounds, bounds);
}

/** Aborts on SIGINT and SIGTERM. The loop finishes its present batch first. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());
  return stop;
}
