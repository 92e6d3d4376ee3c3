// A disk that can be made to hang: ext4 on a loop device, in a mount namespace of its own. While it is frozen, whatever writes to
// it stands still in the kernel (state D) and cannot be killed.

import assert from "node:assert/strict";

/** Bytes of the disk, where a test does not say how many. */
const SIZE = 64 * 1024 * 1024;

/** The disk at `folder`/disk. Dispose of it to let everything go on that waits for it, and to remove it. */
export class LoopDisk implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  #frozen = false;

  private constructor(readonly folder: string, holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  static async make(folder: string, bytes = SIZE): Promise<LoopDisk> {
    const image = `${folder}/image`;
    Deno.writeFileSync(image, new Uint8Array());
    Deno.truncateSync(image, bytes);
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
    // The namespace, and the mount in it, last as long as this process.
    const holder = new Deno.Command("unshare", {
      args: [
        "--mount",
        "sh",
        "-c",
        `mount -o loop ${image} ${folder}/disk && echo mounted && exec sleep 600`,
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "mounted\n");
    await reader.cancel();
    return new LoopDisk(folder, holder);
  }

  /** The arguments of nsenter that lead to the disk. */
  get namespace(): string {
    return `--mount=/proc/${this.#holder.pid}/ns/mnt`;
  }

  /** Where other programs see the disk. */
  get path(): string {
    return `/proc/${this.#holder.pid}/root${this.folder}/disk`;
  }

  /** From now on every write stands still. Dispose of the result to end that, before the end of a program is awaited. */
  freeze(): Disposable {
    run("nsenter", this.namespace, "fsfreeze", "--freeze", `${this.folder}/disk`);
    this.#frozen = true;
    return { [Symbol.dispose]: () => this.thaw() };
  }

  thaw(): void {
    if (!this.#frozen) return;
    run("nsenter", this.namespace, "fsfreeze", "--unfreeze", `${this.folder}/disk`);
    this.#frozen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw();
    this.#holder.kill("SIGKILL");
    await this.#holder.status;
  }
}

function run(command: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}
