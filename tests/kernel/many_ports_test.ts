// Services with more ports to listen on than a process may have descriptors: health checks, and NodePorts on loopback. What they
// share leaves enough for the rules.

import assert from "node:assert/strict";
import { NetlinkKernel } from "../../src/kernel/netlink_kernel.ts";
import { shell } from "../support/lab/lab.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { newNodeFolder, served, SourceProgram, writeSource } from "../support/source_program.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

/** How many descriptors the program may have, and how many of them are for other things than ports. */
const DESCRIPTORS = 2048;
const RESERVED = 200;
const SERVICES = 1700;
const ADDRESS = "192.0.2.1";

class LimitedProgram extends SourceProgram {
  protected override started(command: readonly string[]): readonly string[] {
    return ["prlimit", `--nofile=${DESCRIPTORS}`, ...command];
  }
}

/** The own Node, and Services that each have a health check port and a NodePort. */
function writeServices(folder: string): void {
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-a" },
    status: { addresses: [{ type: "InternalIP", address: ADDRESS }] },
  };
  const items = Array.from({ length: SERVICES }, (_, i) => [{
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `s-${i}`, namespace: "many" },
    spec: {
      type: "LoadBalancer",
      clusterIP: `10.97.${i >> 8}.${i & 255}`,
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 20_000 + i,
      ports: [{ port: 80, nodePort: 30_000 + i }],
    },
  }, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `s-${i}`, namespace: "many", labels: { "kubernetes.io/service-name": `s-${i}` } },
    addressType: "IPv4",
    ports: [{ port: 8080, name: "", protocol: "TCP" }],
    endpoints: [{ addresses: [`10.245.${i >> 8}.${i & 255}`], nodeName: "node-a" }],
  }]);
  Deno.writeTextFileSync(`${folder}/next`, JSON.stringify({ kind: "List", items: [node, ...items.flat()] }));
  Deno.renameSync(`${folder}/next`, `${folder}/source/many.json`);
}

Deno.test("health check ports and NodePorts on loopback together leave descriptors for the rules", async () => {
  const folder = newNodeFolder();
  using kernel = new NetlinkKernel();
  shell(`ip address replace ${ADDRESS}/32 dev lo`);
  writeSource(folder, 1);
  const flags = ["--nodeport-addresses", `127.0.0.1/32,${ADDRESS}/32`];
  await using program = new LimitedProgram(folder, "store", ...flags);
  await until("the Service is served", served(kernel, 1));
  writeServices(folder);
  await until("ports are refused", () => /too few descriptors|os error 24/.test(program.log));
  await until("no more are opened", async () => {
    const before = program.descriptors;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return program.descriptors <= before;
  });
  assert.ok(
    program.descriptors <= DESCRIPTORS - RESERVED,
    `${program.descriptors} of ${DESCRIPTORS} are open`,
  );
  assert.equal(await program.stop(), 0);
  shell(`ip address del ${ADDRESS}/32 dev lo`);
  await Deno.remove(folder, { recursive: true });
});
