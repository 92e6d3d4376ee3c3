// Signed notes (c2sp.org/signed-note): a text, an empty line, and lines with signatures. Keys are Ed25519. A verifier key is a line of
// text too, so that an auditor can keep it on paper: `NAME+KEYID+KEY`.

import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** Ed25519 among the algorithms of signed notes. */
const ED25519 = 1;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
/** DER before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo (RFC 8410, 4). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const NAME = /^[^\s+]+$/;

/** A key that signs notes. */
export interface NoteSigner {
  readonly name: string;
  /** The line of text that verifies its signatures. */
  readonly verifier: string;
  readonly privateKey: KeyObject;
}

/** A new key called `name`, which has neither spaces nor "+". */
export function newSigner(name: string): NoteSigner {
  return signerOf(name, generateKeyPairSync("ed25519").privateKey);
}

/** The signer whose key {@link privateText} wrote, or whose key is PEM (RFC 7468); undefined where `text` is no such key. */
export function readSigner(name: string, text: string): NoteSigner | undefined {
  try {
    const key = text.includes("-----BEGIN ")
      ? createPrivateKey(text)
      : createPrivateKey({ key: Buffer.from(text, "base64"), type: "pkcs8", format: "der" });
    return key.asymmetricKeyType === "ed25519" ? signerOf(name, key) : undefined;
  } catch {
    return undefined;
  }
}

/** The private key of `signer` as text (PKCS #8 in base64). */
export function privateText({ privateKey }: NoteSigner): string {
  return privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");
}

function signerOf(name: string, privateKey: KeyObject): NoteSigner {
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const key = Buffer.concat([Buffer.of(ED25519), spki.subarray(SPKI_PREFIX.length)]);
  return {
    name,
    privateKey,
    verifier: `${name}+${keyId(name, key).toString("hex")}+${key.toString("base64")}`,
  };
}

/** The first bytes of the SHA-256 of name, newline and key. */
function keyId(name: string, key: Buffer): Buffer {
  const hashed = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), key]), "hex");
  return Buffer.from(hashed.slice(0, 2 * KEY_ID_BYTES), "hex");
}

/** Signs `text`, which ends with a newline. */
export function signedNote(text: string, { name, privateKey, verifier }: NoteSigner): string {
  const id = Buffer.from(verifier.split("+")[1]!, "hex");
  const signature = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${name} ${signature.toString("base64")}\n`;
}

/** The text of a note, and whether the key `verifier` signed it; or the reason why it is no note. */
export function readNote(
  note: string,
): { readonly text: string; readonly isSignedBy: (verifier: string) => boolean } | string {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) return "it is no signed note";
  const text = note.slice(0, end + 1);
  const signatures = note.slice(end + 2).trimEnd().split("\n");
  if (!signatures.every((line) => /^— [^\s+]+ [A-Za-z0-9+/]+=*$/.test(line))) {
    return "it has a line that is no signature";
  }
  return { text, isSignedBy: (verifier) => signatures.some((line) => hasSigned(text, line, verifier)) };
}

function hasSigned(text: string, line: string, verifier: string): boolean {
  const key = publicKeyOf(verifier);
  const [, name, encoded] = line.split(" ");
  if (key === undefined || name !== key.name) return false;
  const signature = Buffer.from(encoded!, "base64");
  return signature.subarray(0, KEY_ID_BYTES).equals(key.id) &&
    verify(null, Buffer.from(text), key.publicKey, signature.subarray(KEY_ID_BYTES));
}

/** Whether `text` is a verifier key: its key id is that of its name and key. */
export function isVerifier(text: string): boolean {
  return publicKeyOf(text) !== undefined;
}

function publicKeyOf(
  verifier: string,
): { readonly name: string; readonly id: Buffer; readonly publicKey: KeyObject } | undefined {
  const [, name, hex, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(verifier) ?? [];
  if (name === undefined || !NAME.test(name)) return undefined;
  const key = Buffer.from(encoded!, "base64");
  const id = Buffer.from(hex!, "hex");
  if (key[0] !== ED25519 || key.length !== 1 + PUBLIC_KEY_BYTES || !keyId(name, key).equals(id)) {
    return undefined;
  }
  const publicKey = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, key.subarray(1)]),
    type: "spki",
    format: "der",
  });
  return { name, id, publicKey };
}
