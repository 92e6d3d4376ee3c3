// Connections joined with Services: by frontend and endpoint, and the record with which an endpoint stopped getting new ones.

import assert from "node:assert/strict";
import {
  connectionsAbout,
  type ConnectionsQuestion,
  type TrackedConnection,
} from "../../src/history/connections.ts";
import { directoryOf } from "../../src/history/directory.ts";
import { historyOf } from "../../src/history/history.ts";
import { stateToRead } from "../../src/history/journal_reading.ts";
import { findSubject, isNameProblem } from "../../src/history/names.ts";
import { parseCidr } from "../../src/kube/address.ts";
import { webPast } from "../support/web_history.ts";

/** A TCP connection, as `client target answerer state`. */
function tracked(text: string, began?: string): TrackedConnection {
  const [client = "", target = "", answerer = "", state = ""] = text.split(" ");
  return { protocol: "tcp", client, target, answerer, state, began: began && Date.parse(began) || undefined };
}

/** The rows at `offset`, where shop/web has endpoints as in web_history.ts. */
function rowsAt(
  offset: number,
  connections: readonly TrackedConnection[],
  question: ConnectionsQuestion = {},
) {
  const past = webPast();
  const at = { state: stateToRead(past, offset), through: offset };
  return connectionsAbout(past, at, question, (count) => connections.forEach(count));
}

const BY_CLUSTER_IP = tracked(
  "10.244.1.9:1 10.96.0.1:80 10.244.0.1:8080 ESTABLISHED",
  "2026-11-23T03:12:01Z",
);
const BY_NODE_PORT = tracked(
  "203.0.113.2:2 192.0.2.1:30080 10.244.0.1:8080 FIN_WAIT",
  "2026-11-23T03:12:02Z",
);
const TO_THE_OTHER = tracked("10.244.1.9:3 10.96.0.1:80 10.244.0.2:8080 TIME_WAIT");

Deno.test("connections by every frontend of a port count for the endpoint that answers", () => {
  const rows = rowsAt(13, [BY_CLUSTER_IP, BY_NODE_PORT, TO_THE_OTHER]);
  assert.deepEqual(
    rows.map((
      { service, port, endpoint, open, over, oldest, leaving, condition },
    ) => [service, port, endpoint, open, over, oldest, leaving, condition]),
    [
      ["shop/web", "http", "10.244.0.1:8080", 2, 0, "2026-11-23T03:12:01.000Z", false, "ready"],
      ["shop/web", "http", "10.244.0.2:8080", 0, 1, null, false, "ready"],
    ],
  );
});

Deno.test("an endpoint that is gone or not ready is leaving, since the record that took it away", () => {
  const [gone] = rowsAt(4, [BY_CLUSTER_IP]);
  assert.deepEqual([gone?.condition, gone?.leaving, gone?.left?.offset], ["gone", true, 3]);
  assert.equal(gone?.left?.what, "EndpointSlice shop/web-a (changed)");
  assert.equal(gone?.node, "node-a", "the record that took it away knows its node");
  const [unready] = rowsAt(6, [TO_THE_OTHER]);
  assert.deepEqual([unready?.condition, unready?.leaving, unready?.left?.offset], ["not ready", true, 5]);
});

Deno.test("an address that no Service has is named, and says nothing of an endpoint", () => {
  const [row] = rowsAt(13, [tracked("10.244.1.9:1 198.51.100.1:443 10.244.0.1:8080 ESTABLISHED")]);
  assert.deepEqual([row?.service, row?.port, row?.leaving, row?.left], [
    "",
    "198.51.100.1:443/tcp",
    false,
    null,
  ]);
});

Deno.test("rows keep their connections only where they are asked for", () => {
  assert.deepEqual(rowsAt(13, [BY_CLUSTER_IP])[0]?.connections, []);
  assert.deepEqual(rowsAt(13, [BY_CLUSTER_IP], { list: true })[0]?.connections, [{
    client: "10.244.1.9:1",
    target: "10.96.0.1:80",
    state: "ESTABLISHED",
    began: "2026-11-23T03:12:01.000Z",
  }]);
});

Deno.test("a history answers about connections that a program has listed", () => {
  const rows = historyOf(webPast()).connections([BY_CLUSTER_IP], "@4");
  assert.deepEqual(rows.map(({ endpoint, left }) => [endpoint, left?.offset]), [["10.244.0.1:8080", 3]]);
});

Deno.test("rows are found by Service, port, node, address and block, connections by their clients", () => {
  const found = (question: ConnectionsQuestion) =>
    rowsAt(13, [BY_CLUSTER_IP, TO_THE_OTHER], question).map(({ endpoint }) => endpoint);
  const about = (text: string) => {
    const subject = findSubject(directoryOf(stateToRead(webPast(), 13)), text);
    if (isNameProblem(subject)) throw new Error(text);
    return found({ subject });
  };
  const [one, other] = ["10.244.0.1:8080", "10.244.0.2:8080"];
  assert.deepEqual(about("shop/web:http"), [one, other]);
  assert.deepEqual(about("shop/cart"), []);
  assert.deepEqual(about("node-b"), [other]);
  assert.deepEqual(about("10.244.0.1"), [one]);
  assert.deepEqual(about("10.244.0.1:8081"), []);
  assert.deepEqual(about("10.244.0.2/31"), [other]);
  const from = (clients: string) => found({ clients: parseCidr(clients)! });
  assert.deepEqual(from("10.244.1.0/24"), [one, other]);
  assert.deepEqual(from("203.0.113.0/24"), []);
  assert.deepEqual(found({ leaving: true }), []);
  assert.deepEqual(
    rowsAt(4, [BY_CLUSTER_IP, TO_THE_OTHER], { leaving: true }).map(({ endpoint }) => endpoint),
    [one],
  );
});
