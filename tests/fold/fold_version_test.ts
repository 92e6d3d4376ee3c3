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
    "ledgers/0.1.0": "d6a858e6615525443a9bdddfefaa7be685d4c547442df0a0eec76eae9aaca284",
    "ledgers/0.6.0": "d6a858e6615525443a9bdddfefaa7be685d4c547442df0a0eec76eae9aaca284",
    "recordings/evening": "189fb739b5eea6b465213fd58faf0bcb7d961bb5b5f9dd77e2bd34f10630f64e",
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
