// Makes a ledger of a recorded watch, with the clock of then: events have the times of the recording, and the commits that this
// version would have made follow them at these times. No kernel took them, which the first record says.

import { newEngine } from "../engine/engine.ts";
import { commitBatch, list, perform } from "../engine/executor.ts";
import type { Ports } from "../engine/ports.ts";
import { FakeKernel } from "../kernel/fake_kernel.ts";
import type { WatchEvent } from "../kube/objects.ts";
import type { ConfigRecord, LedgerRecord } from "../ledger/record.ts";
import type { LedgerWriter } from "../ledger/writer.ts";

/** Events of a recording whose times are at most this far apart are one commit, as a node gathers them. */
const TOGETHER_MILLISECONDS = 5;

/** What was made. */
export interface Imported {
  readonly events: number;
  readonly commits: number;
}

/** Writes `events`, in the order of their times, into `ledger`, which is empty. `name`: of the recording. */
export function importEvents(
  ledger: LedgerWriter,
  events: readonly WatchEvent[],
  config: ConfigRecord,
  name: string,
): Imported {
  const engine = newEngine();
  using kernel = new FakeKernel();
  let time = events[0]?.time ?? config.time;
  let commits = 0;
  const ports: Ports = {
    kernel,
    ledger,
    now: () => new Date(time).toISOString(),
    report: () => commits++,
    warn: () => {},
  };
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger, complete: true });
  perform(engine, ports, list(kernel));
  const append = (records: readonly LedgerRecord[]) =>
    perform(engine, ports, { kind: "appended", first: ledger.append(records), records });
  const reason = `imported from ${name}: this version worked out the commits, and no kernel took them`;
  append([{ kind: "gap", time, reason, records: 0 }, { ...config, time }]);
  for (const batch of together(events)) {
    time = batch.at(-1)!.time;
    append(batch.map((event): LedgerRecord => ({ kind: "event", ...event })));
    do commitBatch(engine, ports); while (engine.halving !== undefined);
  }
  return { events: events.length, commits };
}

/** Groups events of about the same time. */
function together(events: readonly WatchEvent[]): WatchEvent[][] {
  const batches: WatchEvent[][] = [];
  let until = -Infinity;
  for (const event of events) {
    const time = Date.parse(event.time);
    if (time > until) {
      batches.push([]);
      until = time + TOGETHER_MILLISECONDS;
    }
    batches.at(-1)!.push(event);
  }
  return batches;
}
