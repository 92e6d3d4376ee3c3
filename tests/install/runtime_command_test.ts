// The command of the container: the image's own, and with the network addresses that manifest knows.

import assert from "node:assert/strict";
import { networkOf, runtimeCommand } from "../../src/install/runtime_command.ts";
import { libcPaths } from "../../src/kernel/libc.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from "../../src/kube/proxy_config.ts";
import type { Family } from "../../src/nft/data_type.ts";
import { imageEntrypoint } from "../support/bundle.ts";

const LISTENS = [{ hostname: "0.0.0.0", port: 10256 }, { hostname: "::1", port: 10249 }];

const network = (
  apiServer: string,
  proxy: Partial<ProxyConfig> = {},
  configured = false,
  families: readonly Family[] = ["ip"],
) => {
  const found = networkOf({
    apiServer,
    configured,
    listens: LISTENS,
    proxy: { ...DEFAULT_PROXY_CONFIG, ...proxy },
    families,
  });
  return found.known ? found.net.join(" ") : found.why;
};

Deno.test("without addresses it is the Dockerfile's ENTRYPOINT, and with them only --allow-net differs", () => {
  assert.deepEqual(runtimeCommand(), imageEntrypoint());
  const scoped = runtimeCommand(["10.0.0.2:6443", "[::]"]);
  assert.deepEqual(scoped.filter((word, i) => word !== runtimeCommand()[i]), [
    "--allow-net=10.0.0.2:6443,[::]",
  ]);
});

Deno.test("the library that it allows is the one that the program opens", () => {
  const allowed = imageEntrypoint().find((word) => word.startsWith("--allow-ffi="))!.slice(
    "--allow-ffi=".length,
  );
  assert.deepEqual(
    allowed.split(","),
    ["x86_64", "aarch64"].map((architecture) => libcPaths(architecture)[0]),
  );
});

Deno.test("the network is the API server, what is listened on, and the node's own addresses", () => {
  const own = "0.0.0.0:10256 [::]:10256 [::1]:10249";
  assert.equal(network("https://10.0.0.2:6443"), `10.0.0.2:6443 ${own} $(HOST_IP)`);
  assert.equal(network("https://10.0.0.2"), `10.0.0.2:443 ${own} $(HOST_IP)`);
  assert.equal(network("https://[fd00::2]:6443"), `[fd00::2]:6443 ${own} [$(HOST_IP)]`);
  assert.equal(
    network("https://10.0.0.2", { bindAddress: parseAddress("fd00::7")! }),
    `10.0.0.2:443 ${own} [fd00::7]`,
  );
  assert.equal(
    network("https://10.0.0.2", { nodePortAddresses: ["all"] }),
    `10.0.0.2:443 ${own} 0.0.0.0 [::]`,
  );
  // Services of IPv6 alone would have ports on its addresses, and there are none.
  const ranges = { nodePortAddresses: ["192.168.0.0/16"] };
  assert.equal(network("https://10.0.0.2", ranges), `10.0.0.2:443 ${own} 192.168.0.0/16`);
  assert.equal(
    network("https://[fd00::2]", { nodePortAddresses: ["primary", "0.0.0.0/0"] }, false, ["ip6"]),
    `[fd00::2]:443 ${own} 0.0.0.0 [$(HOST_IP)]`,
  );
  const two = ["primary", "192.168.0.0/16", "127.0.0.2/32"];
  assert.equal(
    network("https://10.0.0.2", { nodePortAddresses: two }),
    `10.0.0.2:443 ${own} 192.168.0.0/16 $(HOST_IP)`,
  );
});

Deno.test("what cannot be known or written is said", () => {
  assert.match(network("https://10.0.0.2", {}, true), /^a configuration in the cluster/);
  assert.match(network("https://api.example:6443"), /^the API server has a name/);
  assert.match(
    network("https://10.0.0.2", { nodePortAddresses: ["primary", "fd00::/64"] }),
    /no ranges of IPv6/,
  );
  assert.match(
    network("https://[fd00::2]", { nodePortAddresses: ["192.168.0.0/16"] }, false, ["ip6"]),
    /no ranges of IPv6/,
  );
  assert.match(network("https://10.0.0.2", { nodePortAddresses: ["localhost"] }), /lead to any endpoint/);
  const cidrs = ["10.244.0.0/16", "fd00::/64"];
  assert.match(network("https://10.0.0.2", { detectLocal: { mode: "ClusterCIDR", cidrs } }), /both families/);
  const nodeCidr = { detectLocal: { mode: "NodeCIDR" } } as const;
  assert.match(network("https://10.0.0.2", nodeCidr, false, ["ip", "ip6"]), /both families/);
  assert.match(network("https://10.0.0.2", nodeCidr, false, []), /nothing says/);
});
