// The record of a checkpoint: what it says is read again, and a changed one is not.

import assert from "node:assert/strict";
import {
  type Checkpoint,
  checkpointRecord,
  keyName,
  noteOf,
  readCheckpoint,
} from "../../src/ledger/checkpoint.ts";
import { checkedRecord } from "../../src/ledger/record_shape.ts";
import { newSigner, signedNote } from "../../src/ledger/signed_note.ts";
import { EVERY_KIND, ID, TIME } from "../support/ledger_records.ts";

const [SIGNER, NEXT] = [newSigner(keyName(ID)), newSigner(keyName(ID))];
const SAID: Checkpoint = {
  ...{ ledger: ID, next: 1234, chain: "0123456789abcdef".repeat(4), time: TIME, number: 17 },
  ...{ key: SIGNER.verifier, nextKey: NEXT.verifier },
};

Deno.test("a checkpoint is read as it was signed, and its record is one that older programs read", () => {
  const record = checkpointRecord(SAID, SIGNER);
  assert.deepEqual(readCheckpoint(noteOf(record)!), SAID);
  assert.deepEqual([record.kind, record.records], ["gap", 0]);
  assert.equal(checkedRecord(record, 1234), record);
  assert.equal(record.checkpoint!.split("\n")[1], "1234");
  assert.deepEqual(EVERY_KIND.map(noteOf), EVERY_KIND.map(() => undefined));
});

Deno.test("a checkpoint of which anything was changed, or that another key signed, is wrong", () => {
  const note = noteOf(checkpointRecord(SAID, SIGNER))!;
  for (
    const [from, to] of [["1234", "1235"], ["time 2026", "time 2027"], ["number 17", "number 18"]] as const
  ) {
    assert.equal(readCheckpoint(note.replace(from, to)), "its signature is wrong");
  }
  assert.equal(
    readCheckpoint(noteOf(checkpointRecord(SAID, NEXT))!.replace(NEXT.verifier, SIGNER.verifier)),
    "its signature is wrong",
  );
  assert.equal(readCheckpoint(note.replace("number 17\n", "")), "it is no checkpoint");
  assert.equal(readCheckpoint("hello"), "it is no signed note");
});

Deno.test("snapshots are signed too, and lines that a newer version adds are passed over", () => {
  const snapshots = [{ next: 1000, sha256: "ab".repeat(32) }, { next: 1200, sha256: "cd".repeat(32) }];
  const note = noteOf(checkpointRecord({ ...SAID, snapshots }, SIGNER))!;
  assert.deepEqual(readCheckpoint(note), { ...SAID, snapshots });
  assert.equal(readCheckpoint(note.replace("snapshot 1000", "snapshot 1001")), "its signature is wrong");
  const text = note.slice(0, note.indexOf("\n\n") + 1);
  assert.deepEqual(readCheckpoint(signedNote(`${text}tree 7 q4bK=\n`, SIGNER)), { ...SAID, snapshots });
});
