// `ledgerproxy run` on a folder of JSON, with a disk of its own for the ledger, in the network namespace of the test.

import assert from "node:assert/strict";
import { list } from "../../src/engine/executor.ts";
import { rulesetAt } from "../../src/fold/ruleset_at.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import type { Ruleset } from "../../src/nft/ruleset.ts";
import { elementText } from "../../src/nft/text.ts";
import { POSITION_PATH } from "../../src/plan/position.ts";
import { imageCommand, preloaded } from "./bundle.ts";
import { allKept, keptOf } from "./kept_records.ts";

const ROOT = new URL("../../", import.meta.url);
const HEALTH = "127.0.0.1:10256";

/** Mounts the program's disk at $0/disk: a small one, or the folder $0/store. */
const DISKS = {
  small: "mount -t tmpfs -o size=256k ledger $0/disk",
  /** Without a file on it, and without room for one. */
  fullOfFiles: "mount -t tmpfs -o nr_inodes=1 ledger $0/disk",
  emptyReadOnly: "mount -t tmpfs -o ro ledger $0/disk",
  store: "mount --bind $0/store $0/disk",
  readOnly: "mount --bind $0/store $0/disk && mount -o remount,bind,ro $0/disk",
};

/** `ledgerproxy run` on a source folder. Its ledger is on a disk that is mounted only for this process. */
export class SourceProgram implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  /** `disk` with a namespace is mounted in it already. */
  constructor(
    readonly folder: string,
    disk: keyof typeof DISKS | { readonly namespace: string },
    ...flags: readonly string[]
  ) {
    const [program, entrance, mount] = typeof disk === "string"
      ? ["unshare", "--mount", DISKS[disk]]
      : ["nsenter", disk.namespace, "true"];
    const script = `${mount} && exec "$@" >> $0/log 2>&1`;
    const paths = ["--source", `${folder}/source`, "--ledger", `${folder}/disk/ledger`];
    const more = ["--healthz-bind-address", HEALTH, ...flags];
    const command = this.started(imageCommand("run", "--node", "node-a", ...paths, ...more));
    this.#process = new Deno.Command(program, {
      args: [entrance, "sh", "-c", script, folder, ...command],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).spawn();
  }

  /** The command that starts the program. */
  protected started(command: readonly string[]): readonly string[] {
    return command;
  }

  /** The disk as the program sees it. */
  get disk(): string {
    return `/proc/${this.#process.pid}/root${this.folder}/disk`;
  }

  get log(): string {
    return Deno.readTextFileSync(`${this.folder}/log`);
  }

  /** Open descriptors of the program. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.#process.pid}/fd`)].length;
  }

  /** The segments that it has open to write; none once it has ended. */
  segments(): string[] {
    const { pid } = this.#process;
    const access = (descriptor: string) =>
      Number(
        `0o${/^flags:\s+(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/fdinfo/${descriptor}`))![1]}`,
      ) & 3;
    try {
      return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
        const path = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
        return path.endsWith(".ndjson") && access(name) !== 0 ? [path] : [];
      });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Whether a thread stands still in the kernel, where no signal ends it (state D in proc_pid_stat(5)). */
  get hangs(): boolean {
    const { pid } = this.#process;
    return [...Deno.readDirSync(`/proc/${pid}/task`)].some(({ name }) => {
      try {
        return /\) D /.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`));
      } catch {
        // The thread has ended meanwhile.
        return false;
      }
    });
  }

  /** Changes how the disk is mounted, in the program's own mount namespace: by default, makes a read-only one writable. */
  makeWritable(options = "remount,bind,rw"): void {
    const namespace = `--mount=/proc/${this.#process.pid}/ns/mnt`;
    const args = [namespace, "mount", "-o", options, `${this.folder}/disk`];
    const { success, stderr } = new Deno.Command("nsenter", { args }).outputSync();
    assert.ok(success, new TextDecoder().decode(stderr));
  }

  signal(name: Deno.Signal): void {
    this.#process.kill(name);
  }

  /** Ends it at once, without waiting: a thread that waits for a disk ends later. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async stop(): Promise<number> {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    return (await this.#process.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
  }
}

/** With the capabilities of the container alone: root may not do everything with files of other users. */
export class ContainedProgram extends SourceProgram {
  protected override started(command: readonly string[]): readonly string[] {
    return ["setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all", "--", ...command];
  }
}

/** Its wall clock steps by so many seconds with each SIGUSR2 (clock_steps.ts). */
export class SteppedProgram extends SourceProgram {
  static readonly steps: readonly number[] = [-40 * 86_400, 400 * 86_400, -3600, 30, -400 * 86_400];

  protected override started(command: readonly string[]): readonly string[] {
    const module = new URL("clock_steps.ts", import.meta.url).pathname;
    return ["env", `CLOCK_STEPS=${JSON.stringify(SteppedProgram.steps)}`, ...preloaded(command, module)];
  }
}

/** The writer of its ledger fails once (failing_writer.ts). */
export class FailingProgram extends SourceProgram {
  protected override started(command: readonly string[]): readonly string[] {
    return preloaded(command, new URL("failing_writer.ts", import.meta.url).pathname);
  }
}

/** What a {@link SourceProgram} answers at /healthz; undefined while it does not answer. */
export async function health() {
  try {
    return await (await fetch(`http://${HEALTH}/healthz`)).json();
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Whether /healthz says that the ledger cannot be written; false while nothing answers. */
export const ledgerFails = async (): Promise<boolean> => Boolean(await ledgerProblem());
/** Whether it says that the ledger is written; false while nothing answers. */
export const ledgerIsWritten = async (): Promise<boolean> => await ledgerProblem() === "";
const ledgerProblem = async (): Promise<string | undefined> => (await health())?.ledger?.problem;

/**
 * A folder with places for source, disk and store, on a node without rules: those of the test before would count as served before
 * the program has started.
 */
export function newNodeFolder(): string {
  using kernel = new NetlinkKernel();
  removeTables(kernel);
  const folder = Deno.makeTempDirSync();
  for (const name of ["source", "disk", "store"]) Deno.mkdirSync(`${folder}/${name}`);
  return folder;
}

/**
 * Puts slices of no Service into the source: they fill the ledger, so that a snapshot is due, and change no rule. Another `version`
 * changes all of them: so many records of 0.1 MB each.
 */
export function writeBigSlices(folder: string, version = 0, slices = 40): void {
  const items = Array.from({ length: slices }, (_, slice) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `big-${slice}`, namespace: "shop", labels: { "kubernetes.io/service-name": "absent" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: Array.from({ length: 1000 }, (_, i) => ({
      addresses: [`10.${slice % 256}.${i >> 8}.${i & 255}`],
      nodeName: `node-${version}-with-a-long-name-that-fills-lines-${i}`,
    })),
  }));
  Deno.writeTextFileSync(`${folder}/next`, JSON.stringify({ kind: "List", items }));
  Deno.renameSync(`${folder}/next`, `${folder}/source/big.json`);
}

/**
 * Puts a Service and its slice into the source; `endpoints` counts them, `spec` is put over the Service's. `more` is the name of
 * another Service, without endpoints.
 */
export function writeSource(folder: string, endpoints: number, spec: object = {}, more?: string): void {
  const objects = [
    ...more === undefined ? [] : [{
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: more, namespace: "shop" },
      spec: { clusterIP: "10.96.0.2", ports: [{ port: 80 }] },
    }],
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }], ...spec },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ port: 8080, name: "", protocol: "TCP" }],
      endpoints: Array.from({ length: endpoints }, (_, i) => ({ addresses: [`10.244.0.${i + 1}`] })),
    },
  ];
  // The file is moved into place, so that the program never reads half of it.
  Deno.writeTextFileSync(`${folder}/next`, JSON.stringify({ kind: "List", items: objects }));
  Deno.renameSync(`${folder}/next`, `${folder}/source/all.json`);
}

const elements = ({ elements }: Ruleset) =>
  [...elements].flatMap(([path, set]) =>
    path === POSITION_PATH ? [] : [...set.values()].map((element) => `${path} ${elementText(element)}`)
  ).sort();
/** The elements that the kernel holds, without the position. */
export const inKernel = (kernel: NetlinkKernel) => elements((list(kernel) as { ruleset: Ruleset }).ruleset);
/** Whether the Service is served by so many endpoints. */
export const served = (kernel: NetlinkKernel, endpoints: number) => () =>
  inKernel(kernel).filter((text) => /^ip ledgerproxy (single-)?endpoints /.test(text)).length === endpoints;
/** The assertions about a ledger at the end of a test. */
export function assertWhole(ledger: string, kernel: NetlinkKernel): void {
  const storage = folderStorage(ledger, false);
  assert.deepEqual(verifyLedger(storage), []);
  assert.deepEqual(elements(rulesetAt(readLedger(storage))), inKernel(kernel), "kernel = fold(ledger)");
}

/**
 * Whether no change of another program is left in the kernel, as the ledger has it: its last commit is behind the last drift. Only
 * then does the program listen again: a comparison finds what another program changes between its batch and that, and does not know
 * which program it was.
 */
export function isPutBack(ledger: string): boolean {
  const kinds = allKept(ledger).map(({ kind }) => kind);
  return kinds.lastIndexOf("commit") > kinds.lastIndexOf("drift");
}

/** Whether another program may change our tables now: its last change is recorded and put back ({@link isPutBack}). */
export function inTurn(ledger: string): () => boolean {
  let acted = -1;
  return () => {
    const recorded = keptOf(ledger, "drift").length;
    if (recorded === acted || !isPutBack(ledger)) return false;
    acted = recorded;
    return true;
  };
}

/** As a reboot does. */
export function removeTables(kernel: NetlinkKernel): void {
  kernel.commit(
    kernel.tables().map(({ family, name }) => ({ verb: "delete", noun: "table", family, table: name })),
  );
}
