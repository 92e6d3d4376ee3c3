// Records of a small ledger for tests of a report: events and commits at given seconds after midnight.

import { type Node, TRIGGER } from "../../src/kube/objects.ts";
import type { CommitRecord, CommittedChange, EventRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { appears, slice } from "./cluster_notation.ts";

/** The configuration that a ledger begins with. */
export const CONFIG: LedgerRecord = { kind: "config", time: at(0), version: "0", nodeName: "node-a" };

/** The time `seconds` after midnight. */
export function at(seconds: number): string {
  return new Date(Date.parse("2026-11-23T00:00:00Z") + Math.round(seconds * 1000)).toISOString();
}

/** An event of a slice of shop/web that arrives at `seconds`, with its trigger at `trigger`. */
export function arrived(seconds: number, trigger?: number): EventRecord {
  const event = appears(slice("shop/web-a http:8080/tcp 10.244.0.1"));
  if (trigger === undefined) return { ...event, time: at(seconds) };
  const metadata = { ...event.value!.metadata, annotations: { [TRIGGER]: at(trigger) } };
  return { ...event, value: { ...event.value!, metadata } as EventRecord["value"], time: at(seconds) };
}

/** A commit at `seconds` of records `from` to `through`: one change for each of `causes`, all with `comment`. */
export function commit(
  seconds: number,
  [from, through]: [number, number],
  causes: readonly number[],
  rest: Partial<CommitRecord> & { readonly comment?: string } = {},
): CommitRecord {
  const { comment = "shop/web:http", ...others } = rest;
  const changes = causes.map((cause): CommittedChange => ({
    verb: "add",
    set: "ip ledgerproxy endpoints",
    key: `10.96.0.1 . tcp . 80 . ${cause}`,
    value: "10.244.0.1 . 8080",
    comment,
    cause,
  }));
  return {
    kind: "commit",
    time: at(seconds),
    from,
    through,
    digest: "",
    outcome: "committed",
    changes,
    changesOmitted: 0,
    operations: causes.length + 1,
    microseconds: 150,
    generation: 1,
    ...others,
  };
}

/** An event of the own Node with this address. */
export function nodeEvent(address: string): EventRecord {
  const status = { addresses: [{ type: "InternalIP", address }] };
  return appears({ kind: "Node", metadata: { name: "node-a" }, spec: {}, status } as Node);
}
