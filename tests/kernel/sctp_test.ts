// SCTP: few kernels have its sockets (CONFIG_IP_SCTP), but address translation needs none. An INIT chunk (RFC 9260)
// made here must reach an endpoint with its port translated. The test's name says whether the kernel has the sockets.

import assert from "node:assert/strict";
import {
  addressText,
  AF_INET,
  bindSocket,
  closeDescriptor,
  newSocket,
  Poll,
  POLLIN,
  receiveBytes,
  sendTo,
  SOCK_RAW,
  SOCK_STREAM,
  socketAddress,
} from "../support/lab/libc.ts";
import { Lab } from "../support/lab/lab.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

const IPPROTO_SCTP = 132;
const SOURCE_PORT = 20_000;
const PATIENCE_MILLISECONDS = 1000;

/** Common header and INIT chunk, without a checksum: the lab's connection tracking does not check it. */
function init(destinationPort: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(32));
  view.setUint16(0, SOURCE_PORT);
  view.setUint16(2, destinationPort);
  view.setUint8(12, 1);
  view.setUint16(14, 20);
  view.setUint32(16, 0x1234_5678);
  view.setUint32(20, 65_536);
  view.setUint16(24, 1);
  view.setUint16(26, 1);
  view.setUint32(28, 1);
  return new Uint8Array(view.buffer);
}

const sockets = hasSockets() ? "with SCTP sockets" : "without SCTP sockets: translation alone is tested";

Deno.test(`an SCTP association reaches an endpoint (a kernel ${sockets})`, () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  lab.run("node", "sysctl -qw net.netfilter.nf_conntrack_checksum=0");
  proxy.apply(decodeAll([
    nodeManifest(),
    ...parseScenario(
      "service shop/sig ips=10.96.0.10 ports=m3ua:2905/sctp\nslice shop/sig-a ports=m3ua:8080/sctp 10.244.2.5@node-b",
    ).objects.map(manifestOf),
  ]));
  const client = lab.inside("pod-1", () => newSocket(AF_INET, SOCK_RAW, IPPROTO_SCTP));
  const server = lab.inside("remote", () => newSocket(AF_INET, SOCK_RAW, IPPROTO_SCTP));
  try {
    bindSocket(client, "10.244.1.5", 0);
    sendTo(client, init(2905), socketAddress("10.96.0.10", 0));
    new Poll([server], [POLLIN]).wait(PATIENCE_MILLISECONDS);
    const received = receiveBytes(server);
    assert.ok(typeof received === "object", "the INIT chunk arrived");
    const { bytes } = received;
    const header = (bytes[0]! & 15) * 4;
    assert.equal(bytes.subarray(16, 20).join("."), "10.244.2.5");
    assert.equal(addressText(received.from), "10.244.1.5");
    assert.equal((bytes[header + 2]! << 8) | bytes[header + 3]!, 8080);
  } finally {
    closeDescriptor(client);
    closeDescriptor(server);
  }
});

function hasSockets(): boolean {
  try {
    closeDescriptor(newSocket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
    return true;
  } catch {
    return false;
  }
}
