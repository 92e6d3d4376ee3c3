// The digests of the rules that this program makes of the ledgers of released versions. A change that alters one of them needs
// the next FOLD_VERSION, so that a reader does not report the digests of another version as falsified.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { FOLD_VERSION } from "../../src/fold/fold_version.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;

/** FOLD_VERSION, and the digest of the rules that it makes of each ledger. */
const MADE = {
  version: 2,
  digests: {
    "ledgers/0.1.0": "e4cbd1b3278b57abe531a9c0889c1d859248779c2443d353d598a630b03025cb",
    "ledgers/0.6.0": "e4cbd1b3278b57abe531a9c0889c1d859248779c2443d353d598a630b03025cb",
    "recordings/evening": "d187e4c9cdca137fc4b3cc0c01435c189373f914fa2974ff202756a27e1f59dc",
  },
};

Deno.test("the digests of kept ledgers are those of this FOLD_VERSION", () => {
  const digests = Object.fromEntries(
    Object.keys(MADE.digests).map((path) => {
      const state = emptyState();
      for (const { offset, record } of readLedger(folderStorage(`${FIXTURES}${path}`, false))) {
        foldRecord(state, offset, record);
      }
      return [path, digestText(rulesetDigest(state.tables, state.desired))];
    }),
  );
  const advice =
    "rules have changed: give FOLD_VERSION its next number where the version before was released, " +
    "and write both here";
  assert.deepEqual({ version: FOLD_VERSION, digests }, MADE, advice);
});
