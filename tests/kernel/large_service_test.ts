// The shipped program and Services of very many ports and endpoints: all other Services are served, /livez answers, memory
// stays bounded, and the ledger shows what was done.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import type { TableName } from "../../src/kernel/kernel.ts";
import { ERRNO, SystemError } from "../../src/kernel/system_error.ts";
import type { Ruleset } from "../../src/nft/ruleset.ts";
import { imageCommand } from "../support/bundle.ts";
import type { Answered, Asked } from "../support/livez_asker.ts";
import { shell } from "../support/lab/lab.ts";
import { largeService, smallServices } from "../support/large_service.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { assertWhole, newNodeFolder } from "../support/source_program.ts";
import { until } from "../support/until.ts";
import { stringify } from "yaml";

requirePrivateNamespace();

const HEALTH = "127.0.0.1:10256";
const METRICS = "127.0.0.1:10249";
const MEMORY_MAX = 600e6;
const PATIENCE = 120_000;
/** Most that a request to /livez may take, without what the program waits for a CPU. */
const ANSWER_MILLISECONDS = 3000;

/** The program on a folder of manifests. While it runs /livez is asked all the time. */
class Program implements AsyncDisposable {
  readonly folder = newNodeFolder();
  readonly ledger = `${this.folder}/store/ledger`;
  readonly #process: Deno.ChildProcess;
  readonly #asker = new Worker(new URL("../support/livez_asker.ts", import.meta.url), { type: "module" });
  /** Requests that were not answered, or not in time, once one was. */
  readonly late: Answered[] = [];
  answered = 0;

  constructor(files: Readonly<Record<string, readonly object[]>>) {
    for (const [name, objects] of Object.entries(files)) this.write(name, objects);
    const program = imageCommand(
      ...["run", "--node", "node-a", "--source", `${this.folder}/source`, "--ledger", this.ledger],
      ...["--healthz-bind-address", HEALTH, "--metrics-bind-address", METRICS],
    );
    this.#process = new Deno.Command("sh", {
      args: ["-c", `exec 2>> $0/log; exec "$@"`, this.folder, ...program],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#asker.onmessage = ({ data }: MessageEvent<Answered>) => {
      if (data.answer.startsWith("200 ") && data.milliseconds <= ANSWER_MILLISECONDS) this.answered++;
      else this.late.push(data);
    };
    const asked: Asked = { url: `http://${HEALTH}/livez`, pid: this.#process.pid };
    this.#asker.postMessage(asked);
  }

  /** Puts a file of YAML into the source; it is moved into place, so that the program never reads half of it. */
  write(name: string, objects: readonly object[]): void {
    const text = objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join("---\n");
    Deno.writeTextFileSync(`${this.folder}/next`, text);
    Deno.renameSync(`${this.folder}/next`, `${this.folder}/source/${name}.yaml`);
  }

  get log(): string {
    return Deno.readTextFileSync(`${this.folder}/log`);
  }

  /** VmHWM of the program (proc(5)), in bytes. */
  get peakMemory(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#process.pid}/status`);
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  async page(path: string): Promise<string> {
    const response = await fetch(`http://${METRICS}${path}`);
    return await response.text();
  }

  /** Ends the program, and asserts that it served and was alive all the time. */
  async end(): Promise<void> {
    // What was answered while the test was busy is received now, and one answer more.
    const before = this.answered + this.late.length;
    await until("/livez answers", () => this.answered + this.late.length > before);
    this.#asker.terminate();
    this.#process.kill("SIGTERM");
    assert.equal((await this.#process.status).code, 0);
    assert.deepEqual(this.late, [], "/livez answers all the time");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#asker.terminate();
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A listing that no commit of the program interrupts: its steps follow each other closely. */
function listedBetween(kernel: NetlinkKernel, table: TableName): Ruleset {
  for (;;) {
    try {
      return kernel.list([table]);
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== ERRNO.EINTR) throw error;
    }
  }
}

/** How many slots the Services whose names begin with each of `prefixes` have in the kernel, at one moment. */
function slotsOf(kernel: NetlinkKernel, ...prefixes: readonly string[]): number[] {
  const [table] = OUR_TABLES;
  if (kernel.tables().length < OUR_TABLES.length) return prefixes.map(() => 0);
  const elements = listedBetween(kernel, table!).elements.get(PATHS.ip.endpoints) ?? new Map();
  const comments = [...elements.values()].map(({ comment }) => comment!);
  return prefixes.map((prefix) => comments.filter((comment) => comment.startsWith(prefix)).length);
}

const slots = (kernel: NetlinkKernel, namespace: string) => slotsOf(kernel, `${namespace}/`)[0]!;

Deno.test("a Service of 2,000 ports and 1,000 endpoints is set aside, and the log, metrics and details say why", async () => {
  using kernel = new NetlinkKernel();
  await using program = new Program({
    attack: largeService("evil/big", 0, 2000, 1000),
    innocent: smallServices(20, 2),
  });
  await until("the 20 others are served", () => slots(kernel, "shop") === 40, PATIENCE);
  await until("/livez answers", () => program.answered > 0, PATIENCE);
  const reason = /too large: about 2002000 elements, at most 65536/;
  const said = new RegExp(`evil/big is set aside until it changes: ${reason.source}`);
  await until("the log says so", () => said.test(program.log));
  assert.match(await program.page("/metrics"), /^ledgerproxy_services_set_aside 1$/m);
  assert.match(JSON.parse(await program.page("/details")).setAside["evil/big"], reason);
  program.write("innocent", smallServices(20, 3));
  await until("a change of the others is served", () => slots(kernel, "shop") === 60, PATIENCE);
  program.write("attack", largeService("evil/big", 0, 20, 10));
  await until("it is served once it is smaller", () => slots(kernel, "evil") === 200, PATIENCE);
  assert.ok(program.peakMemory < MEMORY_MAX, `${program.peakMemory} bytes`);
  await program.end();
  assertWhole(program.ledger, kernel);
});

Deno.test("a Service of 1,500 ports and 40 endpoints is served whole, and others change meanwhile", async () => {
  using kernel = new NetlinkKernel();
  await using program = new Program({
    large: largeService("big/media", 0, 1500, 40),
    innocent: smallServices(20, 2),
  });
  await until("the 20 others are served", () => slots(kernel, "shop") === 40, PATIENCE);
  program.write("innocent", smallServices(20, 3));
  await until("a change of the others is served", () => slots(kernel, "shop") === 60, PATIENCE);
  await until("the large Service is served", () => slots(kernel, "big") === 60_000, PATIENCE);
  program.write("large", largeService("big/media", 0, 1500, 39));
  await until("its change is served", () => slots(kernel, "big") === 58_500, PATIENCE);
  assert.ok(program.peakMemory < MEMORY_MAX, `${program.peakMemory} bytes`);
  await program.end();
  assertWhole(program.ledger, kernel);
});

Deno.test("ten Services just below the bound are served, after 20 others", async () => {
  using kernel = new NetlinkKernel();
  const attack = Array.from({ length: 10 }, (_, i) => largeService(`evil${i % 3}/t${i}`, i, 600, 100)).flat();
  await using program = new Program({ attack, innocent: smallServices(20, 2) });
  let [others, large] = [0, 0];
  await until("the 20 others are served", () => {
    [others = 0, large = 0] = slotsOf(kernel, "shop/", "evil");
    return others === 40;
  }, PATIENCE);
  assert.ok(large < 600_000, "and do not wait for the large ones");
  // A listing of so many elements by the test would take the program's time.
  const finished = async () => /^ledgerproxy_services_unfinished 0$/m.test(await program.page("/metrics"));
  await until("the large Services are served", finished, 4 * PATIENCE);
  assert.deepEqual(slotsOf(kernel, "evil"), [600_000]);
  assert.ok(program.peakMemory < MEMORY_MAX, `${program.peakMemory} bytes`);
  await program.end();
  assertWhole(program.ledger, kernel);
});

/** Most chains, sets and maps that are made for all Services with affinity and one timeout together. */
const AFFINITY_OBJECTS_MAX = 4;

Deno.test("a Service of 100 ports and 50 endpoints with ClientIP affinity makes no chain and no set for a port or an endpoint", async () => {
  using kernel = new NetlinkKernel();
  await using program = new Program({ innocent: smallServices(20, 2) });
  await until("the 20 others are served", () => slots(kernel, "shop") === 40, PATIENCE);
  const listed = () => shell("nft list table ip ledgerproxy");
  // The kernel looks at all chains that a new verdict may lead to, and looks for a set among all sets of the table.
  const objects = (): string[] => listed().match(/^\t(chain|set|map) \S+/gm) ?? [];
  const before = objects();
  program.write("sticky", largeService("evil/sticky", 0, 100, 50, true));
  await until(
    "its last endpoint is in the kernel",
    () => /10\.128\.0\.49( \. |:)100\b/.test(listed()),
    PATIENCE,
  );
  const made = objects().filter((object) => !before.includes(object));
  assert.ok(
    made.length <= AFFINITY_OBJECTS_MAX,
    `${made.length} are made, such as ${made.slice(0, 3).join(", ")}`,
  );
  program.write("innocent", smallServices(21, 2));
  await until("a new Service of another namespace is served", () => slots(kernel, "shop") === 42, PATIENCE);
  await program.end();
  assertWhole(program.ledger, kernel);
});
