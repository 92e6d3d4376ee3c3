// kube-proxy's settings of connection tracking as sysctls.

import assert from "node:assert/strict";
import { conntrackParameters, type ConntrackSettings } from "../../src/kube/conntrack_settings.ts";

/** kube-proxy's defaults (pkg/proxy/apis/config/v1alpha1/defaults.go, 1.37). */
const DEFAULTS: ConntrackSettings = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedTimeout: 86_400,
  tcpCloseWaitTimeout: 3600,
  tcpBeLiberal: false,
  udpTimeout: 0,
  udpStreamTimeout: 0,
};

Deno.test("sysctls of connection tracking are those kube-proxy sets", () => {
  const names = (settings: Partial<ConntrackSettings>, cpus: number) =>
    conntrackParameters({ ...DEFAULTS, ...settings }, cpus).map(({ path, value }) =>
      `${path.replace(/.*\//, "")}=${value}`
    );
  assert.deepEqual(names({}, 2), [
    "nf_conntrack_max=131072",
    "hashsize=32768",
    "nf_conntrack_tcp_timeout_established=86400",
    "nf_conntrack_tcp_timeout_close_wait=3600",
  ]);
  assert.equal(names({}, 8)[0], "nf_conntrack_max=262144", "per core above the least");
  assert.equal(names({}, 64)[0], "nf_conntrack_max=1048576", "capped on many cores");
  assert.deepEqual(
    names({
      maxPerCore: 0,
      tcpEstablishedTimeout: 0,
      tcpCloseWaitTimeout: 0,
      tcpBeLiberal: true,
      udpStreamTimeout: 9,
    }, 8),
    ["nf_conntrack_tcp_be_liberal=1", "nf_conntrack_udp_timeout_stream=9"],
    "zero leaves a value as it is",
  );
});
