// When health check ports are followed again, and on which addresses they are.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { putHealthCheck } from "../../src/fold/health_checks.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { serviceName } from "../../src/kube/service_name.ts";
import { HealthCheckFollowing, hostnames } from "../../src/node/health_check_following.ts";

Deno.test("ports are followed when checks, configuration or Node change, and from time to time for the node's addresses", () => {
  let followed = 0;
  const following = new HealthCheckFollowing({ follow: () => void followed++ });
  const state = emptyState();
  const counts = [
    () => following.follow(state, 0),
    () => following.follow(state, 1000),
    () => {
      putHealthCheck(state, serviceName("shop", "web"), { port: 30_100, localEndpoints: { ip: 1 } });
      following.follow(state, 1000);
    },
    () => following.follow({ ...state, config: { ...state.config } }, 1000),
    () => following.follow({ ...state, node: { ...state.node } }, 1000),
    () => following.follow(emptyState(), 1000),
    () => following.follow(state, 1000),
    () => following.follow(state, 20_000),
    () => following.follow(state, 60_000),
  ].map((step) => {
    step();
    return followed;
  });
  assert.deepEqual(counts, [1, 1, 2, 3, 4, 5, 6, 6, 7]);
});

Deno.test("ports are where NodePorts are: on all addresses of a family, or on those that are named", () => {
  const own = ["127.0.0.1", "192.168.1.2", "172.16.0.2", "::1", "fd00::2", "fd01::2"].map((text) =>
    parseAddress(text)!
  );
  const node = { ...emptyState().node, addresses: [parseAddress("172.16.0.2")!, parseAddress("fd00::2")!] };
  const of = (...nodePortAddresses: string[]) => {
    const { all, ofIpv6 } = hostnames({ config: { ...DEFAULT_PROXY_CONFIG, nodePortAddresses }, node }, own);
    return `${all.join(" ")}, ${ofIpv6.join(" ")}`;
  };
  assert.equal(of(), "172.16.0.2 fd00::2, ");
  assert.equal(of("all"), "::, ");
  assert.equal(of("0.0.0.0/0", "::/0", "primary"), "::, ");
  assert.equal(of("192.168.0.0/16"), "192.168.1.2, ::1 fd00::2 fd01::2");
  assert.equal(of("192.168.0.0/16", "primary"), "172.16.0.2 192.168.1.2 fd00::2, ");
  assert.equal(of("fd01::/16"), "0.0.0.0 fd01::2, ");
  assert.equal(of("0.0.0.0/0", "primary"), "0.0.0.0 fd00::2, ");
  assert.equal(of("127.0.0.0/8", "fd01::/64"), "fd01::2, ");
  assert.equal(of("203.0.113.0/24", "fd07::/64"), ", ");
});
