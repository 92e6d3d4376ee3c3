// The time of each step beside its floor: the least that any program in this runtime has to do for that step. The
// ratios are measured in one run.
//
//   deno task bench:floors [SERVICES]

import { createHash, hash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { OUR_TABLES } from "../../src/engine/kernel_tables.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { noChanges } from "../../src/fold/fold_changes.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { CONTAINERS, skeleton, TABLE } from "../../src/fold/skeleton.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { encodeBatch } from "../../src/kernel/netlink_batch.ts";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { NetlinkRequests } from "../../src/kernel/netlink_requests.ts";
import { NetlinkSocket } from "../../src/kernel/netlink_socket.ts";
import * as nf from "../../src/kernel/nf_tables.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { objectKey } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { EventRecord, Offset } from "../../src/ledger/record.ts";
import { newestSnapshot } from "../../src/ledger/snapshot.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { splitSetPath } from "../../src/nft/ruleset.ts";
import { createTable } from "../../src/nft/transaction.ts";
import { advanceDigest, digestText, rulesetDigest, tablesDigest } from "../../src/plan/digest.ts";
import { elementOperations, plan } from "../../src/plan/plan.ts";
import { POSITION_PATH, positionElement } from "../../src/plan/position.ts";
import { table } from "./table.ts";

const services = Number(Deno.args[0] ?? 10_000);
const CHANGES = 300;
const TIME = "2026-11-23T00:00:00.000Z";
const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };
const rows: string[][] = [["step", "takes", "floor", "ratio", "the floor is"]];

function timed<T>(work: () => T): [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

function note(step: string, takes: number, floor: number, what: string): void {
  rows.push([step, `${takes.toFixed(1)} ms`, `${floor.toFixed(1)} ms`, (takes / floor).toFixed(1), what]);
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
const folder = Deno.makeTempDirSync();
const storage = folderStorage(folder, true);
const made = Array.from({ length: services }, (_, i) => objectsOf(i).map((object) => JSON.stringify(object)));
// In the order in which an API server is listed: slices before their Services.
const lines = [...made.map(([, slice]) => slice!), ...made.map(([service]) => service!)];

const [, parsing] = timed(() => lines.map((line) => void JSON.parse(line)));
const [events, reading] = timed(() => lines.map(eventOf));
note("read objects", reading, parsing, `JSON.parse of ${megabytes(lines.join("").length)}`);

const [, appending] = timed(() => {
  using ledger = new LedgerWriter(storage, { policy: "interval" });
  for (let at = 0; at < events.length; at += 1000) ledger.append(events.slice(at, at + 1000));
});
const written = Deno.readFileSync(`${folder}/${storage.names().find((name) => name.endsWith(".ndjson"))}`);
const [, writing] = timed(() => {
  createHash("sha256").update(written).digest();
  using file = Deno.openSync(`${folder}/copy`, { create: true, write: true });
  file.writeSync(written);
  file.syncDataSync();
});
note(
  "append to the ledger",
  appending,
  writing,
  `SHA-256 of ${megabytes(written.length)}, one write, one sync`,
);

const state = emptyState();
const folded = noChanges();
const [, folding] = timed(() => events.forEach((event, i) => foldRecord(state, i as Offset, event, folded)));
const [, putting] = timed(() => {
  for (const set of state.desired.values()) new Map([...set].map(([key, element]) => [key, { ...element }]));
});
const elements = [...state.desired.values()].reduce((sum, { size }) => sum + size, 0);
note("fold", folding, putting, `${elements.toLocaleString("en")} elements put into maps`);

const tables = skeleton(DEFAULT_PROXY_CONFIG);
const changes = plan(new Map(), state.desired, folded.touched);
const [digest, digesting] = timed(() => advanceDigest(tablesDigest(tables), changes));
const [, hashing] = timed(() => changes.forEach(({ key }) => void hash("sha256", key)));
note("digest", digesting, hashing, "one SHA-256 for each element");

const position = (offset: number) => ({
  set: POSITION_PATH,
  ...(() => {
    const after = positionElement({ ledger: "0".repeat(16), offset, digest: digestText(digest) });
    return { key: after.key, before: undefined, after };
  })(),
});
const transaction = [
  ...tables.flatMap(createTable),
  ...elementOperations([...changes, position(0)], CONTAINERS),
];
const [{ bytes }, rendering] = timed(() => encodeBatch(transaction, 1));
const [, copying] = timed(() => bytes.slice());
note("render the batch", rendering, copying, `a copy of its ${megabytes(bytes.length)}`);
using kernel = new NetlinkKernel();
const { microseconds } = kernel.commit(transaction);
note(
  "commit",
  microseconds / 1000,
  microseconds / 1000,
  `the kernel's own time, ${transaction.length.toLocaleString("en")} operations`,
);

{
  using ledger = new LedgerWriter(storage, { policy: "interval" });
  writeSnapshot(ledger, snapshotLines(state), KEEP_ALL);
}
const [, restoring] = timed(() => restoredState(newestSnapshot<SnapshotLine>(storage)!.lines));
const snapshot = Deno.readFileSync(
  `${folder}/${storage.names().find((name) => name.endsWith(".snapshot.zst"))}`,
);
const [, unpacking] = timed(() =>
  new TextDecoder().decode(zstdDecompressSync(snapshot)).trimEnd().split("\n").forEach((line) =>
    void JSON.parse(line)
  )
);
note("restore from a snapshot", restoring, unpacking, "decompress it, and JSON.parse of each line");

const [listed, listing] = timed(() => kernel.list(OUR_TABLES));
const [, dumping] = timed(dump);
note("list the kernel", listing, dumping, "its answers, unread");
const [, comparing] = timed(() => rulesetDigest(listed.tables, listed.elements));
note("compare every element", comparing, hashing, "one SHA-256 for each element");

const times = Array.from({ length: CHANGES }, (_, i) => {
  const [, takes] = timed(() => change(i));
  const [, floor] = timed(() => kernel.commit(elementOperations([position(i)], CONTAINERS)));
  return [takes, floor] as const;
});
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
note(
  "one endpoint changed, event to kernel",
  median(times.map(([takes]) => takes)),
  median(times.map(([, floor]) => floor)),
  "the position alone committed",
);
Deno.removeSync(folder, { recursive: true });
table(`${services.toLocaleString("en")} Services with 2 endpoints`, rows);

function eventOf(line: string): EventRecord {
  const decoded = decodeObject(JSON.parse(line));
  if (!decoded.ok) throw new Error(decoded.problem);
  return {
    kind: "event",
    key: objectKey(decoded.object),
    value: decoded.object,
    resourceVersion: "1",
    time: TIME,
  };
}

function objectsOf(i: number, generation = 0): unknown[] {
  const address = (network: number, number: number) =>
    `10.${network + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  const name = `s${i}`;
  const clusterIP = address(96, i);
  const metadata = {
    namespace: "shop",
    uid: crypto.randomUUID(),
    resourceVersion: String(1000 + i),
    creationTimestamp: TIME,
  };
  return [{
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, name },
    spec: {
      clusterIP,
      clusterIPs: [clusterIP],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ port: 80, protocol: "TCP", targetPort: 8080 }],
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  }, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, name: `${name}-a`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address(128, i)] }, { addresses: [address(160, i + generation * 7)] }],
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
  }];
}

/** All steps between an event and the kernel's acknowledgement, except the ledger. */
function change(i: number): void {
  const event = eventOf(JSON.stringify(objectsOf((i * 31) % services, i + 1)[1]));
  const { touched } = foldRecord(state, (events.length + i) as Offset, event);
  const changes = plan(listed.elements, state.desired, touched);
  advanceDigest(digest, changes);
  kernel.commit(elementOperations([...changes, position(i)], CONTAINERS));
}

function dump(): void {
  using socket = new NetlinkSocket();
  const requests = new NetlinkRequests(socket, nf.NFNL_SUBSYS_NFTABLES);
  for (const path of CONTAINERS.keys()) {
    const { family, name } = splitSetPath(path);
    requests.dump({
      message: nf.MSG.GETSETELEM,
      family,
      fill(writer) {
        writer.attributeString(nf.NFTA_SET_ELEM_LIST.TABLE, TABLE);
        writer.attributeString(nf.NFTA_SET_ELEM_LIST.SET, name);
      },
    });
  }
}
