// The file with the writers of events: it is read as it was written, or not at all.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { type ApiWriter, readWriters, WRITERS_FILE, writeWriters } from "../../src/ledger/writers_file.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const writer = (user: string): ApiWriter => ({
  ...{ user, userAgent: "kubectl/v1.37.2", source: "10.0.0.7", verb: "patch" },
  ...{ time: "2026-11-23T09:30:00Z", auditId: `id of ${user}` },
});
const WRITERS = new Map([[3, writer("alice")], [7, writer("bob")]]);

function written() {
  const storage = memoryStorage();
  writeWriters(storage, "0123456789abcdef", WRITERS);
  return storage;
}

Deno.test("writers are read as they were written, and replaced as a whole", () => {
  const storage = written();
  assert.deepEqual(readWriters(storage, "0123456789abcdef"), WRITERS);
  const others = new Map([[1, writer("carol")]]);
  writeWriters(storage, "0123456789abcdef", others);
  assert.deepEqual(readWriters(storage, "0123456789abcdef"), others);
  assert.deepEqual(storage.names(), [WRITERS_FILE]);
  assert.deepEqual(readWriters(memoryStorage(), "0123456789abcdef"), new Map());
});

Deno.test("every changed bit and every cut is found, and so is another ledger's file", () => {
  const whole = written().files.get(WRITERS_FILE)!;
  const broken = (bytes: Uint8Array, about: string) =>
    assert.throws(
      () => readWriters(memoryStorage(new Map([[WRITERS_FILE, bytes]])), "0123456789abcdef"),
      (error) =>
        isLedgerDamage(error) && /remove the file and import the audit log again/.test(error.message),
      about,
    );
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      broken(whole.with(at, whole[at]! ^ (1 << bit)), `bit ${bit} of byte ${at}`);
    }
    broken(whole.slice(0, at), `cut at ${at}`);
  }
  assert.throws(
    () => readWriters(written(), "fedcba9876543210"),
    /it is about ledger 0123456789abcdef, not fedcba9876543210/,
  );
});

Deno.test("damage is reported with the line, and with the byte at which the line begins", () => {
  const others = new Map([[3, writer("Zoë")], [7, writer("bob")]]);
  const storage = memoryStorage();
  writeWriters(storage, "0123456789abcdef", others);
  const [, ...lines] = new TextDecoder().decode(storage.read(WRITERS_FILE)).split("\n");
  const rest = lines.join("\n").replace('"offset":7', '"offset":"seven"');
  const bytes = new TextEncoder().encode(`${hash("sha256", rest, "hex")}\n${rest}`);
  const place = new TextDecoder("latin1").decode(bytes).indexOf('{"offset":"seven"');
  assert.throws(
    () => readWriters(memoryStorage(new Map([[WRITERS_FILE, bytes]])), "0123456789abcdef"),
    (error) => isLedgerDamage(error) && error.message.includes(`:4 (byte ${place}): `),
  );
});
