// A start commits what the API server reports first before it has made the state. It goes on as after a commit of the process before.

import assert from "node:assert/strict";
import { snapshotLines } from "../../src/fold/snapshot.ts";
import type { Source, SourceBatch } from "../../src/ingest/source.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import type { CommitReceipt } from "../../src/kernel/kernel.ts";
import { KernelRejection } from "../../src/kernel/kernel_rejection.ts";
import { ERRNO } from "../../src/kernel/system_error.ts";
import type { WatchEvent } from "../../src/kube/objects.ts";
import type { Transaction } from "../../src/nft/transaction.ts";
import type { LedgerAhead } from "../../src/node/ledger_ahead.ts";
import { PATHS } from "../../src/fold/skeleton.ts";
import type { CommitRecord } from "../../src/ledger/record.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { digestText, rulesetDigest } from "../../src/plan/digest.ts";
import { begunSource } from "../../src/node/begun_source.ts";
import { commitEarly } from "../../src/node/early_commit.ts";
import { heldPosition } from "../../src/node/held_commit.ts";
import { RunLedger } from "../../src/node/run_ledger.ts";
import { appears, service, slice, vanishes } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";
import { allKept, keptOf } from "../support/kept_records.ts";
import { shell } from "../support/lab/lab.ts";
import { BOOKMARK, line, Server, status, stream } from "../support/api_server.ts";
import { startBeside } from "../support/beside_server.ts";
import { KEEP_ALL } from "../support/ledger_records.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import {
  assertWhole,
  inKernel,
  newNodeFolder,
  served,
  SourceProgram,
  writeSource,
} from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** A node whose rules serve one Service of three endpoints. Its ledger has a snapshot, and a commit behind it. */
async function node(kernel: NetlinkKernel): Promise<{ readonly folder: string; readonly ledger: string }> {
  const folder = newNodeFolder();
  const ledger = `${folder}/store/ledger`;
  for (const endpoints of [2, 3]) {
    writeSource(folder, endpoints);
    await using program = new SourceProgram(folder, "store");
    await until("it serves", served(kernel, endpoints));
    assert.equal(await program.stop(), 0);
    if (endpoints === 3) break;
    using writer = new LedgerWriter(folderStorage(ledger, true), { policy: "always" });
    writeSnapshot(writer, snapshotLines(folded(...allKept(ledger))), KEEP_ALL);
  }
  return { folder, ledger };
}

const events = (...all: readonly WatchEvent[]): SourceBatch => ({
  kind: "events",
  events: all,
  problems: [],
});
const moved = (...hosts: readonly number[]): SourceBatch =>
  events(appears(slice(`shop/web-a :8080/tcp ${hosts.map((host) => `10.244.0.${host}`).join(" ")}`)));

/** What may be otherwise in a start. */
interface Otherwise {
  readonly commit?: (transaction: Transaction) => CommitReceipt;
  readonly changeAhead?: (ahead: LedgerAhead) => void;
}

/** A start of a program that is asked to commit `batches` early. */
async function started(
  kernel: NetlinkKernel,
  folder: string,
  batches: readonly SourceBatch[],
  { commit = (transaction) => kernel.commit(transaction), changeAhead }: Otherwise = {},
) {
  const ledger = new RunLedger({ folder, policy: "always", retention: KEEP_ALL, required: false });
  const held = await ledger.look(heldPosition(kernel));
  assert.ok(held !== undefined && held.generation === kernel.generation());
  const ahead = await ledger.ahead();
  assert.ok(ahead !== undefined);
  changeAhead?.(ahead);
  const config = keptOf(folder, "config").at(-1)!;
  const source: Source = {
    description: "a test",
    async *batches() {
      yield* batches;
    },
  };
  await using begun = begunSource(source, () => ahead.versions);
  const asked = {
    commit,
    generation: () => kernel.generation(),
    element: (...of: Parameters<NetlinkKernel["element"]>) => kernel.element(...of),
  };
  const now = await commitEarly({ kernel: asked, ledger, ahead, config }, begun, held);
  const { engine, ledger: continued } = await ledger.begin(true);
  const left: SourceBatch[] = [];
  for await (const batch of begun.batches(new AbortController().signal)) left.push(batch);
  return { held, now, engine, continued, ledger, left };
}

Deno.test("a change that was missed is committed before the state is made, and the state is that of the ledger", async () => {
  using kernel = new NetlinkKernel();
  const { folder, ledger } = await node(kernel);
  const before = allKept(ledger);
  const { held, now, engine, continued, ledger: opened } = await started(kernel, ledger, [moved(1, 7, 3)]);
  assert.deepEqual(
    [now.position.offset, now.generation],
    [before.length, held.generation + 1],
    "the event is the record behind the last one",
  );
  assert.equal(kernel.generation(), now.generation);
  assert.equal(heldPosition(kernel)!.digest, now.position.digest);
  const { tables, desired, committed, folded } = engine.cluster;
  assert.equal(
    digestText(rulesetDigest(tables, desired)),
    now.position.digest,
    "a start finds its rules untouched",
  );
  assert.deepEqual([committed, folded, continued.next], [
    before.length,
    before.length + 1,
    before.length + 2,
  ]);
  assert.ok(await opened.close());
  const [event, commit] = allKept(ledger).slice(before.length);
  assert.equal(event!.kind, "event");
  const { from, through, changes, outcome } = commit as CommitRecord;
  assert.deepEqual([from, through, outcome, changes.length], [
    held.position.offset + 1,
    before.length,
    "committed",
    2,
  ]);
  assert.ok(changes.every(({ cause }) => cause === before.length));
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("batches about one slice are committed in order, and the loop gets the others alone", async () => {
  using kernel = new NetlinkKernel();
  const { folder, ledger } = await node(kernel);
  const other = events(appears(service("shop/other 10.96.0.9 :80/tcp")));
  const batches = [moved(1, 7, 3), other, moved(1, 8), events(vanishes(slice("shop/web-a :8080/tcp")))];
  const { held, now, engine, ledger: opened, left } = await started(kernel, ledger, batches);
  assert.deepEqual([left, now.generation], [[other], held.generation + 3]);
  const { tables, desired } = engine.cluster;
  assert.equal(digestText(rulesetDigest(tables, desired)), now.position.digest);
  assert.ok(await opened.close());
  assert.deepEqual(allKept(ledger).slice(-6).map(({ kind }) => kind), [
    "event",
    "commit",
    "event",
    "commit",
    "event",
    "commit",
  ]);
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("nothing is committed early where the kernel does not hold what the ledger has, or where the state is needed", async () => {
  using kernel = new NetlinkKernel();
  const { folder, ledger } = await node(kernel);
  const refused = async (batches: readonly SourceBatch[], otherwise: Otherwise = {}) => {
    const [records, generation] = [allKept(ledger).length, kernel.generation()];
    const { held, now, ledger: opened, left } = await started(kernel, ledger, batches, otherwise);
    assert.deepEqual([now, left], [held, batches]);
    assert.ok(await opened.close());
    assert.deepEqual([allKept(ledger).length, kernel.generation()], [records, generation]);
  };
  await refused([]);
  await refused([events(appears(service("shop/web 10.96.0.1 :81/tcp")))]);
  await refused([moved(1, 2, 3), moved(1, 7, 3)], {});
  const list = { kind: "list", objects: [], complete: false, time: "", problems: [] } as const;
  await refused([list]);
  await refused([{ ...list, kinds: ["EndpointSlice"] }]);
  await refused([moved(1, 7, 3)], {
    changeAhead: (ahead) => void Object.defineProperty(ahead, "isWhole", { value: Promise.resolve(false) }),
  });
  // What another program changed before the last commit, which was not noticed.
  shell("nft 'delete element ip ledgerproxy endpoints { 10.96.0.1 . tcp . 80 . 1 }'");
  const last = keptOf(ledger, "commit").at(-1)!;
  {
    using writer = new LedgerWriter(folderStorage(ledger, true), { policy: "always" });
    writer.append([{ ...last, generation: kernel.generation() }]);
  }
  await refused([moved(1, 7, 3)]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a start goes on behind a commit that the kernel refuses, that another one follows, or whose snapshot cannot be read then", async () => {
  using kernel = new NetlinkKernel();
  const { folder, ledger } = await node(kernel);
  const begins = async (host: number, otherwise: Otherwise) => {
    const begun = await started(kernel, ledger, [moved(1, host, 3)], otherwise);
    const { engine, continued, ledger: opened } = begun;
    assert.match(
      JSON.stringify([...engine.cluster.desired.get(PATHS.ip.endpoints)!.values()]),
      new RegExp(`10.244.0.${host} `),
    );
    assert.equal(engine.cluster.folded, continued.next - 1);
    assert.ok(await opened.close());
    return begun;
  };
  const other = await begins(7, {
    commit(transaction) {
      shell("nft add table ip other; nft delete table ip other");
      return kernel.commit(transaction);
    },
  });
  assert.notEqual(other.now.generation, kernel.generation(), "the rules are listed");
  {
    using writer = new LedgerWriter(folderStorage(ledger, true), { policy: "always" });
    writer.append([{ ...keptOf(ledger, "commit").at(-1)!, generation: kernel.generation() }]);
  }
  const unread = await begins(8, {
    changeAhead: (ahead) =>
      void Object.defineProperty(ahead, "beginning", { value: () => Promise.resolve() }),
  });
  assert.equal(unread.now.generation, kernel.generation());
  const refused = await begins(9, {
    commit: () => {
      throw new KernelRejection(null, ERRNO.EBUSY);
    },
  });
  assert.deepEqual(refused.now, refused.held);
  assert.equal(
    keptOf(ledger, "event").length,
    keptOf(ledger, "commit").length + 1,
    "it waits for the next commit",
  );
  writeSource(folder, 4);
  await using program = new SourceProgram(folder, "store");
  await until("it serves", served(kernel, 4));
  assert.equal(await program.stop(), 0);
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});

const SERVICES = 500;
/** Slices of a Service that is absent: to make the state from a snapshot that has them takes long. */
const BIG_SLICES = 150;
const LABEL = "kubernetes.io/service-name";
const address = (i: number) => `10.96.${i >> 8}.${i & 255}`;
const services = Array.from({ length: SERVICES }, (_, i) => ({
  ...{ apiVersion: "v1", kind: "Service" },
  metadata: { name: `s${i}`, namespace: "shop", resourceVersion: "5" },
  spec: { clusterIP: address(i), ports: [{ port: 80 }] },
}));
const sliceOf = (i: number, host: number, version: number) => ({
  ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
  metadata: {
    name: `s${i}-a`,
    namespace: "shop",
    labels: { [LABEL]: `s${i}` },
    resourceVersion: `${version}`,
  },
  ports: [{ name: "", port: 8080, protocol: "TCP" }],
  endpoints: [{ addresses: [`10.244.0.${host}`] }, { addresses: ["10.244.1.1"] }],
});

const big = Array.from({ length: BIG_SLICES }, (_, i) => ({
  ...sliceOf(i, 1, 5),
  metadata: { name: `big-${i}`, namespace: "shop", labels: { [LABEL]: "absent" }, resourceVersion: "5" },
  endpoints: Array.from({ length: 1000 }, (_, i) => ({ addresses: [`10.245.${i >> 8}.${i & 255}`] })),
}));

/** A watch of `objects`: all of them, or those that are newer than the version that is asked for. */
function watched(
  query: URLSearchParams,
  objects: readonly ReturnType<typeof sliceOf>[] | typeof services,
): Response {
  if (!query.has("watch")) return status(422, "Invalid");
  if (query.has("sendInitialEvents")) {
    return stream([...objects.map((one) => line("ADDED", one)), BOOKMARK], true);
  }
  const known = Number(query.get("resourceVersion"));
  const newer = objects.filter(({ metadata }) => Number(metadata.resourceVersion) > known);
  return stream(newer.map((one) => line("MODIFIED", one)), true);
}

Deno.test("a program that starts beside an API server commits what it missed first, and is whole when it is killed then", async () => {
  const folder = newNodeFolder();
  const ledger = `${folder}/ledger`;
  using kernel = new NetlinkKernel();
  let version = 5;
  const slices = services.map((_, i) => sliceOf(i, 1, version));
  await using server = new Server(
    (query) => watched(query, services),
    (path, query) => watched(query, path.endsWith("/endpointslices") ? [...slices, ...big] : []),
  );
  const log = () => Deno.readTextFileSync(`${folder}/log`);
  const isServed = (host: number) =>
    inKernel(kernel).some((element) => element.includes(`10.244.0.${host} . 8080`));
  const first = startBeside(server, folder);
  await until("the rules are in the kernel", () => /skeleton written/.test(log()));
  first.kill("SIGTERM");
  assert.equal((await first.status).code, 0);
  assert.ok(folderStorage(ledger, false).names().some((name) => name.includes("snapshot")));
  let early = 0;
  // A machine that is busy may hold up the answer until the state is made.
  for (let attempt = 1; attempt <= 20 && early < 2; attempt++) {
    const changed = attempt * 7;
    slices[changed] = sliceOf(changed, 100 + attempt, ++version);
    const generation = kernel.generation();
    const started = startBeside(server, folder);
    // This process is the server too: to list the elements again and again would hold up its answers.
    const isCommitted = () => kernel.generation() !== generation && isServed(100 + attempt);
    await until("the change is in the kernel", isCommitted);
    const isEarly = /committed 1 missed change, as of @\d+/.test(log());
    // The first one is killed at once, and the second one goes on.
    if (isEarly && early++ === 0) started.kill("SIGKILL");
    else {
      await until("it follows", () => /reading /.test(log()));
      assert.match(log(), /untouched since/);
      started.kill("SIGTERM");
    }
    await started.status;
  }
  assert.equal(early, 2);
  assert.deepEqual(keptOf(ledger, "drift"), []);
  assertWhole(ledger, kernel);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("metrics follow the source that is read, whether or not a start resumes its watches", async () => {
  const folder = newNodeFolder();
  const slices = services.map((_, i) => sliceOf(i, 1, 5));
  await using server = new Server(
    (query) => watched(query, services),
    (path, query) => watched(query, path.endsWith("/endpointslices") ? slices : []),
  );
  const follows = async () => {
    try {
      const metrics = await (await fetch("http://127.0.0.1:10249/metrics")).text();
      return /^ledgerproxy_source_followed\{resource="EndpointSlice"\} 1$/m.test(metrics);
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  };
  const foreign = "nft add table ip other; nft delete table ip other";
  for (const before of ["true", "true", foreign]) {
    shell(before);
    const started = startBeside(server, folder);
    await until("it follows", follows);
    started.kill("SIGTERM");
    assert.equal((await started.status).code, 0);
  }
  await Deno.remove(folder, { recursive: true });
});
