// Every change of what happens to a packet, by the records that concern it: as a fold of all records finds them.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { packetChanges } from "../../src/history/packet_changes.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import type { Past } from "../../src/history/past.ts";
import type { Packet, Trace } from "../../src/history/trace.ts";
import { traceAt } from "../../src/history/why.ts";
import { describeKey, type KubeObject } from "../../src/kube/objects.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const NAMES = ["a", "b", "c"];
const index = fc.nat(NAMES.length - 1);
/** Services that claim one external address, share a NodePort, and have a cluster IP each; their slices; the node. */
const OBJECT: fc.Arbitrary<KubeObject> = fc.oneof(
  fc.record({
    i: index,
    shared: fc.boolean(),
    local: fc.boolean(),
    port: fc.constantFrom(80, 81),
    affinity: fc.boolean(),
  })
    .map(({ i, shared, local, port, affinity }) =>
      service(`shop/${NAMES[i]} 10.96.0.${i + 1} http:${port}/tcp`, `2026-01-0${i + 1}T00:00:00Z`, {
        ...{ type: "NodePort", externalIPs: shared ? ["198.51.100.1"] : [] },
        ...(local ? { externalTrafficPolicy: "Local" } : {}),
        ...(affinity ? { sessionAffinity: "ClientIP" } : {}),
        ports: [{ name: "http", port, protocol: "TCP", nodePort: 30080 }],
      })
    ),
  fc.record({ i: index, pods: fc.subarray([1, 2, 3, 4]), ready: fc.boolean() }).map(({ i, pods, ready }) =>
    slice(
      `shop/${NAMES[i]}-x http:8080/tcp ${
        pods.map((pod) => `${ready ? "" : "!"}10.0.${i}.${pod}`).join(" ")
      }`,
    )
  ),
  fc.constantFrom("10.96.0.0/24", "10.97.0.0/24").map((cidr): KubeObject => ({
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs: [cidr] },
  })),
);
const EVENT: fc.Arbitrary<EventRecord> = fc.tuple(OBJECT, fc.nat(5)).map(([object, drawn]) =>
  drawn === 0 ? vanishes(object) : appears(object)
);
const BATCHES = fc.array(fc.array(EVENT, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 12 })
  .map(asAppended).filter(({ length }) => length > 0);

/** The events that the engine appends: a deletion of what is not known is none of them. */
function asAppended(batches: readonly (readonly EventRecord[])[]): EventRecord[][] {
  const known = new Set<string>();
  const isNews = ({ key, value }: EventRecord) =>
    value === null ? known.delete(describeKey(key)) : known.add(describeKey(key)) !== undefined;
  return batches.map((batch) => batch.filter(isNews)).filter(({ length }) => length > 0);
}
const PACKETS = ["10.96.0.1:80/tcp", "198.51.100.1:80/tcp", "10.96.0.9:80/tcp", "198.51.100.1:81/tcp"].map((
  target,
) => readPacket("10.0.9.9", target) as Packet);
const delivered = ({ outcomes }: Trace) => outcomes.some(({ kind }) => kind === "deliver");

/** What a fold of every record says: each accepted commit with which the packet's value changes, and the record that changed it. */
function* foldedChanges(past: Past, from: number, through: number, packet: Packet) {
  const state = emptyState();
  /** After each record: the value, and the record that changed it last. */
  const after: { value: boolean; cause: number }[] = [];
  let committed: boolean | undefined;
  for (const { offset, record } of past.records(0)) {
    if (offset > through) return;
    foldRecord(state, offset, record);
    const last = after.at(-1);
    const value = delivered(traceAt(state, packet));
    after.push({ value, cause: value === last?.value ? last.cause : offset });
    if (offset === from) committed = value;
    if (offset <= from || record.kind !== "commit" || record.outcome !== "committed") continue;
    const now = after[Math.max(record.through, from)]!;
    if (now.value !== committed) yield { commit: offset, value: now.value, cause: now.cause };
    committed = now.value;
  }
}

Deno.test("property: the changes are those that a fold of every record finds, with the same causes and outcomes", () => {
  fc.assert(
    fc.property(BATCHES, fc.constantFrom(...PACKETS), fc.nat(6), (batches, packet, from) => {
      const past = committedPast(batches);
      const end = [...past.records()].at(-1)!.offset;
      const start = Math.min(from, end - 1);
      const found = [...packetChanges(past, start, end, packet, delivered)];
      assert.deepEqual(
        found.map(({ commit, cause, value }) => ({ commit, value, cause })),
        [...foldedChanges(past, start, end, packet)],
      );
      for (const { before, after, value } of found) {
        assert.deepEqual([delivered(before), delivered(after)], [!value, value]);
      }
    }),
    { numRuns: 150 },
  );
});

/** Bounds with which every Service waits for a step, as those that are not small do while many change. */
const STEPS = { most: 1000, large: 1000, step: 1, burst: { small: 0, most: 0 } };

Deno.test("property: rules that steps make later are found at the commit that brought them, by the event that waited", () => {
  const steps = fc.infiniteStream(fc.nat(2));
  fc.assert(
    fc.property(BATCHES, fc.constantFrom(...PACKETS), fc.nat(6), steps, (batches, packet, from, drawn) => {
      const past = committedPast(batches, { bounds: STEPS, steps: () => drawn.next().value! });
      const end = [...past.records()].at(-1)!.offset;
      const start = Math.min(from, end - 1);
      const found = [...packetChanges(past, start, end, packet, delivered)];
      const folded = [...foldedChanges(past, start, end, packet)];
      assert.deepEqual(
        found.map(({ commit, value }) => [commit, value]),
        folded.map(({ commit, value }) => [commit, value]),
      );
      const lookup = past.lookup();
      for (const { cause } of found) assert.equal(lookup(cause)?.record.kind, "event");
    }),
    { numRuns: 300 },
  );
});

Deno.test("a record that concerns another Service is not folded, and the packet is traced only where it must be", () => {
  const past = webPast();
  let traced = 0;
  const packet = readPacket("10.0.9.9", "10.96.0.1:80/tcp") as Packet;
  const changes = [...packetChanges(past, 1, 13, packet, ({ outcomes }) => {
    traced++;
    return JSON.stringify(outcomes);
  })];
  assert.deepEqual(changes.map(({ commit, cause }) => [commit, cause]), [[4, 3], [6, 5], [8, 7]]);
  assert.equal(traced, 1 + 3, "@9, @11 and @12 change nothing that the packet meets");
});
