// Signed notes: those of other programs are read, and ours have the same form.

import assert from "node:assert/strict";
import {
  isVerifier,
  newSigner,
  privateText,
  readNote,
  readSigner,
  signedNote,
} from "../../src/ledger/signed_note.ts";

/** The example of golang.org/x/mod v0.30.0, sumdb/note. */
const KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

function noteOf(text: string) {
  const note = readNote(text);
  assert.ok(typeof note !== "string", String(note));
  return note;
}

Deno.test("a note that another program signed is verified, and any change of it is noticed", () => {
  assert.ok(isVerifier(KEY));
  assert.equal(noteOf(NOTE).isSignedBy(KEY), true);
  assert.equal(noteOf(NOTE.replace("answer", "Answer")).isSignedBy(KEY), false);
  assert.equal(noteOf(NOTE.replace("x08go/ZJ", "x08go/ZK")).isSignedBy(KEY), false);
  assert.equal(noteOf(NOTE).isSignedBy(newSigner("PeterNeumann").verifier), false);
});

Deno.test("a key signs, is kept as text, and is known by its verifier line alone", () => {
  const signer = newSigner("ledgerproxy/0123456789abcdef");
  assert.match(signer.verifier, /^ledgerproxy\/0123456789abcdef\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/);
  const again = readSigner(signer.name, privateText(signer))!;
  assert.equal(again.verifier, signer.verifier);
  const { text, isSignedBy } = noteOf(signedNote("a\n\nb\n", again));
  assert.deepEqual([text, isSignedBy(signer.verifier)], ["a\n\nb\n", true]);
  assert.equal(isSignedBy(newSigner(signer.name).verifier), false);
});

Deno.test("what is no note or no key is recognised", () => {
  for (const text of ["", "a", "a\n", "a\n\n— b", "a\n\nb c\n", "a\n\n— name not base64!\n"]) {
    assert.equal(typeof readNote(text), "string", JSON.stringify(text));
  }
  for (
    const text of [
      "",
      "a+b+c",
      KEY.replace("c74f", "c74e"),
      KEY.slice(0, -4),
      KEY.replace("PeterN", "Peter N"),
    ]
  ) {
    assert.equal(isVerifier(text), false, text);
  }
  assert.equal(readSigner("a", "bm8ga2V5"), undefined);
});
