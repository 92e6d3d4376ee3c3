// The keys that sign checkpoints, in files beside the ledger with mode 0600. `00000000000000001234.key` is the key that signs next;
// its name shows that the records before @1234 are durable. `next.key` is the one after it, until a checkpoint has named it.
//
// A key is overwritten and removed once it has signed. On a file system that writes to new places (btrfs, or any on a flash disk) the
// old bytes stay on the medium until it uses them again; a copy of the disk from that time has them.

import { codeOf } from "../thrown.ts";
import { isUnfinishedFile } from "../ledger/storage.ts";
import { keyFile, keyNext } from "../ledger/cut_files.ts";
import { keyName } from "../ledger/checkpoint.ts";
import { newSigner, type NoteSigner, privateText, readSigner } from "../ledger/signed_note.ts";
import { ERRNO } from "../kernel/system_error.ts";
import { withAsideFile } from "./waitable_file.ts";

/** The key of one checkpoint. */
export interface CheckpointKey {
  /** The checkpoint that it signs, counted from 0. */
  readonly number: number;
  readonly signer: NoteSigner;
}

/** The key that signs next. `signed`: how many records the one before it has signed. */
export interface OpenedKey {
  readonly key: CheckpointKey;
  readonly isNew: boolean;
  readonly signed: number;
}

/** Where the keys come from: files beside the ledger, or from outside. */
export type CheckpointKeySource = Pick<CheckpointKeys, "open" | "prepared" | "prepare" | "advance">;

const NEXT = "next.key";
const MODE = 0o600;

/** The files of the keys in one folder. Every method throws the system's errors. */
export class CheckpointKeys {
  constructor(
    readonly folder: string,
    readonly ledger: string,
    /** Called before each change: throws where the folder is not that of the ledger any more, because its keys are another one's then. */
    readonly requireHeld: () => Promise<void> = () => Promise.resolve(),
  ) {}

  /** A new key for checkpoint `number`. */
  #newKey(number: number): CheckpointKey {
    return { number, signer: newSigner(keyName(this.ledger)) };
  }

  /** The key that signs next; a first one where there is none. */
  async open(): Promise<OpenedKey> {
    const files = (await this.#names()).filter((name) => keyNext(name) !== undefined);
    const newest = files.at(-1);
    for (const older of files.slice(0, -1)) await this.#erase(older);
    const key = newest === undefined ? undefined : await this.#read(newest);
    if (key !== undefined) return { key, isNew: false, signed: keyNext(newest!)! };
    // A key that cannot be read is a file of another ledger, or was changed. `verify` finds that the keys do not follow.
    if (newest !== undefined) await this.#erase(newest);
    const first = this.#newKey(0);
    await this.#write(keyFile(0), first);
    return { key: first, isNew: true, signed: 0 };
  }

  /** The key after `current`, if an earlier process made it. */
  async prepared(current: CheckpointKey): Promise<CheckpointKey | undefined> {
    const key = (await this.#names()).includes(NEXT) ? await this.#read(NEXT) : undefined;
    return key?.number === current.number + 1 ? key : undefined;
  }

  /** Makes the key after `current`, durable before any checkpoint names it. */
  async prepare(current: CheckpointKey): Promise<CheckpointKey> {
    if ((await this.#names()).includes(NEXT)) await this.#erase(NEXT);
    const key = this.#newKey(current.number + 1);
    await this.#write(NEXT, key);
    return key;
  }

  /** The checkpoint @`offset` has named the key `next` and is durable: that key signs next, and all older ones are erased. */
  async advance(offset: number, next: CheckpointKey): Promise<void> {
    const file = keyFile(offset + 1);
    await this.requireHeld();
    try {
      await Deno.rename(`${this.folder}/${NEXT}`, `${this.folder}/${file}`);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      await this.#keep(file, next);
    }
    await this.#syncFolder();
    for (const name of await this.#names()) {
      const next = keyNext(name);
      if (next !== undefined && next <= offset) await this.#erase(name);
    }
  }

  /**
   * Writes `next`, whose file has no name that signs later: an earlier call gave it its name `file`, and the disk failed after that; or
   * another program removed it. A checkpoint names this key, so no other one can continue.
   */
  async #keep(file: string, next: CheckpointKey): Promise<void> {
    if ((await this.#names()).includes(file)) {
      const found = await this.#read(file);
      if (found?.signer.verifier === next.signer.verifier) return;
      await this.#erase(file);
    }
    await this.#write(file, next);
  }

  /** Whether there is a file of a key that signs next. */
  async exist(): Promise<boolean> {
    return (await this.#names()).some((name) => keyNext(name) !== undefined);
  }

  /** Erases every key: another one signs from now on. */
  async eraseAll(): Promise<void> {
    for (const name of await this.#names()) {
      if (name === NEXT || keyNext(name) !== undefined) await this.#erase(name);
    }
  }

  async #names(): Promise<string[]> {
    const names = [];
    for await (const { name, isFile } of Deno.readDir(this.folder)) {
      if (isFile && !isUnfinishedFile(name)) names.push(name);
    }
    return names.sort();
  }

  async #read(name: string): Promise<CheckpointKey | undefined> {
    try {
      const { number, ledger, key } = JSON.parse(await Deno.readTextFile(`${this.folder}/${name}`));
      const signer = ledger === this.ledger ? readSigner(keyName(ledger), String(key)) : undefined;
      return signer === undefined || !Number.isSafeInteger(number) ? undefined : { number, signer };
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #write(name: string, { number, signer }: CheckpointKey): Promise<void> {
    await this.requireHeld();
    const text = `${JSON.stringify({ number, ledger: this.ledger, key: privateText(signer) })}\n`;
    await writeDurably(`${this.folder}/${name}`, new TextEncoder().encode(text), {
      createNew: true,
      mode: MODE,
    });
    await this.#syncFolder();
  }

  async #erase(name: string): Promise<void> {
    const path = `${this.folder}/${name}`;
    await this.requireHeld();
    const { size } = await Deno.stat(path);
    await writeDurably(path, new Uint8Array(size), {});
    await Deno.remove(path);
    await this.#syncFolder();
  }

  async #syncFolder(): Promise<void> {
    const folder = await Deno.open(this.folder, { read: true });
    try {
      await folder.sync();
    } finally {
      folder.close();
    }
  }
}

function writeDurably(path: string, bytes: Uint8Array, options: Deno.OpenOptions): Promise<void> {
  return withAsideFile(path, { write: true, ...options }, async (file) => {
    const written = await file.write(bytes);
    // A disk takes a part where it has no room for the rest, and says so with the next write. That of a key is of the whole file.
    if (written !== bytes.length) {
      const message =
        `No space left (os error ${ERRNO.ENOSPC}): ${written} of ${bytes.length} bytes, write '${path}'`;
      throw Object.assign(new Error(message), { code: "ENOSPC" });
    }
    await file.sync();
  });
}
