// Ledgers of one small cluster, each damaged in another way, and how a start of the program comes out on each: while our rules are in
// the kernel or gone, with the API server there or away.

import assert from "node:assert/strict";
import { crc32, zstdCompressSync } from "node:zlib";
import { type SnapshotLine } from "../../src/fold/snapshot.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { isWrongPosition } from "../../src/history/past.ts";
import { verifyPast } from "../../src/history/verify.ts";
import type { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { readBackward } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { addSnapshot } from "./added_snapshot.ts";
import { imageCommand } from "./bundle.ts";
import { kubeconfig, line, Server, stream } from "./api_server.ts";
import { nft } from "./private_namespace.ts";
import { inKernel, removeTables } from "./source_program.ts";
import { until } from "./until.ts";

/** Services that stand at the end of the ledger, and Services that were deleted before. */
export const ALIVE = ["web", "db"];
const DEAD = ["early", "gone"];
const ADDRESS: Readonly<Record<string, number>> = { web: 1, db: 2, early: 3, gone: 4 };
const ENDPOINTS = 3;
const BOOKMARK = {
  metadata: { resourceVersion: "100", annotations: { "k8s.io/initial-events-end": "true" } },
};

const serviceObject = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop", resourceVersion: String(10 + ADDRESS[name]!) },
  spec: { clusterIP: `10.96.0.${ADDRESS[name]}`, ports: [{ port: 80 }] },
});
const sliceObject = (name: string) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: {
    name: `${name}-a`,
    namespace: "shop",
    resourceVersion: String(20 + ADDRESS[name]!),
    labels: { "kubernetes.io/service-name": name },
  },
  addressType: "IPv4",
  ports: [{ port: 8080, name: "", protocol: "TCP" }],
  endpoints: Array.from(
    { length: ENDPOINTS },
    (_, i) => ({ addresses: [`10.244.${ADDRESS[name]}.${i + 1}`] }),
  ),
});

const NODE = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-a", resourceVersion: "5" },
  status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
};

/** A server that lists the Services {@link ALIVE}. */
export function aliveServer(): Server {
  const added = (objects: readonly unknown[], last: object) =>
    stream(
      [...objects.map((object) => line("ADDED", object)), line("BOOKMARK", { ...last, ...BOOKMARK })],
      true,
    );
  return new Server(
    (query) =>
      query.get("sendInitialEvents") === "true"
        ? added(ALIVE.map(serviceObject), { apiVersion: "v1", kind: "Service" })
        : stream([], true),
    (path, query) => {
      if (query.get("sendInitialEvents") !== "true") return stream([], true);
      const [, , group, version, resource] = path.split("/");
      if (resource === "endpointslices") {
        return added(ALIVE.map(sliceObject), { apiVersion: `${group}/${version}`, kind: "EndpointSlice" });
      }
      return path === "/api/v1/nodes"
        ? added([NODE], { apiVersion: "v1", kind: "Node" })
        : added([], { apiVersion: `${group}/${version}`, kind: "ServiceCIDR" });
    },
  );
}

/** The whole ledger as files, an older copy of them, and the rules that it led to, in the language of nft. */
export interface WholeLedger {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly older: ReadonlyMap<string, Uint8Array>;
  readonly rules: string;
}

/** Runs the program on changing sources in `folder`. A snapshot ends the first segment. */
export async function wholeLedger(folder: string, kernel: NetlinkKernel): Promise<WholeLedger> {
  const ledger = `${folder}/whole`;
  const runWith = async (...names: readonly string[]) => {
    const objects = names.flatMap((name) => [serviceObject(name), sliceObject(name)]);
    Deno.writeTextFileSync(`${folder}/source.json`, JSON.stringify({ kind: "List", items: objects }));
    const flags = ["--once", "--source", `${folder}/source.json`];
    const { success, stderr } = await command(ledger, flags).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  removeTables(kernel);
  await runWith("web", "early");
  await runWith("web");
  addSnapshot(folderStorage(ledger, false));
  const older = filesOf(ledger);
  await runWith("web", "db", "gone");
  await runWith("web", "db");
  return { files: filesOf(ledger), older, rules: nft(["list", "ruleset"]) };
}

/** Whether the program has read the cluster and serves it. */
async function isHealthy(): Promise<boolean> {
  try {
    const answer = await fetch("http://127.0.0.1:10256/healthz");
    await answer.body?.cancel();
    return answer.ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

function command(ledger: string, flags: readonly string[]): Deno.Command {
  const [program, ...args] = imageCommand(
    "run",
    ...["--node", "node-a", "--ledger", ledger, "--healthz-bind-address", "127.0.0.1:10256", ...flags],
  );
  return new Deno.Command(program!, { args, env: { NO_COLOR: "1" }, stdin: "null", stderr: "piped" });
}

function filesOf(folder: string): Map<string, Uint8Array> {
  const files = [...Deno.readDirSync(folder)].filter(({ isFile, name }) => isFile && name !== "writer.lock");
  return new Map(
    files.map(({ name }) => [name, Deno.readFileSync(`${folder}/${name}`)] as const).sort(([a], [b]) =>
      a < b ? -1 : 1
    ),
  );
}

type Files = Map<string, Uint8Array>;
/** Changes the files of a ledger. */
export type Damage = (files: Files, whole: WholeLedger) => void;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const segments = (files: Files) => [...files.keys()].filter((name) => name.endsWith(".ndjson")).sort();
const snapshots = (files: Files) => [...files.keys()].filter((name) => name.includes(".snapshot."));

function edit(files: Files, name: string, change: (lines: string[]) => string[]): void {
  const lines = text(files.get(name)!).split("\n").slice(0, -1);
  files.set(name, bytesOf(change(lines).map((line) => `${line}\n`).join("")));
}

const first = (change: (lines: string[]) => string[]): Damage => (files) =>
  edit(files, segments(files)[0]!, change);
const last = (change: (lines: string[]) => string[]): Damage => (files) =>
  edit(files, segments(files).at(-1)!, change);
/** The last line that contains all `words`. */
function lineWith(lines: readonly string[], ...words: readonly string[]): number {
  const at = lines.findLastIndex((line) => words.every((word) => line.includes(word)));
  assert.ok(at >= 0, words.join(" "));
  return at;
}
const broken = (line: string) => `${line.slice(0, 30)}${line[30] === "x" ? "y" : "x"}${line.slice(31)}`;
const breaks = (...words: readonly string[]) => (lines: string[]) =>
  lines.with(lineWith(lines, ...words), broken(lines[lineWith(lines, ...words)]!));
const DELETION = ['"name":"gone"', '"kind":"Service"', '"value":null'];
const resealed = (line: string, from: string, to: string) => {
  const covered = line.slice(0, line.lastIndexOf(',"crc"')).replace(from, to);
  return `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}`;
};

/** How a ledger is damaged, by name. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  "a bit of the first header": first((lines) => lines.with(0, broken(lines[0]!))),
  "a bit of the last header": last((lines) => lines.with(0, broken(lines[0]!))),
  "a bit of the configuration": first(breaks('"kind":"config"')),
  "a bit of a Service that stands": last(breaks('"name":"db"', '"kind":"Service"')),
  "a bit of a slice that stands": last(breaks('"name":"db-a"')),
  "a bit of an old Service that stands": first(breaks('"name":"web"', '"kind":"Service"')),
  "a bit of a deletion": last(breaks(...DELETION)),
  "a bit of an old deletion": first(breaks('"name":"early"', '"value":null')),
  "a bit of the last commit": last(breaks('"kind":"commit"')),
  "a bit of the first commit": first(breaks('"kind":"commit"')),
  "a bit of the snapshot": (files) => {
    const [name] = snapshots(files);
    files.set(name!, files.get(name!)!.map((byte, i) => i === 60 ? byte ^ 4 : byte));
  },
  "a torn tail": (files) =>
    files.set(segments(files).at(-1)!, files.get(segments(files).at(-1)!)!.slice(0, -40)),
  "cut before the last commit": last((lines) => lines.slice(0, lineWith(lines, '"kind":"commit"'))),
  "cut before a deletion": last((lines) => lines.slice(0, lineWith(lines, ...DELETION))),
  "cut within the last segment": last((lines) => lines.slice(0, 2)),
  "the last segment empty": (files) => files.set(segments(files).at(-1)!, new Uint8Array()),
  "the last segment gone": (files) => files.delete(segments(files).at(-1)!),
  "the last segment garbage": (files) =>
    files.set(segments(files).at(-1)!, files.get(segments(files).at(-1)!)!.map((_, i) => (i * 89) & 255)),
  "the first segment gone": (files) => files.delete(segments(files)[0]!),
  "the first segment gone, the snapshot broken": (files) => {
    files.delete(segments(files)[0]!);
    files.set(snapshots(files)[0]!, new Uint8Array(100));
  },
  "the first segment and the snapshot gone": (files) => {
    files.delete(segments(files)[0]!);
    files.delete(snapshots(files)[0]!);
  },
  "the snapshot gone": (files) => files.delete(snapshots(files)[0]!),
  "two records exchanged": last((lines) => lines.with(2, lines[3]!).with(3, lines[2]!)),
  "a record twice": last((lines) => lines.toSpliced(2, 0, lines[2]!)),
  "a record left out": last((lines) => lines.toSpliced(2, 1)),
  "zeros behind the end": (files) => {
    const name = segments(files).at(-1)!;
    files.set(name, new Uint8Array([...files.get(name)!, ...new Uint8Array(4096)]));
  },
  "the segments exchanged": (files) => {
    const [a, b] = segments(files) as [string, string];
    const [one, other] = [files.get(a)!, files.get(b)!];
    files.set(a, other).set(b, one);
  },
  "a compressed segment that is cut": (files) => {
    const name = segments(files).at(-1)!;
    files.set(`${name}.zst`, new Uint8Array(zstdCompressSync(files.get(name)!)).slice(0, -30));
    files.delete(name);
  },
  "an older copy": (files, { older }) => {
    files.clear();
    for (const [name, bytes] of older) files.set(name, bytes);
  },
  "a later format": first((lines) => lines.with(0, resealed(lines[0]!, '"version":1', '"version":2'))),
  "a wrong shape with a right CRC": last((lines) => {
    const at = lineWith(lines, '"kind":"commit"');
    return lines.with(at, resealed(lines[at]!, '"changes":[', '"changes":["x",'));
  }),
  "all of it": (files) => files.clear(),
};

/**
 * What no start can know where the rules are gone and the API server is away, because the only records of it are destroyed:
 * Services that are not served (-), or that are served though they were deleted (+).
 */
const FORGOTTEN: Readonly<Record<string, string>> = {
  "a bit of a Service that stands": "-db",
  "a bit of a slice that stands": "-db",
  "cut before a deletion": "+gone",
  "cut within the last segment": "-db",
  "the last segment empty": "-db",
  "the last segment gone": "-db",
  "the last segment garbage": "-db",
  "the first segment gone, the snapshot broken": "-web",
  "the first segment and the snapshot gone": "-web",
  "the segments exchanged": "-db",
  "a compressed segment that is cut": "-db",
  "an older copy": "-db",
  "all of it": "-web -db",
};

/** The circumstances of a start. */
export interface Circumstances {
  /** Whether our rules are in the kernel. */
  readonly standing: boolean;
  /** Whether the API server can be reached. */
  readonly server: boolean;
}

/** All of them. */
export const CIRCUMSTANCES: readonly Circumstances[] = [true, false].flatMap((standing) =>
  [true, false].map((server) => ({ standing, server }))
);

/** What the kernel holds after the start. */
export interface Held {
  /** Services of {@link ALIVE} that are not served whole. */
  readonly lost: readonly string[];
  /** Services of {@link DEAD} that are there. */
  readonly returned: readonly string[];
}

/** How a start came out. */
export interface StartOutcome extends Held {
  /** What log and ledger say about the past. */
  readonly named: readonly string[];
  /** What is wrong with the ledger afterwards: problems of `verify`, questions that fail. */
  readonly problems: readonly string[];
  readonly log: string;
}

/** Where the starts are made. */
export interface Stage {
  readonly folder: string;
  readonly kernel: NetlinkKernel;
  readonly api: Server;
}

/** Starts the program on the whole ledger after `damage`. */
export async function startOn(
  whole: WholeLedger,
  damage: Damage,
  { standing, server }: Circumstances,
  { folder, kernel, api }: Stage,
): Promise<StartOutcome> {
  const ledger = `${folder}/ledger`;
  Deno.mkdirSync(ledger);
  const files = new Map(whole.files);
  damage(files, whole);
  for (const [name, bytes] of files) Deno.writeFileSync(`${ledger}/${name}`, bytes);
  removeTables(kernel);
  if (standing) nft(["-f", "-"], whole.rules);
  // Nothing listens at port 9 (discard) of this namespace.
  const path = server ? api.kubeconfig() : kubeconfig(folder, "https://127.0.0.1:9");
  // Without a server the log names each resource once the rules that the ledger leads to are there.
  const started = async (log: string) =>
    server ? await isHealthy() && isRight(heldIn(kernel)) : /Service: .*; trying again/.test(log);
  const before = problemsOf(ledger);
  const log = await logOf(command(ledger, ["--kubeconfig", path]), started);
  const problems = await failuresOf(ledger, before);
  const named = [...log.split("\n").filter((line) => PAST.test(line)), ...gapsOf(ledger), ...before];
  Deno.removeSync(ledger, { recursive: true });
  return { ...heldIn(kernel), named, problems, log };
}

/** A warning about the past, not about tables that are gone and servers that cannot be reached. */
const PAST = / (warning|error): .*(ledger|segment|snapshot|records|the rules follow)/;

/** Runs `program` until it `started`, or for a while; returns its log. */
async function logOf(program: Deno.Command, started: (log: string) => Promise<boolean>): Promise<string> {
  const process = program.spawn();
  let log = "";
  const reading = (async () => {
    for await (const chunk of process.stderr.pipeThrough(new TextDecoderStream())) log += chunk;
  })();
  try {
    await until("it started", () => started(log));
  } catch (error) {
    log += String(error);
  } finally {
    process.kill("SIGTERM");
    await process.status;
    await reading;
  }
  return log;
}

const pastOf = (ledger: string) => ledgerView<SnapshotLine>(folderStorage(ledger, false), snapshotMisfit);

/** What `verify` finds. */
function problemsOf(ledger: string): readonly string[] {
  const past = pastOf(ledger);
  if (past.segments().length === 0) return [];
  try {
    return verifyPast(past).verdict.problems;
  } catch (error) {
    if (isWrongPosition(error)) return [error.message];
    throw error;
  }
}

/** What the ledger records about its own past: gaps and disagreements. */
function gapsOf(ledger: string): string[] {
  const past = pastOf(ledger);
  if (past.segments().length === 0) return [];
  const found: string[] = [];
  try {
    for (const { record } of readBackward(folderStorage(ledger, false))) {
      if (record.kind === "drift") found.push(...record.changes);
      if (record.kind === "gap" && record.checkpoint === undefined) found.push(record.reason);
    }
  } catch (error) {
    if (!isLedgerDamage(error)) throw error;
  }
  return found;
}

/** What is wrong with the ledger after the start, and was not wrong before: what `verify` finds, and questions about now. */
async function failuresOf(ledger: string, before: readonly string[]): Promise<string[]> {
  if (pastOf(ledger).segments().length === 0) return [];
  const failed: string[] = [];
  for (const question of ["services", "show HEAD", "status", "log"]) {
    const { code, text, error } = await ask(question, ledger);
    const answers = question === "log" || text !== "";
    if (answers && (code < 2 || isNamed(error))) continue;
    failed.push(`${question}: exit code ${code}, ${error}`);
  }
  return [...failed, ...problemsOf(ledger).filter((problem) => !before.includes(problem))];
}

/** Whether an error names the damage with its place, or what is gone. */
const isNamed = (error: string) => /\.ndjson(\.zst)?:\d+ \(byte \d+\)|is gone/.test(error);

async function ask(question: string, ledger: string) {
  const [program, ...args] = imageCommand(...question.split(" "), "--ledger", ledger);
  const options = { args, env: { NO_COLOR: "1" }, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(program!, options).output();
  return { code, text: text(stdout), error: text(stderr) };
}

/** Whether exactly the Services that stand are served. */
function isRight({ lost, returned }: Held): boolean {
  return lost.length === 0 && returned.length === 0;
}

/** `-db +gone`: what was lost, and what came back. */
export function heldText({ lost, returned }: Held): string {
  return [...lost.map((name) => `-${name}`), ...returned.map((name) => `+${name}`)].join(" ");
}

/** Whether `held` is right after `damage`, or only lacks what no whole record had. */
export function verdictOf(
  damage: string,
  { standing, server }: Circumstances,
  held: Held,
): "right" | "unknowable" | "wrong" {
  if (isRight(held)) return "right";
  return !standing && !server && heldText(held) === FORGOTTEN[damage] ? "unknowable" : "wrong";
}

function heldIn(kernel: NetlinkKernel): Held {
  const elements = inKernel(kernel);
  const has = (name: string) =>
    elements.some((element) =>
      element.includes(`10.96.0.${ADDRESS[name]} `) || element.includes(`10.244.${ADDRESS[name]}.`)
    );
  const serves = servesWhole(kernel);
  return { lost: ALIVE.filter((name) => !serves.includes(name)), returned: DEAD.filter(has) };
}

/** The names of {@link ALIVE} that the kernel serves with each endpoint; "" for the others. */
function servesWhole(kernel: NetlinkKernel): string[] {
  const elements = inKernel(kernel);
  return ALIVE.map((name) => {
    const endpoints = elements.filter((element) =>
      /^ip ledgerproxy endpoints /.test(element) && element.includes(`: 10.244.${ADDRESS[name]}.`)
    );
    return endpoints.length === ENDPOINTS ? name : "";
  });
}
