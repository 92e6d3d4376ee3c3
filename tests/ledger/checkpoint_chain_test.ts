// The checkpoints of a ledger, and what an attacker can do without the erased keys.

import assert from "node:assert/strict";
import { CheckpointChain } from "../../src/ledger/checkpoint_chain.ts";
import { checkpointRecord, keyName } from "../../src/ledger/checkpoint.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { newSigner, type NoteSigner } from "../../src/ledger/signed_note.ts";
import { EVERY_KIND, ID, TIME } from "../support/ledger_records.ts";

const KEYS = Array.from({ length: 5 }, () => newSigner(keyName(ID)));
const chainAt = (offset: number) => String(offset).padStart(64, "a");

/** The checkpoint \`number\` at \`offset\`, signed by \`signer\`. */
function checkpoint(
  number: number,
  offset: number,
  signer = KEYS[number]!,
  next: NoteSigner = KEYS[number + 1]!,
): LedgerRecord {
  const said = {
    ledger: ID,
    next: offset,
    chain: chainAt(offset),
    time: TIME,
    number,
    nextKey: next.verifier,
  };
  return checkpointRecord(said, signer);
}

/** What is wrong with these records, by offset. */
function problemsOf(records: ReadonlyMap<number, LedgerRecord>, trusted?: string): string[] {
  const chain = new CheckpointChain(trusted);
  const found = [...records].flatMap(([offset, record]) => chain.note(offset, record, chainAt(offset)));
  return [...found, ...chain.problems()];
}

const GOOD = new Map([[3, checkpoint(0, 3)], [4, EVERY_KIND[0]!], [7, checkpoint(1, 7)], [
  9,
  checkpoint(2, 9),
]]);

Deno.test("checkpoints that follow from one another are right, and follow from any key of their chain", () => {
  for (const trusted of [undefined, KEYS[0]!.verifier, KEYS[2]!.verifier]) {
    assert.deepEqual(problemsOf(GOOD, trusted), []);
  }
  const kept = new Map([...GOOD].slice(1));
  assert.deepEqual(problemsOf(kept, KEYS[2]!.verifier), [], "retention has removed the first one");
  const chain = new CheckpointChain(undefined);
  for (const [offset, record] of GOOD) chain.note(offset, record, chainAt(offset));
  assert.deepEqual(chain.summary, {
    count: 3,
    through: 9,
    key: KEYS[2]!.verifier,
    nextKey: KEYS[3]!.verifier,
  });
});

Deno.test("a chain of keys that does not begin with the auditor's key is found", () => {
  assert.match(
    problemsOf(GOOD, newSigner(keyName(ID)).verifier).join(),
    /no checkpoint is signed by the key that was given/,
  );
  assert.match(problemsOf(new Map(), KEYS[0]!.verifier).join(), /there is no checkpoint/);
  assert.match(
    new CheckpointChain(KEYS[0]!.verifier).problems(7).join(),
    /there is no checkpoint/,
  );
  const late = new CheckpointChain(KEYS[0]!.verifier);
  assert.deepEqual(late.note(7, checkpoint(1, 7), chainAt(7)), []);
  assert.match(late.problems(5).join(), /; what was before @5 is not kept: give a later key/);
});

Deno.test("who has only today's key cannot sign yesterday: the last checkpoint before is named", () => {
  const forged = newSigner(keyName(ID));
  const problems = problemsOf(
    new Map([[3, GOOD.get(3)!], [7, checkpoint(1, 7, forged, KEYS[2])], [9, GOOD.get(9)!]]),
  );
  assert.equal(problems.length, 1);
  assert.match(
    problems[0]!,
    /^the checkpoint @7: the checkpoint @3 does not name the key .*: what follows @3 cannot be trusted$/,
  );
});

Deno.test("a checkpoint that was left out, moved or of another past is found", () => {
  assert.match(
    problemsOf(new Map([[3, GOOD.get(3)!], [9, GOOD.get(9)!]])).join(),
    /^the checkpoint @9: .*what follows @3/,
  );
  assert.match(problemsOf(new Map([[4, GOOD.get(3)!]])).join(), /@4: it is of the records before @3/);
  const chain = new CheckpointChain(undefined);
  assert.match(
    chain.note(3, GOOD.get(3)!, "b".repeat(64)).join(),
    /its hash chain is not that of the records before it/,
  );
});
