// What this program makes of the ledgers of every version that was released: whoever changes it has another FOLD_VERSION to
// give, so that no reader takes the digests of one version for falsifications by another.

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
  version: 1,
  digests: {
    "ledgers/0.1.0": "00879917f2773940fb81dfef7bb66ca3540391ce68a2d4ea84ccfa5a0375ad20",
    "ledgers/0.6.0": "00879917f2773940fb81dfef7bb66ca3540391ce68a2d4ea84ccfa5a0375ad20",
    "recordings/evening": "438e4f91dbd23c84c0571fa993f1bd5ff2d16a5309338f43a21bc0ad417ecd8d",
  },
};

Deno.test("the fold makes of kept ledgers what its version says", () => {
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
