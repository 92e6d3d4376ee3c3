// The state of a node, worst first.

import assert from "node:assert/strict";
import { historyOf } from "../../src/history/history.ts";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { type Finding, isOnItsWay, nodeStateOf, rulesRemoved } from "../../src/history/status.ts";
import { statusLines } from "../../src/history/status_words.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { Retention } from "../../src/ledger/retention.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { KEEP_ALL } from "../support/ledger_records.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { pastOf, timeAt } from "../support/past.ts";
import { webPast } from "../support/web_history.ts";

const node: LedgerRecord = { kind: "config", time: timeAt(0), version: "1", nodeName: "node-a" };
const OWN: LedgerRecord = appears({
  kind: "Node",
  metadata: { name: "node-a" },
  spec: {},
  status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
});
const commit = (
  through: number,
  outcome: CommitRecord["outcome"] = "committed",
  more = {},
): CommitRecord => ({
  ...{ kind: "commit", time: timeAt(5), from: 0, through, digest: "00".repeat(32), outcome, ...more },
  ...{ changes: [], changesOmitted: 0, operations: 1, microseconds: 9, generation: 1 },
});
const WEB = [
  appears(service("shop/web 10.96.0.1 http:80/tcp")),
  appears(slice("shop/web-a http:80/tcp 10.0.0.1")),
];

/** The findings of a ledger, each `severity topic: text`. */
function findings(...records: LedgerRecord[]): string[] {
  const past = pastOf(records);
  return nodeStateOf(past, stateToRead(past, records.length - 1)).findings.map(({ severity, topic, text }) =>
    `${severity} ${topic}: ${text}`
  );
}

Deno.test("a node in sync has no finding", () => {
  assert.deepEqual(findings(node, OWN, ...WEB, commit(3)), []);
  const past = pastOf([node, OWN, ...WEB, commit(3)]);
  const { findings: _, ...rest } = nodeStateOf(past, stateToRead(past, 4));
  assert.deepEqual(rest, {
    ...{
      at: 4,
      time: timeAt(5),
      node: "node-a",
      committed: 3,
      inSync: true,
      removed: null,
      services: 1,
      endpoints: 1,
    },
  });
});

Deno.test("changes that are not committed are a warning, and failing where the kernel rejected them", () => {
  const later = { ...appears(slice("shop/web-a http:80/tcp 10.0.0.2")), time: timeAt(6) };
  assert.deepEqual(findings(node, OWN, ...WEB, commit(3), later), [
    `warning rules: not committed: 1 change since @5 (${timeAt(6)})`,
  ]);
  const [first] = findings(node, OWN, ...WEB, commit(3), later, commit(5, "rejected", { error: "EBUSY" }));
  assert.match(first!, /^failing rules: not committed: 1 change since @5 .*; @6 rejected: EBUSY$/);
  assert.deepEqual(findings(node, OWN, ...WEB), [
    "note rules: nothing was committed: this ledger made no rules",
  ]);
});

Deno.test("a checkpoint behind the last commit is no trouble, a gap is", () => {
  const signed: LedgerRecord = {
    ...{ kind: "gap", time: timeAt(6), reason: "checkpoint 0", records: 0 },
    checkpoint: "x",
  };
  assert.deepEqual(findings(node, OWN, ...WEB, commit(3), signed), []);
  const gap: LedgerRecord = { kind: "gap", time: timeAt(7), reason: "ENOSPC", records: 3 };
  const [first, ...others] = findings(node, OWN, ...WEB, commit(3), gap, signed);
  assert.match(first!, /^warning ledger: @5 /);
  assert.deepEqual(others, []);
});

Deno.test("where older records were removed, a note says how far back the ledger reaches", () => {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const past = () => ledgerView<SnapshotLine>(storage, snapshotMisfit);
  /** Appends `records` in a segment of their own, which a snapshot ends; returns the findings about the ledger. */
  const after = (keep: Retention, ...records: LedgerRecord[]) => {
    writer.append(records);
    writeSnapshot(writer, snapshotLines(stateToRead(past(), writer.next - 1)), keep);
    const { findings } = nodeStateOf(past(), stateToRead(past(), writer.next - 1));
    return findings.map(({ severity, topic, text }) => `${severity} ${topic}: ${text}`);
  };
  const change = (second: number) => ({
    ...appears(slice(`shop/web-a http:80/tcp 10.0.0.${second}`)),
    time: timeAt(second),
  });
  assert.deepEqual(after(KEEP_ALL, node, OWN), [
    "note rules: nothing was committed: this ledger made no rules",
  ]);
  assert.deepEqual(after(KEEP_ALL, { ...WEB[0]!, time: timeAt(3) }, WEB[1]!, commit(3)), []);
  assert.deepEqual(after(KEEP_ALL, change(6), commit(5)), []);
  const begins = `note ledger: begins at @2, ${timeAt(3)}; what was before is not kept`;
  assert.deepEqual(after({ bytes: 0, milliseconds: Infinity }, change(7), commit(7)), [begins]);
});

Deno.test("Services set aside, without endpoints, contested and with parts left out are named", () => {
  const vip = ["198.51.100.1"];
  const shown = findings(
    node,
    OWN,
    ...WEB,
    appears(service("shop/none 10.96.0.2 http:80/tcp", undefined, { externalIPs: vip })),
    appears(service("shop/half 10.96.0.3 http:80/tcp m:9/tcp", "2026-02-01T00:00:00Z", { externalIPs: vip })),
    appears(slice("shop/half-a http:80/tcp 10.0.0.9")),
    appears(service("shop/odd 10.96.0.4 http:80/tcp", undefined, { externalIPs: ["127.0.0.1"] })),
    appears(slice("shop/odd-a http:80/tcp 10.0.0.8")),
    commit(8, "rejected", { setAside: "shop/web", error: "EINVAL" }),
    commit(9),
  );
  assert.equal(shown[0], "failing set aside: shop/web is set aside and not served: EINVAL");
  for (
    const finding of [
      "warning endpoints: 1 Service without endpoints: shop/none",
      "warning endpoints: 1 Service with ports that lead to no endpoint: shop/half (m)",
      "warning contested: ip 198.51.100.1 . tcp . 80 is claimed by shop/half too: shop/none, the oldest, has it",
      "warning left out: shop/odd: external IP 127.0.0.1 is a loopback, unspecified, multicast or broadcast address: left out",
    ]
  ) assert.ok(shown.includes(finding), `${finding}\n${shown.join("\n")}`);
  assert.match(shown.at(-1)!, /^note rules: last was @9 .*rejected: EINVAL; shop\/web is set aside$/);
});

Deno.test("the own Node, drift and gaps are findings until a commit follows; many Services are counted", () => {
  const drift: LedgerRecord = {
    kind: "drift",
    time: timeAt(7),
    process: "nft",
    pid: 7,
    changes: ["x"],
    response: "y",
  };
  const gap: LedgerRecord = { kind: "gap", time: timeAt(7), reason: "EIO", records: 2 };
  assert.match(findings(node, ...WEB, commit(2))[0]!, /^warning node: there is no Node node-a: /);
  const open = findings(node, OWN, ...WEB, commit(3), drift, gap);
  assert.match(open[0]!, /^warning drift: @5 .*: drift: nft \(process 7\): x; y$/);
  assert.match(open[1]!, /^warning ledger: @6 .*: gap of 2 records: EIO$/);
  assert.match(findings(node, OWN, ...WEB, drift, commit(4))[0]!, /^note drift: last was @4 /);
  const many = Array.from({ length: 9 }, (_, i) => appears(service(`shop/s${i} 10.96.1.${i} http:80/tcp`)));
  assert.match(
    findings(node, OWN, ...many, commit(10))[0]!,
    /9 Services without endpoints: shop\/s0, .*shop\/s4 and 4 more$/,
  );
});

Deno.test("at a time, and some commits back, the node had the rules of that commit", () => {
  const later = { ...appears(slice("shop/web-a http:80/tcp 10.0.0.2")), time: timeAt(6) };
  const last = { ...appears(slice("shop/web-a http:80/tcp 10.0.0.3")), time: timeAt(8) };
  const history = historyOf(
    pastOf([node, OWN, ...WEB, commit(3), later, { ...commit(5), time: timeAt(7) }, last]),
  );
  const state = (position: string) => {
    const { at, committed, inSync } = history.status(position);
    return [at, committed, inSync];
  };
  assert.deepEqual(state(timeAt(5)), [4, 3, true]);
  assert.deepEqual(state(timeAt(7)), [6, 5, true]);
  assert.deepEqual(state("HEAD~1"), [4, 3, true]);
  assert.deepEqual([state("@5"), state("HEAD")], [[5, 3, false], [7, 5, false]]);
});

Deno.test("what the running proxy answers is sorted among the rest", () => {
  const past = webPast();
  const answers: Finding[] = [{ severity: "failing", topic: "proxy", text: "rules rejected" }];
  const { findings } = nodeStateOf(past, stateToRead(past, 13), answers);
  assert.equal(findings[0]?.text, "rules rejected");
});

Deno.test("rules that cleanup removed are not in sync, until rules are committed again", () => {
  const removed: LedgerRecord = {
    ...{ kind: "drift", time: timeAt(7), process: "ledgerproxy cleanup", pid: 7 },
    ...{ changes: ["delete table ip ledgerproxy"], response: "they stay away until `run` starts again" },
  };
  const past = pastOf([node, OWN, ...WEB, commit(3), removed]);
  const state = nodeStateOf(past, stateToRead(past, 5));
  assert.deepEqual([state.inSync, state.removed, state.findings[0]?.severity], [false, 5, "failing"]);
  assert.match(state.findings[0]!.text, /removed the rules at .* \(@5\): .* until `run` starts again/);
  assert.match(statusLines(state, (time) => time)[0]!, /: REMOVED: the kernel had the rules of @3$/);
  assert.equal(rulesRemoved(past, stateToRead(past, 5)), 5);
  const again = pastOf([node, OWN, ...WEB, commit(3), removed, { ...commit(5), time: timeAt(8) }]);
  const later = nodeStateOf(again, stateToRead(again, 6));
  assert.deepEqual([later.inSync, later.removed], [true, null]);
});

Deno.test("rules are on their way after a change that no commit has, once one was committed", () => {
  const onItsWay = (...records: LedgerRecord[]) => {
    const past = pastOf(records);
    return isOnItsWay(nodeStateOf(past, stateToRead(past, records.length - 1)));
  };
  assert.ok(!onItsWay(node, OWN, ...WEB), "nothing was committed");
  assert.ok(!onItsWay(node, OWN, ...WEB, commit(3)));
  assert.ok(onItsWay(node, OWN, ...WEB, commit(3), appears(slice("shop/web-a http:80/tcp 10.0.0.2"))));
});
