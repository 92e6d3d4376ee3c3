// How fast a ledger is made, replayed and asked, at the size that a busy node gathers.
//
//   deno task bench:history [EVENTS]

import { newEngine } from "../../src/engine/engine.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { commitBatch, list, perform, type Ports } from "../../src/engine/run_loop.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { SNAPSHOT_TAIL_BYTES } from "../../src/limits.ts";
import { progress } from "../../src/cli/progress.ts";
import { service, slice } from "../support/cluster_notation.ts";

const SERVICES = 2000;
/** Events that arrive while one commit runs. */
const EVENTS_A_SYNC = 4;
const KEEP = { bytes: Infinity, milliseconds: Infinity };

if (import.meta.main) {
  const [events = "1000000", folder = Deno.makeTempDirSync()] = Deno.args;
  makeLedger(folder, Number(events));
}

/** A ledger of `events` changes of endpoints, from the engine, in `folder`. */
export function makeLedger(folder: string, events: number): void {
  const engine = newEngine();
  const kernel = new FakeKernel();
  using ledger = new LedgerWriter(folderStorage(folder, true), { policy: "never" });
  let seconds = Date.parse("2026-11-01T00:00:00Z") / 1000;
  const ports: Ports = {
    kernel,
    ledger,
    now: () => new Date(seconds * 1000).toISOString(),
    report: () => {},
    warn: () => {},
  };
  const told = progress("events written");
  perform(engine, ports, { kind: "opened", ledger: ledger.ledger });
  perform(engine, ports, list(kernel));
  const sync = (objects: readonly KubeObject[]) => {
    seconds++;
    perform(engine, ports, {
      kind: "batch",
      batch: { kind: "list", objects, complete: false, time: ports.now(), problems: [] },
    });
    commitBatch(engine, ports);
    if (ledger.tailBytes > SNAPSHOT_TAIL_BYTES) ledger.snapshot(snapshotLines(engine.cluster), KEEP, 0);
  };
  sync(
    Array.from({ length: SERVICES }, (_, i) => [
      service(`shop/s${i} 10.96.${i >> 8}.${i & 255} http:80/tcp`),
      endpoints(i, 0),
    ]).flat(),
  );
  for (let event = 2 * SERVICES; event < events; event += EVENTS_A_SYNC) {
    sync(Array.from({ length: EVENTS_A_SYNC }, (_, i) => endpoints((event + i) * 7919 % SERVICES, event)));
    told(event);
  }
}

function endpoints(service: number, moment: number): KubeObject {
  const [high, low] = [(moment >> 8) & 255, moment & 255];
  return slice(
    `shop/s${service}-a http:8080/tcp 10.${128 + (service >> 8)}.0.${service & 255} 10.${
      160 + (moment >> 16)
    }.${high}.${low}`,
  );
}
