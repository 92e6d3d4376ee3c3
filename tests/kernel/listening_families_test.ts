// On which addresses of a node the shipped program listens: for health and for the health checks of Services, with NodePorts on
// addresses of one family alone, with net.ipv6.bindv6only, and without IPv6.

import assert from "node:assert/strict";
import { preloaded } from "../support/bundle.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { newNodeFolder, SourceProgram, writeSource } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const [COVERED, OTHER, IPV6] = ["192.168.1.2", "172.16.0.2", "fd00:192::2"];
shell(`ip link set lo up
ip address add ${COVERED}/32 dev lo
ip address add ${OTHER}/32 dev lo
ip address add ${IPV6}/128 dev lo nodad`);

const HEALTH_PORT = 10256;
const CHECK_PORT = 31080;
const BOTH = { ipFamilyPolicy: "RequireDualStack", clusterIPs: ["10.96.0.1", "fd00:96::1"] };

/** A Service whose health check port is open. */
const checked = (more: object = {}) => ({
  type: "LoadBalancer",
  externalTrafficPolicy: "Local",
  healthCheckNodePort: CHECK_PORT,
  ...more,
});

/** The program as on a kernel that began with ipv6.disable=1. */
class WithoutIpv6 extends SourceProgram {
  protected override started(command: readonly string[]): readonly string[] {
    return preloaded(command, new URL("../support/without_ipv6.ts", import.meta.url).pathname);
  }
}

/** Starts the program on a node where health and NodePorts have `addresses`. */
function start(folder: string, addresses: string, Program = SourceProgram): SourceProgram {
  const health = ["--healthz-bind-address", `0.0.0.0:${HEALTH_PORT}`];
  return new Program(folder, "store", ...health, "--nodeport-addresses", addresses);
}

/** Which of the node's addresses answer on `port`. */
async function answering(port: number): Promise<string[]> {
  const asked = await Promise.all(["127.0.0.1", COVERED, OTHER, "::1", IPV6].map(async (hostname) => {
    try {
      (await Deno.connect({ hostname, port })).close();
      return [hostname];
    } catch (error) {
      const { ConnectionRefused, ConnectionReset } = Deno.errors;
      // A server that closes resets what it has not accepted yet.
      if (error instanceof ConnectionRefused || error instanceof ConnectionReset) return [];
      throw error;
    }
  }));
  return asked.flat();
}

/** Waits until the addresses that answer on `port` are `expected`. */
async function answers(port: number, expected: readonly string[]): Promise<void> {
  let found: string[] = [];
  await until(`the addresses with port ${port}`, async () => {
    found = await answering(port);
    return found.join() === expected.join();
  }).catch((error) => assert.deepEqual(found, expected, error.message));
}

Deno.test("health check ports are on the addresses that serve NodePorts, in each family", async () => {
  const cases: [nodePortAddresses: string, spec: object, expected: string[]][] = [
    ["all", checked(), ["127.0.0.1", COVERED, OTHER, "::1", IPV6]],
    // IPv6 has no CIDR, so its NodePorts are on all addresses of IPv6.
    ["192.168.1.0/24", checked(BOTH), [COVERED, "::1", IPV6]],
    ["192.168.1.0/24", checked(), [COVERED]],
    ["fd00:192::/64", checked(BOTH), ["127.0.0.1", COVERED, OTHER, IPV6]],
    ["192.168.1.0/24,fd00:192::/64", checked(BOTH), [COVERED, IPV6]],
  ];
  for (const [addresses, spec, expected] of cases) {
    const folder = newNodeFolder();
    writeSource(folder, 1, spec);
    await using _program = start(folder, addresses);
    await answers(CHECK_PORT, expected);
    // A Service that gets IPv6, or loses it, changes them.
    const other = "clusterIPs" in spec ? checked() : checked(BOTH);
    const then = cases.find(([one, it]) => one === addresses && "clusterIPs" in it === "clusterIPs" in other);
    if (then === undefined) continue;
    writeSource(folder, 1, other);
    await answers(CHECK_PORT, then[2]);
  }
});

Deno.test("with net.ipv6.bindv6only every address of both families is served still", async () => {
  Deno.writeTextFileSync("/proc/sys/net/ipv6/bindv6only", "1");
  try {
    const folder = newNodeFolder();
    writeSource(folder, 1, checked());
    await using _program = start(folder, "all");
    for (const port of [HEALTH_PORT, CHECK_PORT]) {
      await answers(port, ["127.0.0.1", COVERED, OTHER, "::1", IPV6]);
    }
  } finally {
    Deno.writeTextFileSync("/proc/sys/net/ipv6/bindv6only", "0");
  }
});

Deno.test("without IPv6 every address of IPv4 is served, and the log says that there is no more", async () => {
  const folder = newNodeFolder();
  writeSource(folder, 1, checked());
  await using program = start(folder, "all", WithoutIpv6);
  for (const port of [HEALTH_PORT, CHECK_PORT]) await answers(port, ["127.0.0.1", COVERED, OTHER]);
  const why = "(IPv4 alone; no socket of IPv6: Address family not supported by protocol (os error 97))";
  await until(
    "the log says so",
    () =>
      [`health on 0.0.0.0:10256 ${why}: every client`, `health check ports of Services ${why}\n`]
        .every((text) => program.log.includes(text)),
  );
  assert.doesNotMatch(program.log, /cannot be opened/);
});
