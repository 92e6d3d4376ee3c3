// `ledgerproxy run --dry-run`: what would be written, as nft text. Touches neither the kernel nor the ledger.

import { newEngine, stepEngine } from "../engine/engine.ts";
import { nodeStatus } from "../fold/own_node.ts";
import type { Source } from "../ingest/source.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import { assembled } from "../nft/objects.ts";
import { rulesetText } from "../nft/text.ts";
import { log } from "./log.ts";

/** Writes the ruleset for everything `source` tells to stdout. `config` stands for the record a real run would begin with. */
export async function dryRun(source: Source, config: LedgerRecord): Promise<number> {
  const engine = newEngine();
  const append = (records: readonly LedgerRecord[]) =>
    stepEngine(engine, { kind: "appended", first: (engine.appendedOffset + 1) as Offset, records });
  append([config]);
  for await (const batch of source.batches(new AbortController().signal)) {
    for (const effect of stepEngine(engine, { kind: "batch", batch })) {
      const after = effect.kind === "append" ? append(effect.records) : [effect];
      for (const told of after) if (told.kind === "warn") log.warn(told.text);
    }
  }
  const { text } = nodeStatus(engine.cluster, engine.synced);
  if (text !== "") log.warn(text);
  const { tables, desired } = engine.cluster;
  await Deno.stdout.write(new TextEncoder().encode(rulesetText(assembled({ tables, elements: desired }))));
  return 0;
}
