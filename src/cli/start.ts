// What `run` and `record` begin with: the ledger, what it already holds, and the record of how we are set up.

import { type EngineState, step } from "../engine/engine.ts";
import type { ConfigRecord } from "../ledger/record.ts";
import { folderStorage } from "../ledger/storage.ts";
import { LedgerWriter } from "../ledger/writer.ts";
import { log } from "./log.ts";
import { progress } from "./progress.ts";
import type { Settings } from "./config.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";

/** The folder of the ledger. Throws {@link UsageError} when none is named. */
export function ledgerFolder(path: string | undefined): string {
  if (path !== undefined) return path;
  throw new UsageError(
    "--ledger DIR is missing: the folder to keep the ledger in (it is made when absent)",
  );
}

/** Opens the ledger and folds what it holds. */
export function openLedger(path: string, engine: EngineState): LedgerWriter {
  const told = progress("records read from the ledger");
  const ledger = new LedgerWriter(folderStorage(path, true), {
    policy: "interval",
    onRecord(offset, record) {
      step(engine, { kind: "appended", first: offset, records: [record] });
      told(offset + 1);
    },
  });
  if (ledger.torn !== undefined) {
    const { file, keep, lostBytes, reason } = ledger.torn;
    log.warn(`${path}/${file}: cut ${lostBytes} bytes of an unfinished write at byte ${keep} (${reason})`);
  }
  return ledger;
}

/** The record that a ledger begins with, and that tells it of a change. */
export function configRecord({ node, proxy }: Pick<Settings, "node" | "proxy">): ConfigRecord {
  return { kind: "config", time: new Date().toISOString(), version: VERSION, nodeName: node, proxy };
}

/** Whether the ledger ends with the configuration of `config`. */
export function isConfigured({ cluster }: EngineState, { nodeName, proxy }: ConfigRecord): boolean {
  return cluster.node.name === nodeName && JSON.stringify(cluster.config) === JSON.stringify(proxy);
}

/** Aborts when the process is asked to stop; the batch in hand is finished first. */
export function stopSignal(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.abort());
  return stop;
}
