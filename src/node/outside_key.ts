// A key for checkpoints that is given from outside, in a file such as a secret store mounts. It is never erased, so who has it can sign
// the past anew, and `verify` says so. Keys that the node made before are erased once one of them has named it.

import { keyName } from "../ledger/checkpoint.ts";
import { type NoteSigner, readSigner } from "../ledger/signed_note.ts";
import { CREDENTIAL_BYTES_MAX } from "../limits/input.ts";
import type { CheckpointKey, CheckpointKeys, CheckpointKeySource, OpenedKey } from "./checkpoint_keys.ts";
import { lastCheckpoint } from "./last_checkpoint.ts";
import { namedFile } from "./named_file.ts";
import { UsageError } from "./usage_error.ts";

/** The signer for the ledger with an id: its name is in what it signs. A function, so that no text of options has the key. */
export type OutsideKey = (ledger: string) => NoteSigner;

/** The Ed25519 key in the file `path`: PKCS #8, as PEM or in base64. Throws UsageError. */
export function outsideKey(path: string): OutsideKey {
  const text = namedFile("--checkpoint-key", path, CREDENTIAL_BYTES_MAX).trim();
  if (readSigner("a", text) === undefined) {
    throw new UsageError(
      `--checkpoint-key ${path}: no Ed25519 key in PKCS #8 without a password, such as openssl genpkey -algorithm ed25519 writes`,
    );
  }
  return (ledger) => readSigner(keyName(ledger), text)!;
}

/** The keys of a ledger whose checkpoints are signed from outside. */
export class OutsideKeys implements CheckpointKeySource {
  readonly #own: CheckpointKeys;
  readonly #signer: NoteSigner;
  /** Whether the key from outside signs next. */
  #prepared = false;

  constructor(own: CheckpointKeys, outside: OutsideKey) {
    this.#own = own;
    this.#signer = outside(own.ledger);
  }

  /** The key from outside; one of the node while no checkpoint has named that. */
  async open(): Promise<OpenedKey> {
    const last = await lastCheckpoint(this.#own.folder, 0);
    const isNamed = last?.nextKey === this.#signer.verifier;
    if (!isNamed && await this.#own.exist()) return await this.#own.open();
    await this.#own.eraseAll();
    const key = this.#next(last?.number ?? -1);
    return { key, isNew: !isNamed, signed: last === undefined ? 0 : last.next + 1 };
  }

  async prepared(current: CheckpointKey): Promise<CheckpointKey | undefined> {
    return current.signer === this.#signer ? undefined : await this.#own.prepared(current);
  }

  // deno-lint-ignore require-await -- as those of the node's own keys
  async prepare({ number }: CheckpointKey): Promise<CheckpointKey> {
    this.#prepared = true;
    return this.#next(number);
  }

  async advance(offset: number, next: CheckpointKey): Promise<void> {
    if (this.#prepared) await this.#own.eraseAll();
    else await this.#own.advance(offset, next);
  }

  /** The key for the checkpoint after `number`. */
  #next(number: number): CheckpointKey {
    return { number: number + 1, signer: this.#signer };
  }
}
