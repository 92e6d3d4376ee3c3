// Records with the right CRC and hash chain that no version of this program wrote: damage with the name of the field, or
// something that can be folded; never an error in the middle.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { isLedgerDamage } from "../../src/ledger/damage.ts";
import { canonicalJson, encodeHeader, genesisChain, segmentName } from "../../src/ledger/format.ts";
import { readLedger, verifyLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord } from "../../src/ledger/record.ts";
import { salvage } from "../../src/ledger/salvage.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { appears, slice } from "../support/cluster_notation.ts";
import { EVERY_KIND, ID, TIME } from "../support/ledger_records.ts";
import { type MemoryStorage, memoryStorage } from "../support/memory_storage.ts";
import { wrongShapes } from "../support/wrong_shapes.ts";

const CONFIG: LedgerRecord = {
  kind: "config",
  time: TIME,
  version: "0.7.0",
  nodeName: "node-a",
  proxy: {
    ...DEFAULT_PROXY_CONFIG,
    nodePortAddresses: ["primary"],
    detectLocal: { mode: "ClusterCIDR", cidrs: ["10.0.0.0/8"] },
  },
};
const event = (value: Extract<LedgerRecord, { kind: "event" }>["value"]): LedgerRecord => ({
  kind: "event",
  time: TIME,
  key: { kind: value!.kind, namespace: value!.metadata.namespace ?? "", name: value!.metadata.name },
  value,
  resourceVersion: "7",
});

const RECORDS: readonly LedgerRecord[] = [
  CONFIG,
  event({
    kind: "Node",
    metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "a" } },
    spec: { podCIDRs: ["10.244.0.0/24"], taints: [{ key: "k", effect: "e" }] },
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  }),
  event({ kind: "ServiceCIDR", metadata: { name: "all" }, spec: { cidrs: ["10.96.0.0/12"] } }),
  appears(slice("shop/web-a http:8080/tcp 10.244.0.1@node-a")),
  event({
    kind: "Service",
    metadata: { name: "web", namespace: "shop", uid: "u", creationTimestamp: TIME },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1"],
      ipFamilies: ["IPv4"],
      ports: [{ name: "http", protocol: "TCP", port: 80, nodePort: 30080 }],
      externalIPs: ["192.0.2.7"],
      loadBalancerSourceRanges: ["0.0.0.0/0"],
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      healthCheckNodePort: 32000,
    },
    status: { loadBalancer: { ingress: [{ ip: "198.51.100.1", ipMode: "VIP" }] } },
  }),
  ...EVERY_KIND.filter(({ kind }) => kind !== "event" && kind !== "config"),
];

/** A ledger of `records`, whatever they are. */
function ledgerOf(records: readonly unknown[]): MemoryStorage {
  let chain = genesisChain(ID);
  let text = encodeHeader({ ledger: ID, first: 0, chain });
  for (const [offset, record] of records.entries()) {
    const body = canonicalJson({ ...record as object, offset });
    chain = hash("sha256", chain + body, "hex");
    text += sealed(`${body.slice(0, -1)},"chain":"${chain}"}`);
  }
  return memoryStorage(new Map([[segmentName(0), new TextEncoder().encode(text)]]));
}

/** What reading and folding came to: "" when both went well, else the damage. */
function folded(storage: MemoryStorage): string {
  const state = emptyState();
  try {
    for (const { offset, record } of readLedger(storage)) foldRecord(state, offset, record);
    return "";
  } catch (error) {
    if (isLedgerDamage(error)) return error.message;
    return `not damage but ${(error as Error).stack}`;
  }
}

Deno.test("the records of these tests are right", () => {
  assert.equal(folded(ledgerOf(RECORDS)), "");
});

Deno.test("each field of each record that is wrong is named with file, line and byte, or does no harm", () => {
  let [found, harmless] = [0, 0];
  for (const [i, record] of RECORDS.entries()) {
    for (const { path, value } of wrongShapes(record)) {
      const storage = ledgerOf(RECORDS.with(i, value as LedgerRecord));
      const damage = folded(storage);
      const what = `record ${i}: ${path} is wrong in ${JSON.stringify(value)}`;
      if (damage === "") {
        harmless++;
        continue;
      }
      found++;
      assert.match(
        damage,
        new RegExp(`^0+\\.ndjson:${i + 2} \\(byte \\d+\\): (not a record: \\.|kind ")`),
        what,
      );
      assert.deepEqual(verifyLedger(storage), [damage], what);
      const records = salvage(storage);
      let whole = 0;
      while (!records.next().done) whole++;
      assert.equal(whole, RECORDS.length - 1, `${what}: all others can be used`);
    }
  }
  assert.ok(found > 1000 && harmless > 100, `${found} found, ${harmless} harmless`);
});

Deno.test("an event of another object than its key names, and a commit of records behind it, are damage", () => {
  const other = { ...RECORDS[4]!, key: { kind: "Service", namespace: "shop", name: "api" } };
  assert.match(folded(ledgerOf([other])), /\.value: Service shop\/web is not Service shop\/api/);
  const commit = EVERY_KIND.find(({ kind }) => kind === "commit");
  assert.match(folded(ledgerOf([commit])), /\.through: 3 is not before the commit itself/);
});

Deno.test("a line that is no JSON, and a header that is none, are damage", () => {
  for (const object of ["[]", "7", "{", '"x"', "null"]) {
    const storage = ledgerOf([CONFIG]);
    const bytes = storage.files.get(segmentName(0))!;
    storage.files.set(
      segmentName(0),
      new Uint8Array([...bytes, ...new TextEncoder().encode(sealed(object))]),
    );
    assert.match(folded(storage), /:3 \(byte \d+\): /, object);
  }
});

/** Any text with the right CRC, in the place where a record has its own. */
function sealed(text: string): string {
  const covered = text.slice(0, -1);
  return `${covered},"crc":"${crc32(covered).toString(16).padStart(8, "0")}"}\n`;
}
