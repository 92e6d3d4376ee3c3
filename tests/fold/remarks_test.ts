// Remarks compare the state before the first record with the state after the last: what begins and ends in between, or was
// so before, makes no line.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { remarks } from "../../src/fold/remarks.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, service, vanishes } from "../support/cluster_notation.ts";

const OLDER = service("shop/a 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z");
const YOUNGER = service("shop/b 10.96.0.1 http:80/tcp", "2026-02-01T00:00:00Z");
const CONFLICT = "ip 10.96.0.1 . tcp . 80 is claimed by shop/b too: shop/a, the oldest, has it";
const REJECTED: CommitRecord = {
  kind: "commit",
  time: "2026-11-23T09:26:10.000Z",
  from: 0,
  through: 0,
  digest: "",
  outcome: "rejected",
  changes: [],
  changesOmitted: 0,
  operations: 1,
  microseconds: 1,
  generation: 0,
  error: "ENOSPC",
  setAside: "shop/a",
};

/** Folds each list of records as one append; returns the remarks about each. */
function remarksAbout(...appends: readonly (readonly LedgerRecord[])[]): string[][] {
  const state = emptyState();
  let offset = 0;
  return appends.map((records) => {
    const changes = noChanges();
    for (const record of records) foldRecord(state, offset++ as Offset, record, changes);
    return remarks(state, changes).map(({ text }) => text);
  });
}

Deno.test("a conflict is remarked on when it begins, and not again while it lasts", () => {
  const again = { ...YOUNGER, metadata: { ...YOUNGER.metadata, resourceVersion: "2" } };
  assert.deepEqual(
    remarksAbout([appears(OLDER)], [appears(YOUNGER)], [appears(again)], [vanishes(OLDER), appears(OLDER)]),
    [[], [CONFLICT], [], []],
  );
});

Deno.test("all frontends that the same Services claim are one line", () => {
  const ports = Array.from({ length: 1000 }, (_, i) => `p${i}:${i + 1}/tcp`).join(" ");
  const claiming = (name: string, ip: string, made: string) =>
    service(`shop/${name} ${ip} ${ports}`, made, { externalIPs: ["203.0.113.80"] });
  const [, lines] = remarksAbout(
    [appears(claiming("a", "10.96.0.1", "2026-01-01T00:00:00Z"))],
    [appears(claiming("b", "10.96.0.2", "2026-02-01T00:00:00Z"))],
  );
  assert.deepEqual(lines, [
    "ip 203.0.113.80 . tcp . 1 and 999 more are claimed by shop/b too: shop/a, the oldest, has them",
  ]);
});

Deno.test("a conflict that begins and ends in one append makes no remark", () => {
  assert.deepEqual(remarksAbout([appears(OLDER), appears(YOUNGER), vanishes(YOUNGER)]), [[]]);
});

Deno.test("a Service is remarked on when it is set aside, and again only after it was served", () => {
  const aside = "Service shop/a is set aside until it changes: ENOSPC";
  assert.deepEqual(
    remarksAbout([appears(OLDER), REJECTED], [REJECTED], [appears(OLDER), REJECTED], [appears(OLDER)], [
      REJECTED,
    ]),
    [[aside], [], [], [], [aside]],
  );
});

Deno.test("a part that is left out is remarked on when it changes", () => {
  const special = (address: string) =>
    appears(service("shop/a 10.96.0.1 http:80/tcp", "", { externalIPs: [address] }));
  const text = (address: string) =>
    `Service shop/a: external IP ${address} is a loopback, unspecified, multicast or broadcast address: left out`;
  assert.deepEqual(
    remarksAbout([special("127.0.0.1")], [special("127.0.0.1")], [special("127.0.0.2")], [appears(OLDER)]),
    [[text("127.0.0.1")], [], [text("127.0.0.2")], []],
  );
});

Deno.test("a line about a frontend that many Services claim names a few of them", () => {
  const rivals = Array.from(
    { length: 3000 },
    (_, i) => service(`shop/rival-${i} 10.96.0.1 http:80/tcp`, "2026-02-01T00:00:00Z"),
  );
  const [lines] = remarksAbout([OLDER, ...rivals].map(appears));
  assert.equal(lines!.length, 1);
  assert.match(lines![0]!, /claimed by shop\/rival-0, .* and 2995 more too: shop\/a, the oldest, has it$/);
  assert.ok(lines![0]!.length < 300, `${lines![0]!.length} characters`);
});
