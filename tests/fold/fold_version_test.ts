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
    "ledgers/0.1.0": "1d24521751b624555f6b632f1e10d590b1d2ad7e3fd8c93137c0412fd3c187e3",
    "ledgers/0.6.0": "1d24521751b624555f6b632f1e10d590b1d2ad7e3fd8c93137c0412fd3c187e3",
    "recordings/evening": "09e0652df7f4e0293eed857b96b81423b2fe2ef615be6add824ef1a1a1b0bbf4",
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
