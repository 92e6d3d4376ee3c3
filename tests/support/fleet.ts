// The ledgers of 50 nodes that follow one cluster, each with its own delays. Some nodes are cut off or restarted, and other
// programs change the tables of some.

import { commitBatch } from "../../src/engine/executor.ts";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { DriftRecord, EventRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { appears, service, slice } from "./cluster_notation.ts";
import { EngineProcess } from "./engine_process.ts";

const NODES = 50;
const EVENTS = 120;
const START = Date.parse("2026-11-23T03:00:00Z");
const SECOND = 1000;
const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };

/** The known answers about a node. */
export interface Node {
  readonly name: string;
  /** When each event's rules were in the kernel, in milliseconds since 1970; absent: never. */
  readonly committed: ReadonlyMap<number, number>;
  /** Milliseconds from the arrival of an event to its rules. */
  readonly commitMilliseconds: number;
  /** How often each other program changed its tables. */
  readonly drift: ReadonlyMap<string, number>;
  readonly lastRecord: number;
}

/** `EndpointSlice shop/web-a` has this resourceVersion after event `i`. */
export function versionOf(i: number): string {
  return String(5000 + i);
}

/** Writes a ledger for each node into `folder/NODE`; every second one is compressed in part. */
export function writeFleet(folder: string): Node[] {
  return Array.from({ length: NODES }, (_, i) => writeNode(folder, i));
}

function writeNode(folder: string, i: number): Node {
  const name = `node-${String(i).padStart(2, "0")}`;
  const arrivalMilliseconds = 5 + (i * 37) % 400;
  const commitMilliseconds = 1 + (i * 13) % 60;
  // Every tenth node is cut off from the API server in the middle, for ever.
  const events = i % 10 === 9 ? EVENTS / 2 : EVENTS;
  let milliseconds = START;
  using kernel = new FakeKernel();
  const now = () => new Date(milliseconds).toISOString();
  const storage = folderStorage(`${folder}/${name}`, true);
  const committed = new Map<number, number>();
  const drift = new Map<string, number>();
  using running = new EngineProcess(kernel, storage, { complete: true, now });
  const { engine, ledger } = running;
  for (let event = 0; event < events; event++) {
    milliseconds = START + event * SECOND + arrivalMilliseconds;
    const made = eventOf(event);
    const records: EventRecord[] = [{ ...made, time: now(), resourceVersion: versionOf(event) }];
    running.append(records);
    milliseconds += commitMilliseconds;
    commitBatch(engine, running.ports);
    committed.set(event, milliseconds);
    if (i % 7 === 3 && event % 50 === 20) {
      const process = i % 2 === 0 ? "nft" : "firewalld";
      ledger.append([driftBy(process, now())]);
      drift.set(process, (drift.get(process) ?? 0) + 1);
    }
    if (i % 2 === 0 && event === EVENTS / 3) writeSnapshot(ledger, snapshotLines(engine.cluster), KEEP_ALL);
  }
  return { name, committed, commitMilliseconds, drift, lastRecord: milliseconds };
}

function eventOf(event: number): EventRecord {
  if (event === 0) return appears(service("shop/web 10.96.0.1 http:80/tcp"));
  return appears(slice(`shop/web-a http:8080/tcp 10.244.0.1 10.244.1.${event}`));
}

function driftBy(process: string, time: string): DriftRecord {
  return { kind: "drift", time, process, pid: 4711, changes: ["delete element"], response: "put back" };
}
