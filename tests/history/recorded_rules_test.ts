// Positions whose rules another version of the fold made: their elements are the recorded ones, and what was not recorded is
// said.

import assert from "node:assert/strict";
import { FOLD_VERSION } from "../../src/fold/fold_version.ts";
import { historyOf } from "../../src/history/history.ts";
import { isNotRecorded, type Past } from "../../src/history/past.ts";
import { madeByAnother, pastAt } from "../../src/history/recorded_rules.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import type { CommitRecord, LedgerRecord } from "../../src/ledger/record.ts";
import { committedPast, pastOf } from "../support/past.ts";

const LEDGERS = new URL("../../fixtures/ledgers/", import.meta.url).pathname;
const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0"];

/** The elements after each commit of `past`, from the changes in the records alone. */
function recordedElements(past: Past): { offset: number; elements: string[] }[] {
  const elements = new Map<string, string>();
  const after = [];
  for (const { offset, record } of past.records()) {
    if (record.kind !== "commit") continue;
    for (const { verb, set, key, value, comment } of record.changes) {
      if (verb === "add") elements.set(`${set} ${key}`, `${value} ${comment}`);
      else elements.delete(`${set} ${key}`);
    }
    after.push({
      offset,
      elements: [...elements].map(([place, element]) => `${place} ${element}`).sort(),
    });
  }
  return after;
}

/** The elements that the past has at a position. */
function elementsAt(past: Past, offset: number): string[] {
  const { elements } = historyOf(past).at(`@${offset}`);
  return [...elements].flatMap(([set, keyed]) =>
    [...keyed.values()].map(({ key, value, comment }) => `${set} ${key} ${value} ${comment}`)
  ).sort();
}

for (const version of VERSIONS) {
  Deno.test(`at every commit of ${version} the elements are those that it recorded`, () => {
    const past = openPast(`${LEDGERS}${version}`);
    const commits = recordedElements(past);
    assert.ok(commits.length >= 3);
    for (const { offset, elements } of commits) {
      assert.deepEqual(elementsAt(past, offset), elements, `@${offset}`);
    }
    const { recorded } = pastAt(past, commits.at(-1)!.offset);
    assert.equal(recorded?.incomplete, undefined, "the digests of the commits agree with their changes");
  });
}

/** As `committedPast`, where another version made the rules: its frontends lead to other chains. */
function pastOfAnother(change: (commit: CommitRecord) => CommitRecord): Past {
  const records = [...committedPast().records()].map(({ record }): LedgerRecord =>
    record.kind === "commit" ? change({ ...record, fold: FOLD_VERSION + 1 }) : record
  );
  return pastOf(records);
}

const elsewhere = (commit: CommitRecord): CommitRecord => ({
  ...commit,
  digest: "0".repeat(64),
  changes: commit.changes.map((change) =>
    change.value === "10.244.0.2 . 8080" ? { ...change, value: "10.9.9.2 . 8080" } : change
  ),
});

Deno.test("where this version makes the same rules as another one, the fold answers", () => {
  const past = pastOfAnother((commit) => commit);
  assert.equal(pastAt(past, 1).recorded, undefined);
  assert.equal(historyOf(past).show("@1").missing, null);
});

Deno.test("where another version made other rules, blame, diff and show have the recorded elements", () => {
  const history = historyOf(pastOfAnother(elsewhere));
  const blamed = [...history.blame("shop/web", "@1")];
  assert.ok(blamed.some(({ value }) => value === "10.9.9.2 . 8080"), JSON.stringify(blamed));
  assert.ok(blamed.every(({ value }) => value !== "10.244.0.2 . 8080"));
  const [front] = blamed.filter(({ value }) => value === "10.9.9.2 . 8080");
  assert.deepEqual([front?.cause?.offset, front?.commit?.offset], [1, 2]);
  const shown = history.show("@1");
  assert.match(shown.missing!, /another version of the program \(fold \d+\) made the rules of @2/);
  assert.match(shown.rules, /^add element ip ledgerproxy endpoints \{ .* : 10\.9\.9\.2 \. 8080 \}$/m);
  assert.ok(history.diff("@1", "@3").length > 0);
});

Deno.test("where the chains of another version are not recorded, no path of a packet is made up", () => {
  const history = historyOf(pastOfAnother(elsewhere));
  const packet = { source: "10.0.0.1", destination: "10.96.0.1", protocol: "tcp", port: 80 } as const;
  const asked = () => history.why(packet as Parameters<typeof history.why>[0], "@1");
  assert.throws(
    asked,
    (error: Error) => isNotRecorded(error) && /where its rules led cannot be said/.test(error.message),
  );
});

Deno.test("a commit that leaves out changes makes the answer incomplete, and the reason names it", () => {
  const past = pastOfAnother((commit) => ({ ...elsewhere(commit), changesOmitted: 7 }));
  const { recorded } = pastAt(past, 1);
  assert.match(recorded!.incomplete!, /no commit that is kept|leaves out 7 of its changes/);
  assert.match(madeByAnother(recorded!), /made the rules of @2/);
  assert.match(historyOf(past).at("@1").incomplete!, /elements may be missing here/);
});
