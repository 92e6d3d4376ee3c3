// Choice by client, with packets: each client meets the endpoint that the trace says, in both families and at a NodePort.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { trace } from "../../src/history/trace.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { type Address, canonicalAddress } from "../../src/nft/data_type.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { memoryStorage } from "../support/memory_storage.ts";
import {
  AF_INET,
  AF_INET6,
  bindSocket,
  closeDescriptor,
  newSocket,
  Poll,
  POLLIN,
  receiveBytes,
  sendTo,
  SOCK_DGRAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { POD_NETWORKS } from "../support/pod_networks.ts";
import { nft, requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const CLIENTS = [
  "ip route add local 172.16.0.0/16 dev lo",
  "ip -6 route add local fd00:172::/64 dev lo",
];
for (const command of [...POD_NETWORKS, ...CLIENTS]) {
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", command] }).outputSync();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

const NODE: KubeObject = {
  kind: "Node",
  metadata: { name: "node-a" },
  spec: {},
  status: {
    addresses: ["192.168.10.10", "fd00:192:168:10::10"].map((address) => ({ type: "InternalIP", address })),
  },
};
const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;
const PORT = 9053;

const PATIENCE_MILLISECONDS = 5000;

/** A UDP socket in each pod. */
class Pods implements Disposable {
  readonly #sockets: readonly number[];
  readonly #poll: Poll;
  /** Each packet begins a flow: connection tracking would send a second packet where the first went. */
  #sourcePort = 20_000;

  constructor(readonly addresses: readonly string[]) {
    this.#sockets = addresses.map((address) => bound(address, PORT));
    this.#poll = new Poll(this.#sockets, this.#sockets.map(() => POLLIN));
  }

  /** The pod that receives a packet of `client`. */
  met(client: string, hostname: string, port: number): string {
    const socket = bound(client, this.#sourcePort++);
    try {
      sendTo(socket, Uint8Array.of(1), socketAddress(hostname, port));
      this.#poll.wait(PATIENCE_MILLISECONDS);
      const at = this.#sockets.findIndex((one) => typeof receiveBytes(one) === "object");
      assert.ok(at >= 0, `no pod received the packet of ${client} to ${hostname}`);
      return this.addresses[at]!;
    } finally {
      closeDescriptor(socket);
    }
  }

  [Symbol.dispose](): void {
    this.#sockets.forEach(closeDescriptor);
  }
}

function bound(address: string, port: number): number {
  const socket = newSocket(address.includes(":") ? AF_INET6 : AF_INET, SOCK_DGRAM);
  bindSocket(socket, address, port);
  return socket;
}

const FAMILIES = [
  {
    pods: (count: number) => Array.from({ length: count }, (_, i) => `10.244.0.${i + 1}`),
    client: (i: number) => `172.16.${i >> 8}.${i & 255}`,
    frontends: [["10.96.0.1", 53], ["203.0.113.1", 53], ["192.168.10.10", 30053]],
  },
  {
    pods: (count: number) => Array.from({ length: count }, (_, i) => `fd00:10:244::${(i + 1).toString(16)}`),
    client: (i: number) => `fd00:172::${(i + 1).toString(16)}:abcd`,
    frontends: [["fd00:96::1", 53], ["fd00:203::1", 53], ["fd00:192:168:10::10", 30053]],
  },
] as const;

function objects(pods: readonly string[]): KubeObject[] {
  const base = service("shop/web 10.96.0.1,fd00:96::1 dns:53/udp", undefined, {
    type: "NodePort",
    externalIPs: ["203.0.113.1", "fd00:203::1"],
  });
  const ports = [{ name: "dns", port: 53, protocol: "UDP", nodePort: 30053 }];
  const annotations = { "ledgerproxy.io/choice": "client" };
  return [
    NODE,
    { ...base, metadata: { ...base.metadata, annotations }, spec: { ...base.spec, ports } },
    slice(`shop/web-a dns:${PORT}/udp ${pods.join(" ")}`),
  ];
}

for (const { pods, client, frontends } of FAMILIES) {
  Deno.test(`a packet goes where the trace says, for each client, to ${frontends[0][0]}`, () => {
    using kernel = new NetlinkKernel();
    const warn = (text: string) => assert.fail(text);
    using proxy = new EngineProcess(kernel, memoryStorage(), { warn, first: [CONFIG] });
    using receiving = new Pods(pods(9));
    for (const count of [2, 3, 5, 9, 6]) {
      proxy.list(...objects(pods(count)));
      assert.equal(proxy.engine.rejections, 0);
      const { tables, desired, node } = proxy.engine.cluster;
      const met = new Set<string>();
      for (let i = 0; i < 40; i++) {
        for (const [hostname, port] of frontends) {
          const [source, destination] = [client(i), hostname].map(canonicalAddress) as [Address, Address];
          // The sender is no address of the node to the trace, nor is it one to the rules that look for a route.
          const { outcomes } = trace(
            { tables, elements: desired },
            { source, destination, protocol: "udp", port },
            [...node.addresses, source],
          );
          assert.equal(outcomes.length, 1, "it is certain");
          const pod = receiving.met(source, hostname, port);
          assert.equal(pod, outcomes[0]!.destination, `${source} to ${hostname}:${port} of ${count}`);
          met.add(pod);
        }
      }
      assert.equal(met.size, count, "forty clients meet all of them");
    }
    assert.match(nft(["list", "ruleset"]), /jhash ip6? saddr mod 2 seed 0x/);
  });
}
