// Which records are folded for a packet, and before which commit.

import assert from "node:assert/strict";
import { commitsAbout } from "../../src/history/packet_records.ts";
import { readPacket } from "../../src/history/packet_words.ts";
import { type Past, stateAt } from "../../src/history/past.ts";
import type { Packet } from "../../src/history/trace.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

const PACKET = readPacket("10.244.9.9", "10.96.0.1:80/tcp") as Packet;
const [WEB, OTHER] = [
  service("shop/web 10.96.0.1 http:80/tcp"),
  service("shop/other 10.96.0.2 http:80/tcp"),
];
const pod = (owner: string, last: number) => appears(slice(`shop/${owner}-a http:8080/tcp 10.244.0.${last}`));

/** `commit: records` of the commits after `from` that have any. */
function folded(past: Past, from: number): string[] {
  const { state, lookup } = stateAt(past, from);
  const through = [...past.records(0)].at(-1)!.offset;
  const found: string[] = [];
  for (const { offset, records } of commitsAbout(past, { from, through }, [PACKET], state, lookup)) {
    for (const one of records) foldRecord(state, one.offset, one.record);
    if (records.length > 0) found.push(`${offset}: ${records.map((one) => one.offset).join(" ")}`);
  }
  return found;
}

Deno.test("only records of Services that claim the destination, each with the commit that folded it", () => {
  const past = committedPast([
    [appears(WEB), appears(OTHER)],
    [pod("other", 1), pod("web", 2)],
    [pod("other", 3)],
    [pod("web", 4)],
  ]);
  assert.deepEqual(folded(past, 2), ["5: 4", "9: 8"]);
});

Deno.test("a Service that takes the address later brings what it did before", () => {
  const taken = service("shop/other 10.96.0.1 http:80/tcp");
  const past = committedPast([
    [appears(WEB), pod("other", 1)],
    [pod("other", 2)],
    [vanishes(WEB), appears(taken)],
  ]);
  // @2 commits @0 and @1; @3 changes no rule yet.
  assert.deepEqual(folded(past, 0).at(-1)?.split(": ")[1], "1 3 4 5");
});

Deno.test("an event that waits for a step is folded with the commit that brought what the step made", () => {
  const past = committedPast([[appears(WEB), pod("web", 1)], [pod("web", 2)]], {
    bounds: { most: 1000, large: 1000, step: 9, burst: { small: 0, most: 0 } },
  });
  const records = [...past.records(0)];
  const event = records.findLast(({ record }) => record.kind === "event")!.offset;
  const commit =
    records.find(({ record }) =>
      record.kind === "commit" && record.changes.some(({ cause }) => cause === event)
    )!.offset;
  // From a position without rules that wait.
  assert.deepEqual(folded(past, event - 1), [`${commit}: ${event}`]);
});
