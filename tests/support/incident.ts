// Incidents for tests: the history of a small cluster, with rolling updates and one failure, made from a seed. The engine writes
// the ledger; only the generator and the test have the truth about the failure.

import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { EndpointSlice, KubeObject } from "../../src/kube/objects.ts";
import { TRIGGER } from "../../src/kube/objects.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { appears, service, slice, vanishes } from "./cluster_notation.ts";
import { EngineProcess } from "./engine_process.ts";

export const INCIDENTS = [
  "wrong selector",
  "missing slice",
  "late watch",
  "foreign flush",
  "crash loop",
] as const;

/** The failure. No tool under test reads this. */
export interface Truth {
  readonly kind: (typeof INCIDENTS)[number];
  /** `namespace/name` and cluster IP of the Service that fails. */
  readonly service: string;
  readonly clusterIP: string;
  /** An endpoint from before the failure, and one that arrived too late. */
  readonly endpoint: string;
  readonly replacement: string;
  /** Offsets of the records that caused it, in order. */
  readonly causes: readonly number[];
  /** Offset of the last record before it, and of the last of all. */
  readonly before: number;
  readonly end: number;
  /** Seconds between a change and its event. */
  readonly lateSeconds: number;
}

const SERVICES = 6;

/** Random numbers from 0 to `below`, from `seed` (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Writes the ledger of an incident into `folder`. */
export function writeIncident(folder: string, seed: number): Truth {
  const random = randomOf(seed);
  const kind = INCIDENTS[seed % INCIDENTS.length]!;
  using kernel = new FakeKernel();
  let milliseconds = Date.parse("2026-11-23T03:00:00Z");
  const now = () => new Date(milliseconds).toISOString();
  using node = new EngineProcess(kernel, folderStorage(folder, true), { complete: true, now });
  const { ledger } = node;
  let version = 1000;
  /** Appends and commits events; returns the offset of the first. */
  const commit = (...events: EventRecord[]): number => {
    milliseconds += 20 + random(5000);
    const records = events.map((event) => ({ ...event, time: now(), resourceVersion: String(++version) }));
    return node.commit(records);
  };
  const pods = Array.from({ length: SERVICES }, (_, i) => [`10.244.${i}.1`, `10.244.${i}.2`]);
  const sliceOf = (i: number, addresses: readonly string[]) =>
    slice(`shop/s${i}-a http:8080/tcp ${addresses.join(" ")}`);
  for (let i = 0; i < SERVICES; i++) {
    commit(appears(service(`shop/s${i} 10.96.0.${i + 1} http:80/tcp`)), appears(sliceOf(i, pods[i]!)));
  }
  const victim = random(SERVICES);
  /** Rolling updates of all other Services, alone or together with `events`. */
  const noise = (...events: EventRecord[]): number => {
    const others = Array.from({ length: 1 + random(3) }, () => {
      const i = (victim + 1 + random(SERVICES - 1)) % SERVICES;
      pods[i] = [pods[i]![1]!, `10.244.${i}.${3 + random(200)}`];
      return appears(sliceOf(i, [...new Set(pods[i])]));
    });
    if (events.length === 0) return commit(...others);
    return commit(...others, ...events, ...others.slice(0, random(2))) + others.length;
  };
  for (let round = 5 + random(20); round > 0; round--) noise();
  const endpoint = pods[victim]![0]!;
  const replacement = `10.244.${victim}.250`;
  const before = ledger.next - 1;
  const lateSeconds = 30 + random(300);
  const causes = happen();
  for (let round = 3 + random(20); round > 0; round--) noise();
  return {
    kind,
    service: `shop/s${victim}`,
    clusterIP: `10.96.0.${victim + 1}`,
    endpoint,
    replacement,
    causes,
    before,
    end: ledger.next - 1,
    lateSeconds,
  };

  function happen(): number[] {
    const healthy = sliceOf(victim, pods[victim]!);
    const withEndpoints = (endpoints: EndpointSlice["endpoints"]): KubeObject => ({ ...healthy, endpoints });
    switch (kind) {
      case "wrong selector":
        return [noise(appears(withEndpoints([])))];
      case "missing slice":
        return [noise(vanishes(healthy))];
      case "late watch": {
        // The pod died and was replaced at `diedAt`; the event arrives later.
        const diedAt = new Date(milliseconds).toISOString();
        for (let left = lateSeconds * 1000; left > 0; left -= 10_000) noise();
        milliseconds = Math.max(milliseconds, Date.parse(diedAt) + lateSeconds * 1000);
        const late = sliceOf(victim, [pods[victim]![1]!, replacement]);
        const metadata = { ...late.metadata, annotations: { [TRIGGER]: diedAt } };
        return [noise(appears({ ...late, metadata } as KubeObject))];
      }
      case "foreign flush": {
        const record = {
          kind: "drift",
          time: now(),
          process: "nft",
          pid: 4711,
          changes: ["delete table ip ledgerproxy"],
          response: "put back",
        } as const;
        return [ledger.append([record])];
      }
      case "crash loop": {
        const flapping = (ready: boolean) =>
          appears(withEndpoints(healthy.endpoints.map((one) => ({ ...one, conditions: { ready } }))));
        return Array.from({ length: 6 + 2 * random(4) }, (_, i) => noise(flapping(i % 2 === 1)));
      }
    }
  }
}
