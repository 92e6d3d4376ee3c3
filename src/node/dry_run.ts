// `ledgerproxy run --dry-run`: prints the rules that would be committed, as nft text. It touches neither kernel nor ledger.

import { EXIT } from "./exit_code.ts";
import { newEngine, stepEngine } from "../engine/engine.ts";
import { nodeStatus } from "../fold/own_node.ts";
import type { Source } from "../ingest/source.ts";
import { type LedgerRecord, offsetOf } from "../ledger/record.ts";
import { loadableText } from "../fold/ruleset_at.ts";
import { log } from "./log.ts";

/** Prints the ruleset for everything that `source` lists. `config` is the record that a real run would begin with. */
export async function dryRun(source: Source, config: LedgerRecord): Promise<number> {
  const engine = newEngine();
  const append = (records: readonly LedgerRecord[]) =>
    stepEngine(engine, { kind: "appended", first: offsetOf(engine.appendedOffset + 1), records });
  append([config]);
  for await (const batch of source.batches(new AbortController().signal)) {
    for (const effect of stepEngine(engine, { kind: "batch", batch })) {
      const after = effect.kind === "append" ? append(effect.records) : [effect];
      for (const one of after) if (one.kind === "warn") log.warn(one.text);
    }
  }
  // The rules depend on the own Node, so a wrong --node is worth a warning here too.
  const { text } = nodeStatus(engine.cluster, engine.synced);
  if (text !== "") log.warn(text);
  await print(loadableText(engine.cluster));
  return EXIT.done;
}

/** Writes all of `text` to standard output; a reader that has ended, such as `head`, needs no more. */
async function print(text: string): Promise<void> {
  try {
    await new Blob([text]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
