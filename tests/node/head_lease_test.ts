// Heads of the ledger in a Lease, against a server that is a table of answers. tests/cluster/head_lease_test.ts has a real one.

import assert from "node:assert/strict";
import { headsOfAnnotations, type LedgerHead } from "../../src/ledger/head.ts";
import { LEASE_MILLISECONDS } from "../../src/limits/ledger.ts";
import { HeadLease } from "../../src/node/head_lease.ts";

const HEAD: LedgerHead = { ledger: "0123456789abcdef", next: 12, chain: "ab".repeat(32) };

/** A lease whose requests get `answers` in turn: whether the path is there, or an error. */
function leaseWith(answers: (boolean | Error)[]) {
  const requests: { method: string; path: string; object: unknown }[] = [];
  const warnings: string[] = [];
  const lease = new HeadLease("kube-system", "node-a", (method, path, object) => {
    requests.push({ method, path, object });
    const answer = answers.shift()!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }, (text) => warnings.push(text));
  return { lease, requests, warnings };
}

Deno.test("the first head makes the Lease, a later one is added, and not more often than every few hours", async () => {
  const { lease, requests } = leaseWith([false, true, true]);
  lease.publish(HEAD, 0);
  await lease.end();
  lease.publish({ ...HEAD, next: 13 }, LEASE_MILLISECONDS - 1);
  lease.publish({ ...HEAD, next: 14 }, LEASE_MILLISECONDS);
  await lease.end();
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
  assert.deepEqual(requests.map(({ method, path }) => `${method} ${path}`), [
    `PATCH ${leases}/ledgerproxy-node-a`,
    `POST ${leases}`,
    `PATCH ${leases}/ledgerproxy-node-a`,
  ]);
  const annotations = requests.slice(1).map(({ object }) =>
    (object as { metadata: { annotations: Record<string, string> } }).metadata.annotations
  );
  assert.deepEqual(annotations.map(headsOfAnnotations), [[HEAD], [{ ...HEAD, next: 14 }]]);
});

Deno.test("a head that the server does not take is sent again, and the failure is logged once", async () => {
  const { lease, requests, warnings } = leaseWith([new Error("403 Forbidden"), new Error("503"), true]);
  for (let now = 0; now < 3; now++) {
    lease.publish(HEAD, now);
    await lease.end();
  }
  assert.equal(requests.length, 3);
  assert.deepEqual(warnings, [
    "no head can be published in Lease ledgerproxy-node-a: 403 Forbidden; trying again",
  ]);
});
