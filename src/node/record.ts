// Writes what happens in a cluster into a ledger, on any machine that reaches the API server. It touches no rules.

import { isConfigured } from "../fold/cluster_state.ts";
import { countText } from "../count_text.ts";
import { EXIT } from "./exit_code.ts";
import { type EngineState, stepEngine } from "../engine/engine.ts";
import type { Source, SourceBatch } from "../ingest/source.ts";
import type { LedgerRecord } from "../ledger/record.ts";
import type { SyncPolicy } from "../ledger/disk_writer.ts";
import type { LedgerWriter } from "../ledger/writer.ts";
import { log, startNodeLog } from "./log.ts";
import { progress } from "./progress.ts";
import { type ConfigOptions, settings } from "./config.ts";
import { checkedSource } from "./checked_source.ts";
import { apiClient, openSource } from "./sources.ts";
import { configRecord, ledgerFolder, openForWriting } from "./start.ts";
import { stopSignal } from "./stop_signal.ts";

/** Flags of `record`. */
export interface RecordOptions extends ConfigOptions {
  readonly speed?: number;
  readonly once?: boolean;
  readonly allowEmpty?: boolean;
  readonly fsync?: SyncPolicy;
}

/** How often the ledger is made durable. */
const SYNC_MILLISECONDS = 1000;

/** Records until the source ends or SIGTERM arrives; returns the exit code. Throws LedgerUnwritten. */
export async function record(options: RecordOptions): Promise<number> {
  startNodeLog();
  const inForce = settings(options);
  const source = openSource({ ...options, ...inForce }, options.once === true, apiClient(inForce));
  const folder = ledgerFolder(inForce.ledger);
  const { signal } = stopSignal();
  const opened = openForWriting(folder, options.fsync ?? "interval");
  const { engine } = opened;
  using ledger = opened.ledger;
  const config = configRecord(inForce);
  if (ledger.next === 0 || !isConfigured(engine.cluster, config)) append(engine, ledger, [config]);
  log.info(`recording ${source.description} into ${folder} from @${ledger.next}`);
  const counted = progress("records written");
  let failing: string | undefined;
  const timer = setInterval(() => {
    ledger.sync();
    const reason = ledger.failure?.reason;
    if (reason === failing) return;
    failing = reason;
    if (reason === undefined) log.info("the ledger is written again: nothing is missing");
    else log.error(`the ledger cannot be written: ${reason}; records wait in memory`);
  }, SYNC_MILLISECONDS);
  const checked = inForce.source === undefined
    ? source
    : checkedSource(source, () => engine.cluster.objects, options);
  try {
    for await (const batch of checked.batches(signal)) {
      take(engine, ledger, batch, source);
      counted(ledger.next);
    }
  } finally {
    clearInterval(timer);
    ledger.sync();
  }
  ledger.finish();
  log.info(
    `recorded ${countText(engine.cluster.services.size, "Service")}; the ledger ends at @${ledger.next - 1}`,
  );
  return EXIT.done;
}

/** Gives a batch to the engine, and appends the records that it returns. */
function take(engine: EngineState, ledger: LedgerWriter, batch: SourceBatch, source: Source): void {
  for (const effect of stepEngine(engine, { kind: "batch", batch })) {
    if (effect.kind === "append") append(engine, ledger, effect.records);
    else if (effect.kind === "confirm") source.confirm?.(effect.resource, effect.why);
    else if (effect.kind === "warn") log.warn(effect.text);
  }
}

/** Appends records and folds them. The engine needs the state to see which objects a list deletes. */
function append(engine: EngineState, ledger: LedgerWriter, records: readonly LedgerRecord[]): void {
  const first = ledger.append(records);
  for (const effect of stepEngine(engine, { kind: "appended", first, records })) {
    if (effect.kind === "warn") log.warn(effect.text);
  }
}
