// The soak: the bundle with the image's flags beside a real API server that is killed, with a program that changes our tables,
// on a disk that is frozen, filled and freed. It prints a line a minute, and at the end whether descriptors and memory grew,
// the ledger is whole, and the kernel holds the server's state. It asserts no time; the exit code is 1 where rules or ledger
// are wrong, or where descriptors grew by more than 5 %. Memory gets a verdict alone, because a heap grows and shrinks in
// steps.
//
//   deno task soak [--minutes N]

import { parseArgs } from "node:util";
import { EndpointProbe } from "../support/endpoint_probe.ts";
import { imageCommand } from "../support/bundle.ts";
import { ControlPlane } from "../support/cluster/control_plane.ts";
import { addApiAddress } from "../support/cluster/near_plane.ts";
import { API_ADDRESS, furnishApi } from "../support/cluster/oracle.ts";
import { shell } from "../support/lab/lab.ts";
import { ObservedProgram } from "../support/observed_program.ts";
import { until } from "../support/until.ts";
import { makeServices, patch } from "./peers/cluster.ts";
import { percentile } from "./percentile.ts";

const { values: { minutes: minutesText } } = parseArgs({
  args: Deno.args,
  options: { minutes: { type: "string", default: "60" } },
});
const MINUTES = Number(minutesText);
const SERVICES = 500;
const CHANGES_A_SECOND = 200;
/** Changes that are sent together. */
const TOGETHER = 10;
const DRIFT_SECONDS = 10;
const FROZEN_SECONDS = 10;
const FULL_SECONDS = 10;
const DISK_MEGABYTES = 256;
/** Most growth from the first to the last quarter that counts as flat. */
const GROWTH_MAX = 0.05;
/** In a short run the API server is killed, and the disk fails, at least a few times. */
const KILL_SECONDS = Math.min(120, MINUTES * 15);
const DISK_SECONDS = Math.min(180, MINUTES * 20);
const SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";

/** One line of the report. */
interface Sample {
  readonly descriptors: number;
  /** Bytes that are resident, the mean of the minute. */
  readonly memory: number;
  /** Milliseconds of each answer. */
  readonly livez: readonly number[];
}

const folder = Deno.makeTempDirSync();
const disk = `${folder}/disk`;
const counts = { changes: 0, refused: 0, kills: 0, drifts: 0, frozen: 0, filled: 0 };
let end = Infinity;
const isOver = () => performance.now() > end;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

mountDisk();
addApiAddress();
const plane = await ControlPlane.start(API_ADDRESS);
let code = 1;
try {
  await furnishApi(plane);
  await makeServices(plane, SERVICES);
  code = await soak();
} finally {
  await plane[Symbol.asyncDispose]();
  shell(`umount ${disk}\nip link delete api`);
  Deno.removeSync(folder, { recursive: true });
}
Deno.exit(code);

async function soak(): Promise<number> {
  const flags = [
    "--kubeconfig",
    plane.kubeconfig(),
    "--ledger",
    `${disk}/ledger`,
    "--retain-megabytes",
    "64",
  ];
  const program = new ObservedProgram(`${folder}/log`, ...flags);
  await using _ended = program;
  await until("it serves", () => /are in place|in sync|skeleton written/.test(program.log), 120_000);
  console.log(`${MINUTES} minutes, ${SERVICES} Services, ${CHANGES_A_SECOND} changes a second`);
  const samples: Sample[] = [];
  end = performance.now() + MINUTES * 60_000;
  await Promise.all([change(), killServer(), disturb(), failDisk(), watch(program, samples)]);
  const equal = await equalsServer();
  // After many drifts the next one is put back a minute later.
  await until("the last drift is put back", async () => (await program.health()).drift === null, 120_000);
  const exit = await program.end();
  const whole = await verify();
  const descriptors = growth(samples, ({ descriptors }) => descriptors);
  const memory = growth(samples, ({ memory }) => memory);
  const worst = Math.max(...samples.map(({ livez }) => percentile(livez, 0.99)));
  const p99 = percentile(samples.flatMap(({ livez }) => livez), 0.99);
  console.log(`${JSON.stringify(counts)}`);
  console.log(`first to last quarter: descriptors ${verdict(descriptors)}; memory ${verdict(memory)}`);
  console.log(`/livez p99 ${p99.toFixed(0)} ms, of the worst minute ${worst.toFixed(0)} ms`);
  console.log(`the kernel holds the server's endpoints: ${equal}; exit code ${exit}; ledger: ${whole.said}`);
  if (!whole.ok) console.log(`the ledger is kept: ${keepLedger()}`);
  return equal === "yes" && exit === 0 && whole.ok && isFlat(descriptors) ? 0 : 1;
}

/** Copies the ledger to a folder that stays; returns it. */
function keepLedger(): string {
  const kept = Deno.makeTempDirSync({ prefix: "soak-ledger-" });
  shell(`cp -a ${disk}/ledger/. ${kept}`);
  return kept;
}

/** A small file system of its own, which can be frozen and filled. */
function mountDisk(): void {
  Deno.mkdirSync(disk);
  shell(`truncate -s ${DISK_MEGABYTES}M ${folder}/image
mkfs.ext4 -q ${folder}/image
mount -o loop ${folder}/image ${disk}`);
}

/** Changes endpoints at a steady rate, whether the server is there or not. */
async function change(): Promise<void> {
  const every = 1000 * TOGETHER / CHANGES_A_SECOND;
  for (let number = 0, due = performance.now(); !isOver(); due += every) {
    await Promise.all(
      Array.from({ length: TOGETHER }, () => {
        const service = number++ % SERVICES;
        return patch(plane, service).then(() => counts.changes++, () => counts.refused++);
      }),
    );
    await pause(Math.max(0, due - performance.now()));
  }
}

async function killServer(): Promise<void> {
  for (;;) {
    await waitFor(KILL_SECONDS);
    if (isOver()) return;
    await plane.killApiServer();
    await pause(3000);
    await plane.startApiServer();
    counts.kills++;
  }
}

/** Another program takes one of our tables away, or empties a map. */
async function disturb(): Promise<void> {
  for (;;) {
    await waitFor(DRIFT_SECONDS);
    if (isOver()) return;
    const command = counts.drifts++ % 2 === 0
      ? "flush map ip ledgerproxy endpoints"
      : "delete table ip6 ledgerproxy";
    await new Deno.Command("nft", { args: command.split(" "), stderr: "null" }).output();
  }
}

/** Freezes the disk, lets it rest, fills it, frees it. */
async function failDisk(): Promise<void> {
  for (;;) {
    await waitFor(DISK_SECONDS / 2);
    if (isOver()) return;
    if (counts.frozen <= counts.filled) {
      // fsfreeze waits for writes under way, so it must not block this process.
      await run("fsfreeze", "--freeze", disk);
      await pause(FROZEN_SECONDS * 1000);
      await run("fsfreeze", "--unfreeze", disk);
      counts.frozen++;
    } else {
      await run("sh", "-c", `cat /dev/zero > ${disk}/filler 2> /dev/null; true`);
      await pause(FULL_SECONDS * 1000);
      Deno.removeSync(`${disk}/filler`);
      counts.filled++;
    }
  }
}

async function run(command: string, ...args: readonly string[]): Promise<void> {
  await new Deno.Command(command, { args: [...args] }).output();
}

/** Waits for `seconds`, or until the soak is over. */
async function waitFor(seconds: number): Promise<void> {
  const due = performance.now() + seconds * 1000;
  while (performance.now() < due && !isOver()) await pause(200);
}

/** Prints a line a minute. */
async function watch(program: ObservedProgram, samples: Sample[]): Promise<void> {
  console.log("minute  changes  descriptors  memory  /livez p50, p99");
  for (let minute = 1; !isOver(); minute++) {
    const before = counts.changes;
    const memory = await meanMemory(program);
    const livez = program.takeLivez();
    const sample = { descriptors: program.descriptors(), memory, livez };
    samples.push(sample);
    const changes = counts.changes - before;
    console.log(
      `${minute}  ${changes}  ${sample.descriptors}  ${megabytes(sample.memory)}  ${
        percentile(livez, 0.5).toFixed(1)
      } ms, ${percentile(livez, 0.99).toFixed(1)} ms`,
    );
  }
}

/** The mean of a minute, or until the soak is over: a full disk or a collection moves it by a fifth within seconds. */
async function meanMemory(program: ObservedProgram): Promise<number> {
  const due = performance.now() + 60_000;
  let [sum, count] = [0, 0];
  do {
    sum += program.memory();
    count++;
    await waitFor(1);
  } while (performance.now() < due && !isOver());
  return sum / count;
}

/** From the mean of the first quarter to that of the last, as a share of the first. */
function growth(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const mean = (some: readonly Sample[]) => some.reduce((sum, one) => sum + value(one), 0) / some.length;
  const [first, last] = [mean(samples.slice(0, quarter)), mean(samples.slice(-quarter))];
  return last / first - 1;
}

function isFlat(growth: number): boolean {
  return growth <= GROWTH_MAX;
}

/** `+2.1 %, flat`. */
function verdict(growth: number): string {
  const percent = `${growth < 0 ? "" : "+"}${(growth * 100).toFixed(1)} %`;
  return `${percent}, ${isFlat(growth) ? "flat" : `it grew by more than ${GROWTH_MAX * 100} %`}`;
}

/** Whether the kernel has each endpoint that the server has, and no further one; waits until it does. */
async function equalsServer(): Promise<string> {
  using probe = new EndpointProbe();
  const frontends = await frontendsOfServer();
  const wrong = () =>
    [...frontends].filter(([address, endpoints]) => {
      const slots = Array.from({ length: 8 }, (_, slot) => probe.endpoint({ address, port: 80, slot }));
      return slots.filter((one) => one !== undefined).sort().join() !== endpoints.toSorted().join();
    });
  await until("the kernel is equal", () => wrong().length === 0, 120_000).catch(() => {});
  const left = wrong();
  return left.length === 0 ? "yes" : `no, ${left.length} of ${frontends.size} differ, such as ${left[0]![0]}`;
}

/** The endpoints of each cluster IP, as the server has them. */
async function frontendsOfServer(): Promise<Map<string, string[]>> {
  const items = async (path: string) => (await plane.call("GET", path))["items"] as Record<string, unknown>[];
  const endpoints = new Map<string, string[]>();
  for (const slice of await items(SLICES)) {
    const { metadata, endpoints: all } = slice as {
      metadata: { labels: Record<string, string> };
      endpoints: { addresses: string[] }[];
    };
    const name = metadata.labels["kubernetes.io/service-name"]!;
    endpoints.set(name, [...endpoints.get(name) ?? [], ...all.map(({ addresses }) => addresses[0]!)]);
  }
  const services = await items("/api/v1/namespaces/shop/services");
  return new Map(services.map((service) => {
    const { metadata, spec } = service as { metadata: { name: string }; spec: { clusterIP: string } };
    return [spec.clusterIP, endpoints.get(metadata.name) ?? []];
  }));
}

/** What `verify` says about ledger and kernel. */
async function verify(): Promise<{ ok: boolean; said: string }> {
  const [program, ...args] = imageCommand("verify", `${disk}/ledger`, "--kernel");
  const { success, stdout, stderr } = await new Deno.Command(program!, { args, env: { NO_COLOR: "1" } })
    .output();
  const text = new TextDecoder();
  return { ok: success, said: `${text.decode(stdout)}${text.decode(stderr)}`.trim().replaceAll("\n", "; ") };
}
