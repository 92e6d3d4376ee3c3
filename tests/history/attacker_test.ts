// An attacker with root on the node: with the whole program and its source, every key that is there, and everything in the folder,
// but without the keys that were erased and without what a witness saw. What was changed is found, and the first offset that cannot
// be trusted is named.

import assert from "node:assert/strict";
import type { SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { verifyPast } from "../../src/history/verify.ts";
import { checkpointRecord, keyName, readCheckpoint } from "../../src/ledger/checkpoint.ts";
import { encodeHeader, encodeRecord, genesisChain } from "../../src/ledger/format.ts";
import { type LedgerHead, readHeads } from "../../src/ledger/head.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { newSigner, type NoteSigner, readSigner } from "../../src/ledger/signed_note.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { CheckpointKeys } from "../../src/node/checkpoint_keys.ts";
import { Checkpoints } from "../../src/node/checkpoints.ts";
import { appears, slice } from "../support/cluster_notation.ts";
import { allKept } from "../support/kept_records.ts";

const TIME = "2026-11-23T09:26:10.000Z";
const SEGMENT = "00000000000000000000.ndjson";

/** A node that ran, and what its auditor and its witness have of it. */
interface Attacked {
  readonly folder: string;
  /** The first key. */
  readonly key: string;
  /** Heads as a scraper saw them, as text. */
  readonly seen: readonly string[];
  readonly id: string;
}

/** Runs for `days`: each has three records, @0 to @2, @4 to @6 and so on, and then a checkpoint: @3, @7, ... */
async function live(folder: string, days: number): Promise<Attacked> {
  const seen: string[] = [];
  let [key, id] = ["", ""];
  for (let day = 0; day < days; day++) {
    using writer = new LedgerWriter(folderStorage(folder, true), { policy: "interval" });
    id = writer.ledger;
    const append = (record: LedgerRecord) => void writer.append([record]);
    const publish = ({ ledger, next, chain }: LedgerHead) =>
      void seen.push(`ledgerproxy_ledger_head_info{ledger="${ledger}",offset="${next}",chain="${chain}"} 1`);
    const checkpoints = new Checkpoints(folder, writer, append, () => TIME, publish);
    key ||= (await new CheckpointKeys(folder, id).open()).key.signer.verifier;
    for (let i = 0; i < 3; i++) {
      append({ ...appears(slice(`shop/web-${day}${i} http:80/tcp 10.244.${day}.${i + 1}`)), time: TIME });
    }
    await checkpoints.end();
  }
  return { folder, key, seen, id };
}

/** Writes the ledger anew from `records`, with a right hash chain. */
function rewrite(
  { folder, id }: Attacked,
  records: (chain: string, offset: number) => LedgerRecord | undefined,
): void {
  let chain = genesisChain(id);
  let text = encodeHeader({ ledger: id, first: 0, chain });
  for (let offset = 0;; offset++) {
    const record = records(chain, offset);
    if (record === undefined) break;
    const encoded = encodeRecord(offset, record, chain);
    text += encoded.line;
    chain = encoded.chain;
  }
  Deno.writeTextFileSync(`${folder}/${SEGMENT}`, text);
}

const recordsOf = ({ folder }: Attacked) => allKept(folder);

/** `records` with another address in the record @1. */
function changed(records: readonly LedgerRecord[]): LedgerRecord[] {
  return records.map((record, i) =>
    i === 1 ? JSON.parse(JSON.stringify(record).replaceAll("10.244.0.2", "10.66.6.6")) : record
  );
}

/** Signs every checkpoint of `records` anew: `signers` has the keys in order, and then the one that is named last. */
function resigned({ id }: Attacked, records: readonly LedgerRecord[], signers: readonly NoteSigner[]) {
  let number = 0;
  return (chain: string, offset: number): LedgerRecord | undefined => {
    const record = records[offset];
    if (record?.kind !== "gap" || record.checkpoint === undefined) return record;
    const said = {
      ledger: id,
      next: offset,
      chain,
      time: TIME,
      number,
      nextKey: signers[number + 1]!.verifier,
    };
    return checkpointRecord(said, signers[number++]!);
  };
}

/** The key that is in the folder now. */
function stolen({ folder, id }: Attacked): NoteSigner {
  const name = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => /^\d+\.key$/.test(name))
    .sort().at(-1)!;
  return readSigner(keyName(id), JSON.parse(Deno.readTextFileSync(`${folder}/${name}`)).key)!;
}

/** What an auditor finds, who has the first key and what the witness saw. Without `witness`: the key alone. */
function found({ folder, key, seen }: Attacked, witness = true): string {
  const heads = readHeads(seen.join("\n"));
  assert.ok(typeof heads !== "string", String(heads));
  const past = ledgerView<SnapshotLine>(folderStorage(folder, false), snapshotMisfit);
  return verifyPast(past, { key, ...(witness ? { heads } : {}) }).verdict.problems.join("\n");
}

/** Each attack on a node of three days, with what must be found by the key alone, and with the witness. */
const ATTACKS: readonly {
  readonly name: string;
  readonly attack: (node: Attacked) => void | Promise<void>;
  readonly byKey: RegExp | null;
  readonly byWitness: RegExp;
}[] = [
  {
    name: "changes an address of the first day, and recomputes the hash chain",
    attack: (node) => {
      const records = changed(recordsOf(node));
      rewrite(node, (_, i) => records[i]);
    },
    byKey: /^the checkpoint @3: its hash chain is not that of the records before it/,
    byWitness: /what is before @3 is not what the witness saw; the first record that cannot be trusted is @0/,
  },
  {
    name: "changes an address, and signs all checkpoints with keys of its own",
    attack: (node) => {
      const own = Array.from({ length: 4 }, () => newSigner(keyName(node.id)));
      rewrite(node, resigned(node, changed(recordsOf(node)), own));
    },
    byKey: /no checkpoint is signed by the key that was given/,
    byWitness: /what is before @3 is not what the witness saw/,
  },
  {
    name: "changes an address, and signs all checkpoints with the key of today",
    attack: (node) => {
      const key = stolen(node);
      rewrite(node, resigned(node, changed(recordsOf(node)), [key, key, key, key]));
    },
    byKey: /no checkpoint is signed by the key that was given, or follows one that is/,
    byWitness: /what is before @3 is not what the witness saw/,
  },
  {
    name: "changes a record of the last day, and signs its checkpoint with the key of today",
    attack: (node) => {
      const records = recordsOf(node);
      const key = stolen(node);
      rewrite(node, (chain, offset) => {
        if (offset === 9) return JSON.parse(JSON.stringify(records[9]).replaceAll("10.244.2.2", "10.66.6.6"));
        if (offset !== 11) return records[offset];
        return checkpointRecord({
          ledger: node.id,
          next: 11,
          chain,
          time: TIME,
          number: 2,
          nextKey: key.verifier,
        }, key);
      });
    },
    byKey:
      /the checkpoint @11: the checkpoint @7 does not name the key that signed it: what follows @7 cannot be trusted/,
    byWitness:
      /what is before @11 is not what the witness saw; the first record that cannot be trusted is @7/,
  },
  {
    name: "leaves a record out, and recomputes the hash chain",
    attack: (node) => {
      const records = recordsOf(node).toSpliced(5, 1);
      rewrite(node, (_, i) => records[i]);
    },
    byKey: /the checkpoint @6: it is of the records before @7/,
    byWitness: /what is before @7 is not what the witness saw; the first record that cannot be trusted is @3/,
  },
  {
    name: "takes all checkpoints out, and recomputes the hash chain",
    attack: (node) => {
      const records = recordsOf(node).filter((record) => record.kind !== "gap");
      rewrite(node, (_, i) => records[i]);
      for (const { name } of Deno.readDirSync(node.folder)) {
        if (name.endsWith(".key")) Deno.removeSync(`${node.folder}/${name}`);
      }
    },
    byKey: /there is no checkpoint, so the key that was given proves nothing/,
    byWitness: /what is before @7 is not what the witness saw/,
  },
  {
    name: "cuts the last day off",
    attack: (node) => {
      const records = recordsOf(node).slice(0, 8);
      rewrite(node, (_, i) => records[i]);
    },
    byKey: /^@8 to @11 are missing: 0+12\.key shows that they were written/,
    byWitness: /the witness saw @10, and the ledger ends at @7: its tail was cut, or it is an older copy/,
  },
  {
    name: "cuts the last day off, and removes the key whose name shows it",
    attack: (node) => {
      const records = recordsOf(node).slice(0, 8);
      rewrite(node, (_, i) => records[i]);
      for (const { name } of Deno.readDirSync(node.folder)) {
        if (name.endsWith(".key")) Deno.removeSync(`${node.folder}/${name}`);
      }
    },
    byKey: null,
    byWitness: /the witness saw @10, and the ledger ends at @7: its tail was cut/,
  },
  {
    name: "replaces everything by a ledger of another node",
    attack: async (node) => {
      for (const { name } of Deno.readDirSync(node.folder)) Deno.removeSync(`${node.folder}/${name}`);
      await live(node.folder, 3);
    },
    byKey: /no checkpoint is signed by the key that was given/,
    byWitness: /the witness never saw ledger [0-9a-f]{16}, but [0-9a-f]{16}: all of it was replaced/,
  },
  {
    name: "replaces everything by a ledger with the same id",
    attack: (node) => {
      const own = Array.from({ length: 4 }, () => newSigner(keyName(node.id)));
      const records = recordsOf(node).map((record, i) =>
        record.kind === "gap" ? record : { ...record, time: `2026-11-24T00:00:0${i % 10}.000Z` }
      );
      rewrite(node, resigned(node, records, own));
    },
    byKey: /no checkpoint is signed by the key that was given/,
    byWitness: /what is before @3 is not what the witness saw; the first record that cannot be trusted is @0/,
  },
];

for (const { name, attack, byKey, byWitness } of ATTACKS) {
  Deno.test(`an attacker who ${name} is found`, async () => {
    const folder = await Deno.makeTempDir();
    const node = await live(folder, 3);
    assert.equal(found(node), "", "before the attack");
    await attack(node);
    if (byKey === null) assert.equal(found(node, false), "", "without the witness it is whole in itself");
    else assert.match(found(node, false), byKey);
    assert.match(found(node), byWitness);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("an attacker who goes back to yesterday's copy, keys and all, is found by the witness alone", async () => {
  const folder = await Deno.makeTempDir();
  const yesterday = await live(folder, 2);
  const copy = [...Deno.readDirSync(folder)].map(({ name }) => ({
    name,
    bytes: Deno.readFileSync(`${folder}/${name}`),
  }));
  const today = await live(folder, 1);
  for (const { name } of Deno.readDirSync(folder)) Deno.removeSync(`${folder}/${name}`);
  for (const { name, bytes } of copy) Deno.writeFileSync(`${folder}/${name}`, bytes);
  const node = { ...yesterday, seen: [...yesterday.seen, ...today.seen] };
  assert.equal(found(node, false), "");
  assert.match(
    found(node),
    /the witness saw @10, and the ledger ends at @7: its tail was cut, or it is an older copy/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("heads are read from checkpoints one after the other too, and what is none is an error", async () => {
  const folder = await Deno.makeTempDir();
  const node = await live(folder, 2);
  const notes = recordsOf(node).flatMap((record) => record.kind === "gap" ? record.checkpoint ?? [] : []);
  const heads = readHeads(notes.join(""));
  assert.ok(typeof heads !== "string");
  assert.deepEqual(heads.map(({ next }) => next), [3, 7]);
  assert.equal(typeof readCheckpoint(notes[0]!), "object");
  assert.match(String(readHeads("hello")), /neither checkpoints nor series/);
  assert.match(String(readHeads(notes[0]!.replace("number 0", "number 1"))), /its signature is wrong/);
  assert.match(String(readHeads('ledgerproxy_ledger_head_info{ledger="a"} 1')), /other labels/);
  await Deno.remove(folder, { recursive: true });
});
