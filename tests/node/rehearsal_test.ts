// A rehearsal makes its changes and nothing else.

import assert from "node:assert/strict";
import { parseAddress } from "../../src/kube/address.ts";
import type { ProxyConfig } from "../../src/kube/proxy_config.ts";
import { settings } from "../../src/node/config.ts";
import { rehearse } from "../../src/node/rehearsal.ts";

const SETTINGS = settings({ node: "node-a" });
const never = new AbortController().signal;

Deno.test({
  name: "each rehearsed change is a batch, and none needs a file, an address or a program",
  permissions: "none",
  async fn() {
    assert.equal(await rehearse(SETTINGS, () => false, never, 60, 0), 61);
  },
});

Deno.test("every configuration can be rehearsed", async () => {
  const configurations: Partial<ProxyConfig>[] = [
    { serviceProxyName: "other" },
    { detectLocal: { mode: "NodeCIDR" } },
    {
      detectLocal: { mode: "ClusterCIDR", cidrs: ["2001:db8::/32"] },
      bindAddress: parseAddress("2001:db8::1")!,
    },
    { masqueradeAll: true, nodePortAddresses: ["localhost"], countConnections: true },
  ];
  for (const changed of configurations) {
    const proxy = { ...SETTINGS.proxy, ...changed };
    assert.equal(
      await rehearse({ ...SETTINGS, proxy }, () => false, never, 12, 0),
      13,
      JSON.stringify(changed),
    );
  }
});

Deno.test("a rehearsal waits until the ledger is not at work, and ends where the program does", async () => {
  let looks = 0;
  const stop = new AbortController();
  const isAtWork = () => ++looks < 3;
  assert.equal(await rehearse(SETTINGS, isAtWork, never, 5, 1), 6);
  assert.equal(looks, 3);
  stop.abort();
  assert.equal(await rehearse(SETTINGS, () => true, stop.signal, 5, 1), 0);
  assert.equal(await rehearse(SETTINGS, () => false, stop.signal, 5, 1), 0);
});

Deno.test("a fault in a rehearsal is the caller's, once", async () => {
  const proxy = { ...SETTINGS.proxy, detectLocal: undefined as never };
  await assert.rejects(rehearse({ ...SETTINGS, proxy }, () => false, never, 5, 0), {
    name: "InvariantError",
  });
});
