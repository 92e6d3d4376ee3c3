// The packets by which a Service is judged.

import assert from "node:assert/strict";
import { packetsTo } from "../../src/history/frontend_packets.ts";
import { stateAt } from "../../src/history/past.ts";
import { placeText } from "../../src/history/plan_ahead.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { appears, service } from "../support/cluster_notation.ts";
import { committedPast } from "../support/past.ts";

Deno.test("each class of clients that the node knows sends to each frontend, in the frontend's family", () => {
  const node = appears({
    kind: "Node",
    metadata: { name: "" },
    spec: { podCIDRs: ["10.244.0.0/24"] },
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.1" }] },
  });
  const web = service("shop/web 10.96.0.1 http:80/tcp", "2026-01-01T00:00:00Z", {
    type: "NodePort",
    ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }],
  });
  const { state } = stateAt(committedPast([[node, appears(web)]]), 1);
  const packets = packetsTo(state, readServiceName("shop/web")).map(([client, packet]) =>
    `${client} ${packet.source} ${placeText(packet)}`
  ).toArray();
  assert.deepEqual(packets.filter((text) => text.startsWith("outside")), [
    "outside 203.0.113.77 10.96.0.1:80/tcp",
    ...state.node.addresses.map((address) => `outside 203.0.113.77 ${address}:30080/tcp`),
  ]);
  assert.deepEqual(packetsTo(state, readServiceName("shop/none")).toArray(), []);
});
